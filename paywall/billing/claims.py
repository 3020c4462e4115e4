"""Who works on which events: a customer's together, and only who holds the claim says how it ended."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select, update
from sqlalchemy.orm import aliased

from paywall import clock
from paywall.billing.models import EventState, StripeEvent
from paywall.db import db

ATTEMPTS = 12
# Longer than a fetch takes when Stripe is slow to answer each question; then the worker is thought dead.
HELD = timedelta(minutes=4)
OPEN = (EventState.RECEIVED, EventState.FAILED)
LOST = "The worker ended, or took too long, while it handled this event for the last time."


@dataclass(frozen=True, slots=True)
class Taken:
    """An event in a claim; `try_at` lies ahead if it came along with others before its own time."""

    id: int
    customer: str | None
    payload: str
    attempts: int
    try_at: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """What one worker handles until `until`; empty if others hold it, or nothing is due."""

    events: tuple[Taken, ...]
    since: datetime
    until: datetime


def take(row_id: int) -> Claim:
    """Claim an event that is due, and with it all that wait for the same customer, in one statement.

    The attempt counts from here on, so that an event which kills its worker again and again comes to an end
    too. Those that wait for a later try come along for nothing: the same fetch does for them. What another
    worker is claiming at this very moment is left to it.
    """
    now = clock.wall()
    until = now + HELD
    counted = case((StripeEvent.try_at <= now, StripeEvent.attempts + 1), else_=StripeEvent.attempts)
    found = db.session.execute(
        update(StripeEvent)
        .where(StripeEvent.id.in_(_together(row_id, now)))
        .values(claimed_until=until, attempts=counted)
        .returning(*(getattr(StripeEvent, name) for name in Taken.__dataclass_fields__))
        .execution_options(synchronize_session=False)
    )
    events = sorted((Taken(*row) for row in found), key=lambda event: event.id)
    return Claim(tuple(events), now, until)


def close(claim: Claim, event: Taken, state: EventState) -> None:
    """An event of a claim was handled, or ignored."""
    _end(claim, event, state=state, handled_at=clock.now(), try_at=None, error=None)


def fail(claim: Claim, event: Taken, error: str) -> None:
    """An event of a claim failed: it is tried again later, and after the last attempt kept as it is."""
    try_at: datetime | None = event.try_at
    if event.try_at <= claim.since:
        again = timedelta(minutes=2 ** (event.attempts - 1))
        try_at = None if event.attempts >= ATTEMPTS else clock.wall() + again
    _end(claim, event, state=EventState.FAILED, error=error, try_at=try_at)


def hand_back(claim: Claim, event: Taken, *, customer: str | None, payload: str) -> None:
    """An event turned out to be this customer's: let it be claimed with the others, as the same attempt."""
    _end(claim, event, customer=customer, payload=payload, attempts=event.attempts - 1)


def give_up_lost() -> None:
    """End what was claimed for the last time and never heard of again."""
    earlier = func.coalesce(literal("\n\nBefore that:\n") + StripeEvent.error, "")
    lost = update(StripeEvent).where(
        is_waiting(), StripeEvent.attempts >= ATTEMPTS, _unclaimed(StripeEvent, clock.wall())
    )
    ended = lost.values(
        state=EventState.FAILED, try_at=None, claimed_until=None, error=literal(LOST) + earlier
    )
    db.session.execute(ended.execution_options(synchronize_session=False))


def due() -> list[int]:
    """The events that can be claimed now, oldest first; a thousand at most."""
    query = select(StripeEvent.id).where(*_due(StripeEvent, clock.wall())).order_by(StripeEvent.id)
    return list(db.session.scalars(query.limit(1000)))


def is_waiting() -> ColumnElement[bool]:
    """That an event is neither done with nor given up."""
    return and_(StripeEvent.state.in_(OPEN), StripeEvent.try_at.is_not(None))


def is_given_up() -> ColumnElement[bool]:
    """That an event failed for the last time."""
    return and_(StripeEvent.state == EventState.FAILED, StripeEvent.try_at.is_(None))


def _together(row_id: int, now: datetime) -> Select[int]:
    """The ids of what can be claimed with an event; none if it cannot be claimed itself."""
    asked, other = aliased(StripeEvent), aliased(StripeEvent)
    whose = select(asked.customer).where(asked.id == row_id, *_due(asked, now)).scalar_subquery()
    mine = or_(and_(other.id == row_id, *_due(other, now)), other.customer == whose)
    query = select(other.id).where(mine, *_claimable(other, now)).order_by(other.id)
    # Without this, of two workers at once on PostgreSQL each could hold what the other waits for.
    return query.with_for_update(skip_locked=True)


def _due(event: type[StripeEvent], now: datetime) -> tuple[ColumnElement[bool], ...]:
    return event.try_at <= now, *_claimable(event, now)


def _claimable(event: type[StripeEvent], now: datetime) -> tuple[ColumnElement[bool], ...]:
    still = and_(event.state.in_(OPEN), event.try_at.is_not(None), event.attempts < ATTEMPTS)
    return still, _unclaimed(event, now)


def _unclaimed(event: type[StripeEvent], now: datetime) -> ColumnElement[bool]:
    return or_(event.claimed_until.is_(None), event.claimed_until <= now)


def _end(claim: Claim, event: Taken, **said: object) -> None:
    """Write how it ended, unless the claim ran out and others have taken it up since."""
    mine = update(StripeEvent).where(StripeEvent.id == event.id, StripeEvent.claimed_until == claim.until)
    db.session.execute(mine.values(claimed_until=None, **said).execution_options(synchronize_session=False))
