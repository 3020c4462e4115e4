"""What a subscription is worth, and what the ledger says of a change: pure, the same for every source."""

import enum
from dataclasses import dataclass
from datetime import datetime

from paywall.money import Money


class Source(enum.StrEnum):
    """Who says that the reader holds something."""

    STRIPE = "stripe"
    PATREON = "patreon"
    GIFT = "gift"
    GROUP = "group"
    COMP = "comp"


class Interval(enum.StrEnum):
    """How often a price is paid."""

    MONTH = "month"
    YEAR = "year"


class Status(enum.StrEnum):
    """Stripe's words for where a subscription stands, and one for a word that we do not know."""

    INCOMPLETE = "incomplete"
    INCOMPLETE_EXPIRED = "incomplete_expired"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    UNPAID = "unpaid"
    PAUSED = "paused"
    CANCELED = "canceled"
    UNKNOWN = "unknown"

    @classmethod
    def read(cls, word: str) -> "Status":
        """The status of that name; a new word of the source becomes UNKNOWN, which gives no access."""
        return cls(word) if word in cls._value2member_map_ else cls.UNKNOWN


class Change(enum.StrEnum):
    """What a line of the ledger says happened."""

    STARTED = "started"
    TRIAL_STARTED = "trial_started"
    CONVERTED = "converted"
    UPGRADED = "upgraded"
    DOWNGRADED = "downgraded"
    SWITCHED = "switched"
    FAILED = "failed"
    RECOVERED = "recovered"
    CANCELING = "canceling"
    CANCEL_UNDONE = "cancel_undone"
    PAUSED = "paused"
    RESUMED = "resumed"
    ENDED = "ended"


# Holds a subscription, in the reader's and the bookkeeper's sense: a patron.
HOLDING = frozenset({Status.TRIALING, Status.ACTIVE, Status.PAST_DUE})
# Brings money each month.
PAYING = frozenset({Status.ACTIVE, Status.PAST_DUE})
# Still exists at Stripe: a second one must not be sold beside it.
LIVE = HOLDING | {Status.UNPAID, Status.PAUSED, Status.INCOMPLETE, Status.UNKNOWN}


# From holding nothing, and from one status of a patron to another.
STARTS = {
    Status.TRIALING: Change.TRIAL_STARTED,
    Status.ACTIVE: Change.STARTED,
    Status.PAST_DUE: Change.STARTED,
}
MOVES = {
    (Status.TRIALING, Status.ACTIVE): Change.CONVERTED,
    (Status.TRIALING, Status.PAST_DUE): Change.CONVERTED,
    (Status.ACTIVE, Status.PAST_DUE): Change.FAILED,
    (Status.PAST_DUE, Status.ACTIVE): Change.RECOVERED,
    (Status.PAST_DUE, Status.TRIALING): Change.RECOVERED,
}


@dataclass(frozen=True, slots=True)
class Discount:
    """Money off each interval, and until when (aware UTC; None is for ever)."""

    off: Money
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """One subscription as its source states it now. Instants are aware UTC; `price` is per interval.

    `price` is for all `seats` together. `discount` is what is taken off it as long as it stands; a cut of one
    bill only is none. `interval_count`: a price of 15 each 3 months is MONTH and 3. `unpaid_since`: when the
    first bill was made that is unpaid since the last paid one. `collected`: bills are collected.
    `wanted_break`: the reader asked for the pause. `disputed_at`, `refunded_at`: when what paid for it was
    taken back, or all given back.
    """

    source: Source
    external_id: str
    plan_id: int
    status: Status
    price: Money
    interval: Interval
    started_at: datetime
    period_start: datetime | None = None
    period_end: datetime | None = None
    trial_end: datetime | None = None
    cancel_at: datetime | None = None
    ended_at: datetime | None = None
    unpaid_since: datetime | None = None
    feedback: str | None = None
    discount: Discount | None = None
    interval_count: int = 1
    seats: int = 1
    collected: bool = True
    wanted_break: bool = False
    disputed_at: datetime | None = None
    refunded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Holding:
    """A plan (its slug) that gives a reader access until an instant (aware UTC)."""

    plan: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """What the ledger compares: where a subscription stands and what it brings a month."""

    status: Status
    monthly: Money
    plan_id: int
    canceling: bool
    collected: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """A change to write down, and by how much the month's revenue moved with it."""

    change: Change
    delta: Money


def monthly(facts: Facts) -> Money:
    """What this subscription brings a month after discount, in whole minor units.

    Nothing in a trial, after the end, and while its bills are not collected.
    """
    if facts.status not in PAYING or not facts.collected:
        return Money(0, facts.price.currency)
    paid = facts.price - facts.discount.off if facts.discount else facts.price
    months = facts.interval_count * (12 if facts.interval is Interval.YEAR else 1)
    return paid if months == 1 else Money(round(paid.amount / months), paid.currency)


def standing(facts: Facts) -> Standing:
    """The part of the facts that the ledger follows."""
    return Standing(
        status=facts.status,
        monthly=monthly(facts),
        plan_id=facts.plan_id,
        canceling=facts.status in HOLDING and facts.cancel_at is not None,
        collected=facts.collected,
    )


def steps(before: Standing | None, after: Standing) -> tuple[Step, ...]:
    """The lines that the ledger needs to get from one standing to the next; none if nothing moved."""
    change = _change(before, after)
    turned = _turned(before, after)
    nothing = Money(0, after.monthly.currency)
    if before and before.monthly.currency != after.monthly.currency:
        return (Step(Change.ENDED, -before.monthly), Step(change or Change.SWITCHED, after.monthly), *turned)
    delta = after.monthly - before.monthly if before else after.monthly
    if change is None and delta == nothing:
        return turned
    return (Step(change or _priced(delta), delta), *turned)


def _change(before: Standing | None, after: Standing) -> Change | None:
    held = before.status if before and before.status in HOLDING else None
    if before is None or held is None:
        was_paused = before is not None and before.status is Status.PAUSED
        return Change.RESUMED if was_paused and after.status in HOLDING else STARTS.get(after.status)
    if after.status not in HOLDING:
        return Change.PAUSED if after.status is Status.PAUSED else Change.ENDED
    if before.collected != after.collected:
        return Change.RESUMED if after.collected else Change.PAUSED
    return MOVES.get((held, after.status)) or (Change.SWITCHED if before.plan_id != after.plan_id else None)


def _priced(delta: Money) -> Change:
    return Change.UPGRADED if delta.amount > 0 else Change.DOWNGRADED


def _turned(before: Standing | None, after: Standing) -> tuple[Step, ...]:
    was = bool(before and before.canceling)
    if was == after.canceling or after.status not in HOLDING:
        return ()
    return (
        Step(Change.CANCELING if after.canceling else Change.CANCEL_UNDONE, Money(0, after.monthly.currency)),
    )
