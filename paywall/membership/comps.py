"""Access that staff give: for nothing, with a reason and an end, which comes by itself."""

import enum
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import select

from paywall import clock, jobs
from paywall.accounts import readers, trail
from paywall.accounts.models import Reader
from paywall.config import Settings
from paywall.db import db
from paywall.errors import BadInput, Conflict
from paywall.membership import applied, record
from paywall.membership.models import Plan, Subscription
from paywall.membership.rules import HOLDING, Facts, Interval, Source, Status
from paywall.money import Money

LONGEST = timedelta(days=5 * 366)


class Kind(enum.StrEnum):
    """Why somebody reads for nothing; the trail says it."""

    COMP = "complimentary"
    HARDSHIP = "hardship"
    AMENDS = "to make good"


def give(
    reader: Reader, plan: Plan, until: datetime, *, kind: Kind, reason: str, key: str
) -> Subscription | None:
    """Let a reader read until an instant; the caller commits. Raises BadInput.

    `key` names the wish: a second time the same key changes nothing, and gives None.
    """
    _check(until)
    readers.hold(reader.id)
    if _named(f"comp:{key}") is not None:
        return None
    now = clock.now()
    settings: Settings = current_app.extensions["settings"]
    facts = Facts(
        source=Source.COMP,
        external_id=f"comp:{key}",
        plan_id=plan.id,
        status=Status.ACTIVE,
        price=Money(0, settings.currency),
        interval=Interval.MONTH,
        started_at=now,
        period_start=now,
        period_end=until,
        cancel_at=until,
    )
    record.record(reader, [facts], applied.in_force())
    given = {"plan": plan.slug, "until": until, "kind": kind}
    trail.note(
        "access given", f"{plan.slug} for {reader.email}", reader_id=reader.id, after=given, reason=reason
    )
    return _named(facts.external_id)


def change_end(held: Subscription, until: datetime, *, reason: str) -> bool:
    """Let it end on another day; False if it does already. The caller commits. Raises BadInput, Conflict."""
    _check(until)
    _require_running(held)
    if held.cancel_at == until:
        return False
    before = held.cancel_at
    _write(held, until)
    _note("access moved", held, {"until": before}, {"until": until}, reason)
    return True


def end(held: Subscription, *, reason: str) -> bool:
    """End it now; False if it has ended. The caller commits."""
    if held.status not in HOLDING:
        return False
    before = held.cancel_at
    _write(held, held.cancel_at, ended_at=clock.now())
    _note("access ended", held, {"until": before}, {"until": held.ended_at}, reason)
    return True


@jobs.every(minute="29")
def end_due() -> None:
    """Write down that those are over whose day has come: nobody reads by them since."""
    due = select(Subscription).where(
        Subscription.source == Source.COMP,
        Subscription.status == Status.ACTIVE,
        Subscription.cancel_at <= clock.now(),
    )
    for held in db.session.scalars(due.order_by(Subscription.id).with_for_update(of=Subscription)).all():
        _write(held, held.cancel_at, ended_at=held.cancel_at)
    db.session.commit()


def _check(until: datetime) -> None:
    now = clock.now()
    if not now < until <= now + LONGEST:
        raise BadInput("Choose a day after today, and within five years.")


def _require_running(held: Subscription) -> None:
    if held.status not in HOLDING:
        raise Conflict("This access has ended. Give it anew if it is to go on.")


def _write(held: Subscription, until: datetime | None, *, ended_at: datetime | None = None) -> None:
    facts = Facts(
        source=Source.COMP,
        external_id=held.external_id,
        plan_id=held.plan_id,
        status=Status.CANCELED if ended_at else Status.ACTIVE,
        price=held.price,
        interval=held.interval,
        started_at=held.started_at,
        period_start=held.period_start,
        period_end=until,
        cancel_at=until,
        ended_at=ended_at,
    )
    record.record(held.reader, [facts], applied.in_force())


def _named(external_id: str) -> Subscription | None:
    query = select(Subscription).where(
        Subscription.source == Source.COMP, Subscription.external_id == external_id
    )
    return db.session.scalar(query)


def _note(
    act: str, held: Subscription, before: dict[str, object], after: dict[str, object], reason: str
) -> None:
    about = f"{held.plan.slug} for {held.reader.email}"
    trail.note(act, about, reader_id=held.reader_id, before=before, after=after, reason=reason)
