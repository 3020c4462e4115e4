"""What an article would show to sample readers, before it is published: by the door's own rules. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from paywall.access.decision import Decision, Gate, Meter, Visitor, decide
from paywall.access.meter import Allowance
from paywall.membership.policy import Policy, access
from paywall.membership.rules import Facts, Holding, Interval, Source, Status
from paywall.money import Money

NOBODY_IN_PARTICULAR = 1
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Sample:
    """Someone who might come, in words, and what the door would say to them."""

    who: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class Newsroom:
    """What the samples depend on: plans by slug, how access ends, free reads."""

    plans: tuple[str, ...]
    policy: Policy
    allowance: Allowance


def simulate(gate: Gate, newsroom: Newsroom, now: datetime) -> list[Sample]:
    """The decision for each of the sample readers at `now` (aware UTC)."""
    return [Sample(who, decide(gate, visitor, now)) for who, visitor in _samples(newsroom, now)]


def _samples(newsroom: Newsroom, now: datetime) -> Iterator[tuple[str, Visitor]]:
    allowance = newsroom.allowance
    yield "Visitor", Visitor(meter=_meter(allowance.visitor))
    if allowance.visitor:
        yield "Visitor, free reads spent", Visitor(meter=Meter(0))
    yield "Reader with an account", _reader(meter=_meter(allowance.reader))
    if allowance.reader:
        yield "Reader with an account, free reads spent", _reader(meter=Meter(0))
    for slug in newsroom.plans:
        yield f"Patron, {slug}", _reader(Holding(slug, now + 30 * DAY), meter=_meter(allowance.reader))
    for who, held in _lives(now):
        until = access(held, newsroom.policy).until
        for slug in newsroom.plans[:1]:
            holdings = (Holding(slug, until),) if until else ()
            yield f"{who} ({slug})", _reader(*holdings, meter=_spent(allowance.reader))
    yield "Member of an institution", Visitor(institution=Holding("", now + DAY))
    yield "Visitor with a gift link", Visitor(has_gift=True)
    yield "Search engine, verified and let in", Visitor(is_crawler=True)
    yield "Staff", Visitor(NOBODY_IN_PARTICULAR, is_staff=True)


def _lives(now: datetime) -> Iterator[tuple[str, Facts]]:
    """Memberships in which the date is not plain, by the policy in force."""
    yield "In trial", _facts(now, Status.TRIALING, ends=4 * DAY)
    yield "Payment failed three days ago", _facts(now, Status.PAST_DUE, ends=27 * DAY, unpaid=-3 * DAY)
    yield "Payment failed thirty days ago", _facts(now, Status.PAST_DUE, ends=DAY, unpaid=-30 * DAY)
    yield "Stripe has given up on the payment", _facts(now, Status.UNPAID, ends=DAY, unpaid=-21 * DAY)
    yield "Cancelled, the paid month still runs", _facts(now, Status.ACTIVE, ends=9 * DAY, cancel=9 * DAY)
    yield "Cancelled and over", _facts(now, Status.CANCELED, ends=-DAY, cancel=-DAY)


def _facts(
    now: datetime,
    status: Status,
    *,
    ends: timedelta,
    unpaid: timedelta | None = None,
    cancel: timedelta | None = None,
) -> Facts:
    return Facts(
        source=Source.STRIPE,
        external_id="sample",
        plan_id=0,
        status=status,
        price=Money(500, "eur"),
        interval=Interval.MONTH,
        started_at=now - 60 * DAY,
        period_start=now + ends - 30 * DAY,
        period_end=now + ends,
        unpaid_since=now + unpaid if unpaid is not None else None,
        cancel_at=now + cancel if cancel is not None else None,
    )


def _reader(*holdings: Holding, meter: Meter | None) -> Visitor:
    return Visitor(NOBODY_IN_PARTICULAR, holdings, meter=meter)


def _meter(allowed: int) -> Meter | None:
    return Meter(allowed) if allowed else None


def _spent(allowed: int) -> Meter | None:
    return Meter(0) if allowed else None
