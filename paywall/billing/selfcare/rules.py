"""What a reader can do with a subscription that Stripe bills, and what comes of it: pure."""

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from paywall.membership.policy import Dated
from paywall.membership.rules import LIVE, Status
from paywall.money import Money

# How long a price that was shown can be agreed to.
SHOWN_FOR = timedelta(minutes=30)


class Deed(enum.StrEnum):
    """What a reader does on our own pages."""

    CANCEL = "cancel"
    KEEP = "keep"
    SWITCH = "switch"
    PAUSE = "pause"
    RESUME = "resume"
    PAY = "pay"


class End(enum.StrEnum):
    """When a subscription that is cancelled now ends: what is paid for is read, what is not is not billed."""

    WITH_PERIOD = "with_period"
    ON_PAID_DAY = "on_paid_day"
    AT_ONCE = "at_once"


@dataclass(frozen=True, slots=True)
class Said:
    """Why a reader leaves: one of Stripe's reasons, and their own words."""

    feedback: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Leaving:
    """How a subscription ends if it is cancelled now, until when it is read (None: no longer)."""

    end: End
    reads_until: datetime | None


@dataclass(frozen=True, slots=True)
class Item:
    """What a subscription sells now (ids at Stripe), and the price to which an unpaid change waits to go."""

    id: str
    price: str
    quantity: int
    waiting: str | None


@dataclass(frozen=True, slots=True)
class Quote:
    """What a change comes to, reckoned for the instant `at`: all in one currency, in minor units.

    `credit` is given for the time not used, `charge` is asked for what is new; `total` is what is left of
    them after `discount` and with `tax`. `due` is taken from the card now, `saved` is credit for later bills.
    The next bill is made at `renews_at`; None: as before.
    """

    at: datetime
    credit: Money
    charge: Money
    discount: Money
    tax: Money
    total: Money
    due: Money
    saved: Money
    renews_at: datetime | None

    def fits(self, shown: "Shown") -> bool:
        """Whether this is what the reader was shown and agreed to."""
        return (self.total.amount, self.due.amount) == (shown.total, shown.due)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a reader agreed to: for which instant it was reckoned, and the sums that they saw."""

    at: datetime
    total: int
    due: int

    def is_fresh(self, now: datetime) -> bool:
        """Whether it was shown but now: Stripe reckons to the second, so an old price is no price."""
        return timedelta(0) <= now - self.at <= SHOWN_FOR


def deeds(held: Dated, *, owes: bool, may_pause: bool) -> frozenset[Deed]:
    """What a reader can do; `owes`: a bill is open, `may_pause`: the newsroom allows it."""
    return frozenset(_deeds(held, owes=owes, may_pause=may_pause)) if held.status in LIVE else frozenset()


def leaving(held: Dated, access_until: datetime | None, now: datetime) -> Leaving:
    """What cancelling does. `access_until` is what the policy says without it; the earlier date counts.

    A period that is paid for runs out. With a bill unpaid it ends at once, for Stripe would go on trying to
    collect. In a pause no period runs, so it ends on the day that is paid for.
    """
    reads = access_until if access_until and access_until > now else None
    if held.status in _RUNNING and held.period_end and held.period_end > now:
        return Leaving(End.WITH_PERIOD, min(reads, held.period_end) if reads else None)
    if held.status is Status.PAUSED and reads:
        return Leaving(End.ON_PAID_DAY, reads)
    return Leaving(End.AT_ONCE, None)


_RUNNING = (Status.TRIALING, Status.ACTIVE)


def _deeds(held: Dated, *, owes: bool, may_pause: bool) -> Iterator[Deed]:
    yield Deed.KEEP if held.cancel_at else Deed.CANCEL
    if owes:
        yield Deed.PAY
    if held.cancel_at:
        return
    if held.status is Status.PAUSED and not owes:
        yield Deed.RESUME
    settled = not owes and held.collected and held.disputed_at is None
    if settled and held.status in _RUNNING:
        yield Deed.SWITCH
    if settled and held.status is Status.ACTIVE and may_pause:
        yield Deed.PAUSE
