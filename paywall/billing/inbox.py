"""The inbox: every event is stored once, then handled by reading the customer's books again."""

import traceback
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import structlog
from flask import current_app
from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from paywall import clock, jobs
from paywall.billing import claims
from paywall.billing.cashbook import reading
from paywall.billing.claims import Claim, Taken
from paywall.billing.gateway import gateway
from paywall.billing.gateway.events import is_thin
from paywall.billing.gifts import giving
from paywall.billing.models import EventState, StripeCustomer, StripeEvent
from paywall.billing.remote import Event, Gone
from paywall.billing.sync import sync
from paywall.config import Settings
from paywall.db import Model, db

# What to do, and with what.
Errand = tuple[Callable[[Any], object], Any]

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
    claim = claims.take(row_id)
    db.session.commit()
    if not claim.events:
        return
    try:
        first = claim.events[0]
        if is_thin(first.payload):
            _look_up(claim, first)
        else:
            _read_again(claim)
    except Exception:
        db.session.rollback()
        log.exception("event_failed", row=row_id)
        for event in claim.events:
            claims.fail(claim, event, traceback.format_exc())
    db.session.commit()


@jobs.every(minute="*")
def handle_waiting() -> None:
    """Handle the events whose job was lost or whose time to be tried again has come."""
    claims.give_up_lost()
    waiting = claims.due()
    db.session.commit()
    for row_id in waiting:
        handle(row_id)


@jobs.every(minute="52", hour="3")
def prune() -> None:
    """Forget what was handled or ignored long ago; what failed stays until someone has looked at it."""
    settings: Settings = current_app.extensions["settings"]
    edge = clock.now() - timedelta(days=settings.inbox_days)
    done = (EventState.HANDLED, EventState.IGNORED)
    old = select(StripeEvent.id).where(StripeEvent.state.in_(done), StripeEvent.handled_at < edge).limit(1000)
    while rows := db.session.scalars(old).all():
        db.session.execute(delete(StripeEvent).where(StripeEvent.id.in_(rows)))
        # In parts: while one is written, no event could be taken in on SQLite.
        db.session.commit()
    db.session.commit()


def oldest_unhandled() -> float:
    """The age in seconds of the oldest event that still waits; 0 if none does."""
    oldest = db.session.scalar(select(func.min(StripeEvent.received_at)).where(claims.is_waiting()))
    return max(0.0, (clock.now() - oldest).total_seconds()) if oldest else 0.0


def waiting() -> float:
    """How many events are still to be handled, those to be tried again included."""
    return float(db.session.scalar(select(func.count(StripeEvent.id)).where(claims.is_waiting())) or 0)


def given_up() -> float:
    """How many events failed for the last time, and wait for someone to look at them."""
    return float(db.session.scalar(select(func.count(StripeEvent.id)).where(claims.is_given_up())) or 0)


def _look_up(claim: Claim, event: Taken) -> None:
    """Learn whose a thin event is; only then can it be handled with all that waits for the same customer."""
    try:
        whole = gateway().looked_up(event.payload)
    except Gone:
        claims.close(claim, event, EventState.IGNORED)
        return
    claims.hand_back(claim, event, customer=whole.event.customer, payload=whole.payload)
    jobs.later(handle, event.id)


def _read_again(claim: Claim) -> None:
    """Read again what the events are about, each thing once; what fails fails the events that named it."""
    customer_id = _ours(claim.events[0].customer)
    errands = [(event, _errands(event, customer_id)) for event in claim.events]
    db.session.commit()
    failures = _run(dict.fromkeys(errand for _, own in errands for errand in own))
    for event, own in errands:
        error = next((failures[errand] for errand in own if errand in failures), None)
        if error is None:
            claims.close(claim, event, EventState.HANDLED if own else EventState.IGNORED)
        else:
            claims.fail(claim, event, error)


def _errands(event: Taken, customer_id: int | None) -> list[Errand]:
    """What has to be read again because of an event; nothing for one of a stranger's."""
    found: list[Errand] = [(sync, customer_id)] if customer_id is not None else []
    found += [(giving.settle, gift_id) for gift_id in giving.named_by([event.id])]
    if customer_id is None:
        found += [(reading.read_again, news) for news in reading.named_by([event.id])]
    return found


def _run(errands: Iterable[Errand]) -> dict[Errand, str]:
    """Do each, whatever becomes of the others; the traceback of each that failed."""
    failures = {}
    for errand in errands:
        work, what = errand
        try:
            work(what)
        except Exception:
            db.session.rollback()
            log.exception("event_failed", work=work.__name__, what=str(what))
            failures[errand] = traceback.format_exc()
    return failures


def _ours(stripe_id: str | None) -> int | None:
    query = select(StripeCustomer.id).where(
        StripeCustomer.stripe_id == stripe_id, StripeCustomer.mode == gateway().mode
    )
    return db.session.scalar(query) if stripe_id else None
