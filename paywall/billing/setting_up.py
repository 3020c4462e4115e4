"""Making plans at Stripe once staff wrote them down: a part of `flask paywall stripe-setup`, as a job."""

import structlog
from sqlalchemy import select

from paywall import clock, jobs
from paywall.billing.models import SetupRun
from paywall.billing.setup import make_plans
from paywall.db import db
from paywall.errors import PaywallError

log = structlog.get_logger()


def ask() -> None:
    """Have it done when the present transaction commits."""
    db.session.add(run := SetupRun())
    db.session.flush()
    jobs.later(carry_out, run.id)


def last() -> SetupRun | None:
    """The newest time that it was asked for."""
    return db.session.scalar(select(SetupRun).order_by(SetupRun.id.desc()).limit(1))


@jobs.job
def carry_out(run_id: int) -> None:
    """Make the products and prices that are missing, and write down how it ended.

    The webhook endpoint is left alone: its secret, which Stripe shows once, would be lost in a job.
    """
    error = ""
    try:
        for done in make_plans():
            if done.is_new:
                log.info("made_at_stripe", what=done.what, stripe_id=done.stripe_id)
    except PaywallError as refused:
        error = refused.message
    except Exception as failure:
        log.exception("setup_failed")
        error = f"{type(failure).__name__}: {failure}"
    db.session.rollback()
    run = db.session.get_one(SetupRun, run_id)
    run.ended_at, run.error = clock.now(), error
    db.session.commit()
