"""Handling events again: as an event only says whose books to read again, this is safe at any time."""

from sqlalchemy import ColumnElement, update

from paywall import clock, jobs
from paywall.accounts import reasons, trail
from paywall.billing.inbox import handle
from paywall.billing.models import EventState, StripeEvent
from paywall.db import db


def named(event: str) -> ColumnElement[bool]:
    """The event with our number or Stripe's evt_..."""
    if event.isascii() and event.isdigit() and len(event) < 10:
        return StripeEvent.id == int(event)
    return StripeEvent.event_id == event


def again(which: ColumnElement[bool], about: str, reason: str) -> list[int]:
    """Begin anew with some events (their numbers), that the trail calls `about`; the caller commits.

    The last error stays to be read until they are done with. Raises BadInput without a reason.
    """
    why = reasons.check("event replayed", reason)
    values = {"try_at": clock.wall(), "attempts": 0, "claimed_until": None, "handled_at": None}
    query = update(StripeEvent).where(which).values(state=EventState.RECEIVED, **values)
    found = list(db.session.scalars(query.returning(StripeEvent.id)))
    for row_id in found:
        jobs.later(handle, row_id)
    if found:
        trail.note("event replayed", about, after={"events": len(found)}, reason=why)
    return found
