"""What can be asked of the house at any moment, in numbers: each is read when Prometheus asks."""

from collections.abc import Callable

from flask import current_app
from sqlalchemy import func, select

from paywall import metrics
from paywall.billing import inbox
from paywall.billing.cashbook import walk
from paywall.billing.reconcile import runs
from paywall.db import db
from paywall.mail import Letter
from paywall.membership import record


def show() -> None:
    """Have them shown at /metrics."""
    for name, (meaning, read) in GAUGES.items():
        metrics.gauge(name, meaning, read)


def _letters_waiting() -> float:
    waiting = select(func.count()).where(Letter.sent_at.is_(None), Letter.try_at.is_not(None))
    return float(db.session.scalar(waiting) or 0)


def _paying_twice() -> float:
    return float(db.session.scalar(select(func.count()).select_from(record.twice().subquery())) or 0)


def _jobs_queued() -> float:
    return float(current_app.extensions["jobs"].pending_count())


GAUGES: dict[str, tuple[str, Callable[[], float]]] = {
    "paywall_letters_waiting": ("Letters not sent yet, given up ones left out.", _letters_waiting),
    "paywall_jobs_queued": ("Jobs that no worker has taken yet.", _jobs_queued),
    "paywall_inbox_oldest_seconds": ("Age of the oldest unhandled Stripe event.", inbox.oldest_unhandled),
    "paywall_inbox_waiting": ("Stripe events to be handled, retries included.", inbox.waiting),
    "paywall_inbox_failed": ("Stripe events given up, until they are replayed.", inbox.given_up),
    "paywall_subscriptions_unknown_status": ("At a status that we do not know.", record.unknown),
    "paywall_patrons_paying_twice": ("With two or more live subscriptions.", _paying_twice),
    "paywall_reconcile_age_seconds": ("Since the last whole reconcile; -1: never.", runs.age),
    "paywall_reconcile_remaining": ("What differed still after the last whole one.", runs.remaining),
    "paywall_cash_walk_age_seconds": ("Since the cash book saw the whole balance; -1: never.", walk.age),
}
