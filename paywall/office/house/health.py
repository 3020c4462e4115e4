"""How the house does: one row for each thing that can go wrong, with what it means and what to do."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import ColumnElement, func, select

from paywall import clock, jobs
from paywall.billing import inbox, setting_up
from paywall.billing.cashbook.models import CashWalk
from paywall.billing.gateway import gateway
from paywall.billing.models import Reconciliation, StripeEvent
from paywall.billing.reconcile import runs
from paywall.billing.reconcile.drift import Kind, Outcome
from paywall.db import db
from paywall.mail import Letter, Unsent
from paywall.office import words

LATE_WORKER = timedelta(minutes=3)
LATE_EVENT = timedelta(minutes=10)
LATE_WALK = timedelta(hours=3)
LATE_RECONCILE = timedelta(hours=30)
UNSENT = {
    Unsent.IN_DOUBT: "The mail server took them or not: we cannot know, and do not send twice.",
    Unsent.GIVEN_UP: "The mail server refused them to the last. Are the addresses right?",
}


@dataclass(frozen=True, slots=True)
class Row:
    """What was looked at, what was found, and whether somebody should act; `to` is a path of more."""

    name: str
    said: str
    is_well: bool = True
    advice: str = ""
    to: str = ""


def rows(zone: ZoneInfo) -> Iterator[Row]:
    """The whole page."""
    yield _worker(zone)
    yield _jobs()
    yield from _events(zone)
    yield from _letters()
    yield _reconciled(zone)
    yield _walked(zone)
    yield _set_up(zone)


def drifts(run: Reconciliation | None) -> list[tuple[str, int]]:
    """What a walk through all books counted, by its words."""
    counted: dict[str, int] = json.loads(run.counts) if run else {}
    known = [*Kind, *Outcome]
    return [(name, counted[name]) for name in known if counted.get(name)]


def _worker(zone: ZoneInfo) -> Row:
    seen = jobs.worker_seen()
    is_well = seen is not None and clock.wall() - seen < LATE_WORKER
    said = words.local(seen, zone) if seen else "never"
    return Row("Worker last seen", said, is_well, "" if is_well else "Start `flask paywall worker`.")


def _jobs() -> Row:
    return Row("Jobs that wait", str(current_app.extensions["jobs"].pending_count()))


def _events(zone: ZoneInfo) -> Iterator[Row]:
    newest = db.session.scalar(select(func.max(StripeEvent.received_at)))
    yield Row("Last event of Stripe", words.local(newest, zone) if newest else "none yet", to="/staff/inbox")
    age = timedelta(seconds=inbox.oldest_unhandled())
    is_well = age < LATE_EVENT
    said = f"{inbox.waiting():.0f}, the oldest for {_span(age)}" if age else "none"
    advice = "" if is_well else "Does the worker run? Does Stripe answer?"
    yield Row("Events that wait", said, is_well, advice, "/staff/inbox?state=received")
    failed = inbox.given_up()
    advice = "Read why, put it right, and let them be handled again." if failed else ""
    yield Row("Events given up", f"{failed:.0f}", not failed, advice, "/staff/inbox?state=failed")


def _letters() -> Iterator[Row]:
    waits = Letter.sent_at.is_(None) & Letter.try_at.is_not(None)
    tried = waits & (Letter.attempts > 0)
    yield Row("Letters that wait", f"{_count(waits)}, of these tried in vain {_count(tried)}")
    for unsent, advice in UNSENT.items():
        found = _count(Letter.sent_at.is_(None) & (Letter.unsent == unsent))
        yield Row(f"Letters {unsent.replace('_', ' ')}", str(found), not found, advice if found else "")


def _span(age: timedelta) -> str:
    minutes = int(age.total_seconds()) // 60
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"


def _count(which: ColumnElement[bool]) -> int:
    return db.session.scalar(select(func.count()).select_from(Letter).where(which)) or 0


def _reconciled(zone: ZoneInfo) -> Row:
    last = runs.last(gateway().mode)
    if last is None or last.finished_at is None:
        return Row("All books compared", "never", is_well=False, advice="Compare them now.")
    told = [f"{name.replace('_', ' ')} {count}" for name, count in drifts(last)]
    is_late, remaining = clock.now() - last.finished_at > LATE_RECONCILE, runs.remaining()
    advice = "It should run each night: does the worker?" if is_late else ""
    if remaining:
        advice = f"{remaining:.0f} could not be repaired: `flask paywall reconcile` names them."
    said = f"{words.local(last.finished_at, zone)}: {'; '.join(told) or 'no difference'}"
    return Row("All books compared", said, not advice, advice)


def _walked(zone: ZoneInfo) -> Row:
    seen = db.session.scalar(select(CashWalk.seen_until).where(CashWalk.mode == gateway().mode))
    is_well = seen is not None and clock.now() - seen < LATE_WALK
    said = words.local(seen, zone) if seen else "never"
    return Row("Cash book read up to", said, is_well, "" if is_well else "It should be read each hour.")


def _set_up(zone: ZoneInfo) -> Row:
    last = setting_up.last()
    if last is None:
        return Row("Plans made at Stripe", "not asked for on these pages yet", to="/staff/plans")
    if last.ended_at is None:
        return Row("Plans made at Stripe", "under way", to="/staff/plans")
    said = last.error or words.local(last.ended_at, zone)
    advice = "Put it right, and ask for it again on the plans' page." if last.error else ""
    return Row("Plans made at Stripe", said, not last.error, advice, "/staff/plans")
