"""What a subscription is worth and until when it gives access: pure, the same for every source."""

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta

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
    ENDED = "ended"


# Holds a subscription, in the reader's and the bookkeeper's sense: a patron.
HOLDING = frozenset({Status.TRIALING, Status.ACTIVE, Status.PAST_DUE})
# Brings money each month.
PAYING = frozenset({Status.ACTIVE, Status.PAST_DUE})
# Still exists at Stripe: a second one must not be sold beside it.
LIVE = HOLDING | {Status.UNPAID, Status.PAUSED, Status.INCOMPLETE}


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
    bill only is none.
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
    seats: int = 1


@dataclass(frozen=True, slots=True)
class Holding:
    """A plan (its slug) that gives a reader access until an instant (aware UTC)."""

    plan: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Policy:
    """For how long access outlives what was paid for."""

    grace: timedelta
    slack: timedelta


@dataclass(frozen=True, slots=True)
class Standing:
    """What the ledger compares: where a subscription stands and what it brings a month."""

    status: Status
    monthly: Money
    plan_id: int
    canceling: bool


@dataclass(frozen=True, slots=True)
class Step:
    """A change to write down, and by how much the month's revenue moved with it."""

    change: Change
    delta: Money


def access_until(facts: Facts, policy: Policy) -> datetime | None:
    """The instant at which access ends by itself, or None where there is none.

    A renewal is charged about an hour after the period turns, so a paid period is followed by some slack;
    a failed renewal by a grace that counts from the unpaid invoice, because Stripe has by then already
    moved the period on.
    """
    match facts.status:
        case Status.TRIALING | Status.ACTIVE:
            end = facts.period_end + policy.slack if facts.period_end else None
        case Status.PAST_DUE:
            since = facts.unpaid_since or facts.period_start
            end = since + policy.grace if since else None
        case _:
            end = None
    return _earlier(end, facts.cancel_at)


def monthly(facts: Facts) -> Money:
    """What this subscription brings a month after discount, in whole minor units.

    Nothing in a trial or after the end.
    """
    if facts.status not in PAYING:
        return Money(0, facts.price.currency)
    paid = facts.price - facts.discount.off if facts.discount else facts.price
    return Money(round(paid.amount / 12), paid.currency) if facts.interval is Interval.YEAR else paid


def standing(facts: Facts) -> Standing:
    """The part of the facts that the ledger follows."""
    return Standing(
        status=facts.status,
        monthly=monthly(facts),
        plan_id=facts.plan_id,
        canceling=facts.status in HOLDING and facts.cancel_at is not None,
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


def _earlier(end: datetime | None, cancel_at: datetime | None) -> datetime | None:
    return min(end, cancel_at) if end and cancel_at else end


def _change(before: Standing | None, after: Standing) -> Change | None:
    held = before.status if before and before.status in HOLDING else None
    if held is None:
        return STARTS.get(after.status)
    if after.status not in HOLDING:
        return Change.PAUSED if after.status is Status.PAUSED else Change.ENDED
    switched = before is not None and before.plan_id != after.plan_id
    return MOVES.get((held, after.status)) or (Change.SWITCHED if switched else None)


def _priced(delta: Money) -> Change:
    return Change.UPGRADED if delta.amount > 0 else Change.DOWNGRADED


def _turned(before: Standing | None, after: Standing) -> tuple[Step, ...]:
    was = bool(before and before.canceling)
    if was == after.canceling or after.status not in HOLDING:
        return ()
    return (
        Step(Change.CANCELING if after.canceling else Change.CANCEL_UNDONE, Money(0, after.monthly.currency)),
    )
