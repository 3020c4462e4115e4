"""A reader's own subscription: fetched through its owner, read again at Stripe before and after a change."""

from collections.abc import Callable
from contextlib import suppress

import structlog
from flask import current_app
from flask_babel import gettext
from sqlalchemy import select

from paywall.billing.selfcare import rules, waiting
from paywall.billing.selfcare.rules import Deed
from paywall.billing.sync import sync
from paywall.config import Settings
from paywall.db import db
from paywall.errors import Conflict, NotFound, Unavailable
from paywall.membership.models import Subscription
from paywall.membership.rules import LIVE, Source

log = structlog.get_logger()


def mine(reader_id: int, held_id: int) -> Subscription:
    """One subscription that Stripe bills, as our tables have it; NotFound for another reader's."""
    query = select(Subscription).where(
        Subscription.id == held_id,
        Subscription.reader_id == reader_id,
        Subscription.source == Source.STRIPE,
    )
    held = db.session.scalar(query.execution_options(populate_existing=True))
    if held is None:
        raise NotFound(gettext("You have no such membership."))
    return held


def fresh(reader_id: int, held_id: int, customer_id: int) -> Subscription:
    """The same, as Stripe has it now: a page that was left open may show what is long past; commits."""
    mine(reader_id, held_id)
    db.session.commit()
    sync(customer_id)
    return mine(reader_id, held_id)


def deeds(held: Subscription) -> frozenset[Deed]:
    """What its reader can do with a subscription now; nothing with one that Stripe does not bill."""
    if held.source is not Source.STRIPE:
        return frozenset()
    settings: Settings = current_app.extensions["settings"]
    return rules.deeds(held, owes=waiting.bill(held) is not None, may_pause=settings.pauses)


def require(deed: Deed, held: Subscription) -> None:
    """Raise Conflict if this cannot be done now."""
    if deed not in deeds(held):
        raise Conflict(_why_not(deed, held))


def carry_out(customer_id: int, act: Callable[[], object], is_done: Callable[[], bool]) -> None:
    """Do something at Stripe and read the books again; commits. Call it in no transaction.

    An answer that was lost is looked for in the books: Unavailable only if they do not show it `is_done`.
    """
    lost: Unavailable | None = None
    try:
        act()
    except Unavailable as unanswered:
        lost = unanswered
    with suppress(Unavailable):
        sync(customer_id)
    is_shown = is_done()
    db.session.commit()
    if lost and not is_shown:
        raise lost
    if lost or not is_shown:
        log.warning("answer_of_change_late", customer=customer_id, was_lost=lost is not None)


def _why_not(deed: Deed, held: Subscription) -> str:
    if held.status not in LIVE:
        return str(gettext("This membership has ended. You can join again at any time."))
    if held.cancel_at:
        return str(gettext("You have cancelled. Keep your membership first: then you can change it."))
    if waiting.bill(held):
        return str(gettext("Please pay what is open first."))
    if deed is Deed.RESUME:
        return str(gettext("Your membership is not paused."))
    return str(gettext("This cannot be done with your membership at present."))
