"""The policy of the settings, and how a changed one comes to hold for what is written already."""

from collections.abc import Iterator
from datetime import timedelta

import structlog
from flask import current_app
from sqlalchemy import select

from paywall import clock, jobs
from paywall.config import Settings
from paywall.db import db
from paywall.membership import record, rules
from paywall.membership.models import AppliedPolicy, Subscription
from paywall.membership.policy import Policy
from paywall.membership.rules import Source

BATCH = 500

log = structlog.get_logger()


def in_force() -> Policy:
    """The policy of this process's settings."""
    settings: Settings = current_app.extensions["settings"]
    return Policy(
        grace=timedelta(days=settings.grace_days),
        slack=timedelta(hours=settings.renewal_slack_hours),
        unpaid=timedelta(days=settings.unpaid_days),
        dispute=timedelta(days=settings.dispute_days),
        refund=timedelta(days=settings.refund_days),
    )


def apply() -> int:
    """Reckon every live row by the policy in force, a batch at a time; how many dates moved. Commits."""
    policy, moved = in_force(), 0
    for rows in _batches():
        before = [(row.access_until, row.grace_from) for row in rows]
        for row in rows:
            record.reckon(row, policy)
        moved += sum((row.access_until, row.grace_from) != was for row, was in zip(rows, before, strict=True))
        db.session.commit()
    db.session.merge(AppliedPolicy(id=1, policy=repr(policy), applied_at=clock.now()))
    db.session.commit()
    return moved


@jobs.every(minute="*/5")
def apply_if_changed() -> None:
    """Let settings that were changed hold for everyone, not only for whom Stripe tells us something next."""
    known = db.session.scalar(select(AppliedPolicy.policy).where(AppliedPolicy.id == 1))
    db.session.commit()
    if known != repr(in_force()):
        log.info("policy_applied", moved=apply())


def _batches() -> Iterator[list[Subscription]]:
    last = 0
    while True:
        # Locked, so that a sync which writes the row meanwhile is not overwritten by what stood before it.
        query = (
            select(Subscription)
            .where(Subscription.id > last)
            .where(Subscription.source == Source.STRIPE, Subscription.status.in_(rules.LIVE))
            .order_by(Subscription.id)
            .limit(BATCH)
            .with_for_update(of=Subscription)
        )
        rows = list(db.session.scalars(query.execution_options(populate_existing=True)))
        if not rows:
            db.session.commit()
            return
        last = rows[-1].id
        yield rows
