"""A price that is shown before it is agreed to: Stripe reckons it for an instant, to the second."""

from datetime import datetime

from flask_babel import gettext

from paywall import clock
from paywall.errors import Conflict


class QuoteOver(Conflict):
    """What was agreed to is not what it would come to now: it must be shown again."""


def instant() -> datetime:
    """Now, as exactly as Stripe reckons."""
    return clock.now().replace(microsecond=0)


def require(*, fresh: bool) -> None:
    """Raise QuoteOver unless what was agreed to was shown but now."""
    if not fresh:
        raise QuoteOver(gettext("It took a while: please look at the price again."))


def require_same(*, same: bool) -> None:
    """Raise QuoteOver unless it still comes to what was shown."""
    if not same:
        raise QuoteOver(gettext("The price has changed meanwhile: please look at it again."))
