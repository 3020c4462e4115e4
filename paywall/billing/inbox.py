"""The inbox: every event is stored once, then handled by reading the customer's books again."""

import traceback
from datetime import timedelta

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from paywall import clock, jobs
from paywall.billing.cashbook import reading
from paywall.billing.gateway import gateway
from paywall.billing.gifts import giving
from paywall.billing.models import EventState, StripeCustomer, StripeEvent
from paywall.billing.remote import Event
from paywall.billing.sync import sync
from paywall.db import Model, db

ATTEMPTS = 12
WAITING = (EventState.RECEIVED, EventState.FAILED)

# Made once, and of the table rather than the class: that is half of what storing an event costs Python.
_EVENTS = Model.metadata.tables[StripeEvent.__tablename__]
_UNLESS_KNOWN = {
    name: insert(_EVENTS).on_conflict_do_nothing(index_elements=["event_id"]).returning(_EVENTS.c.id)
    for name, insert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}

log = structlog.get_logger()


def store(event: Event, payload: str) -> bool:
    """Store an event unless we have it; False if we had. The caller commits, which wakes a worker."""
    told = {"event_id": event.id, "type": event.type, "customer": event.customer, "payload": payload}
    row_id = db.session.scalar(_UNLESS_KNOWN[db.engine.dialect.name], told)
    if row_id is not None:
        jobs.later(handle, row_id)
    return row_id is not None


@jobs.job
def handle(row_id: int) -> None:
    """Handle one event, and with the same fetch every other that waits for the same customer."""
    event = db.session.get(StripeEvent, row_id)
    if event is None or event.try_at is None or event.try_at > clock.wall():
        db.session.commit()
        return
    waiting = _same_customer(event)
    customer_id, given = _ours(event.customer), giving.named_by(waiting)
    moved = reading.named_by(waiting) if customer_id is None else []
    db.session.commit()
    if customer_id is None and not given and not moved:
        _mark(waiting, EventState.IGNORED)
        return
    try:
        if customer_id is not None:
            sync(customer_id)
        for gift_id in given:
            giving.settle(gift_id)
        for news in moved:
            reading.read_again(news)
    except Exception:
        db.session.rollback()
        log.exception("event_failed", row=row_id)
        _failed(waiting, traceback.format_exc())
    else:
        _mark(waiting, EventState.HANDLED)


@jobs.every(minute="*")
def handle_waiting() -> None:
    """Handle the events whose job was lost or whose time to be tried again has come."""
    due = select(StripeEvent.id).where(StripeEvent.state.in_(WAITING), StripeEvent.try_at <= clock.wall())
    waiting = db.session.scalars(due.order_by(StripeEvent.id).limit(1000)).all()
    db.session.commit()
    for row_id in waiting:
        handle(row_id)


def oldest_unhandled() -> float:
    """The age in seconds of the oldest event that still waits; 0 if none does."""
    oldest = db.session.scalar(
        select(func.min(StripeEvent.received_at)).where(StripeEvent.state.in_(WAITING))
    )
    return max(0.0, (clock.now() - oldest).total_seconds()) if oldest else 0.0


def _same_customer(event: StripeEvent) -> list[int]:
    if event.customer is None:
        return [event.id]
    query = select(StripeEvent.id).where(
        StripeEvent.customer == event.customer, StripeEvent.state.in_(WAITING)
    )
    return list(db.session.scalars(query))


def _ours(stripe_id: str | None) -> int | None:
    query = select(StripeCustomer.id).where(
        StripeCustomer.stripe_id == stripe_id, StripeCustomer.mode == gateway().mode
    )
    return db.session.scalar(query) if stripe_id else None


def _mark(rows: list[int], state: EventState) -> None:
    done = update(StripeEvent).where(StripeEvent.id.in_(rows))
    db.session.execute(done.values(state=state, handled_at=clock.now(), try_at=None, error=None))
    db.session.commit()


def _failed(rows: list[int], error: str) -> None:
    for event in db.session.scalars(select(StripeEvent).where(StripeEvent.id.in_(rows))):
        event.state, event.error, event.attempts = EventState.FAILED, error, event.attempts + 1
        final = event.attempts >= ATTEMPTS
        event.try_at = None if final else clock.wall() + timedelta(minutes=2 ** (event.attempts - 1))
    db.session.commit()
