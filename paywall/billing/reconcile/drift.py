"""Where our books and Stripe's can differ, and what to call it. Pure."""

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from paywall.membership import rules
from paywall.membership.rules import Facts, Interval, Status
from paywall.money import Money


class Kind(enum.StrEnum):
    """What is wrong about a subscription."""

    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    STATUS = "status"
    PRICE = "price"
    PERIOD = "period"
    DUPLICATE = "duplicate"
    FOREIGN = "foreign"


class Outcome(enum.StrEnum):
    """What became of it: written anew and equal now, still different, or only looked at."""

    REPAIRED = "repaired"
    REMAINS = "remains"
    FOUND = "found"


@dataclass(frozen=True, slots=True)
class Kept:
    """What our row says of a subscription. Instants are aware UTC; money in minor units."""

    status: Status
    plan_id: int
    amount: int
    currency: str
    interval: Interval
    monthly: int
    period_end: datetime | None
    trial_end: datetime | None
    cancel_at: datetime | None
    ended_at: datetime | None
    seats: int


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference: whose, of which kind, what each side says, and what became of it."""

    kind: Kind
    subscription: str
    customer: str
    here: str
    there: str
    outcome: Outcome = Outcome.FOUND


def compare(kept: Kept | None, facts: Facts) -> Iterator[tuple[Kind, str, str]]:
    """How our row differs from what Stripe says: the kind, ours and theirs in words."""
    if kept is None:
        if facts.status not in (Status.INCOMPLETE, Status.INCOMPLETE_EXPIRED):
            yield Kind.MISSING_HERE, "nothing", facts.status.value
        return
    if kept.status is not facts.status:
        yield Kind.STATUS, kept.status.value, facts.status.value
    ours, theirs = _price_kept(kept), _price_stated(facts)
    if ours != theirs:
        yield Kind.PRICE, ours, theirs
    ours, theirs = _period(kept), _period(facts)
    if ours != theirs:
        yield Kind.PERIOD, ours, theirs


def _price_kept(kept: Kept) -> str:
    return _price(kept.plan_id, Money(kept.amount, kept.currency), kept.interval, kept.monthly, kept.seats)


def _price_stated(facts: Facts) -> str:
    return _price(facts.plan_id, facts.price, facts.interval, rules.monthly(facts).amount, facts.seats)


def _price(plan_id: int, price: Money, interval: Interval, monthly: int, seats: int) -> str:
    many = f", {seats} seats" if seats > 1 else ""
    return f"plan {plan_id}, {price.amount} {price.currency} a {interval}, {monthly} a month{many}"


def _period(one: Kept | Facts) -> str:
    instants = {
        "until": one.period_end,
        "trial until": one.trial_end,
        "ends": one.cancel_at,
        "ended": one.ended_at,
    }
    return ", ".join(f"{name} {at:%Y-%m-%d %H:%M:%S}" for name, at in instants.items() if at) or "none"
