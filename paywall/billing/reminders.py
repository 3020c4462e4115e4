"""What is due by date, if no event tells us: trials that end, renewals ahead, cards that run out."""

import structlog
from sqlalchemy import ColumnElement, and_, or_, select

from paywall import clock, jobs
from paywall.billing import letters
from paywall.billing.gateway import gateway
from paywall.billing.models import Collection, StripeCustomer
from paywall.billing.sync import sync
from paywall.db import db
from paywall.errors import Unavailable
from paywall.mail import Letter
from paywall.membership.models import Subscription
from paywall.membership.notices import CARD_AHEAD, CHARGE_DELAY, TRIAL_AHEAD, Kind
from paywall.membership.rules import Source, Status

log = structlog.get_logger()


@jobs.every(minute="41")
def remind() -> None:
    """Write about the trials and the paid periods that end soon."""
    query = select(Subscription.id).where(Subscription.source == Source.STRIPE, or_(*_soon()))
    waiting = db.session.scalars(query.order_by(Subscription.id)).all()
    db.session.commit()
    for subscription_id in waiting:
        try:
            letters.write_due(subscription_id)
            # Each by itself: two who write the same letters in another order would wait for one another.
            db.session.commit()
        except Exception:
            db.session.rollback()
            log.exception("not_reminded", subscription=subscription_id)


@jobs.every(minute="11", hour="5")
def look_at_cards() -> None:
    """Read the books of those again whose card runs out before it is charged: the sync writes to them.

    Banks tell Stripe of a new card's date, and not every such change tells us.
    """
    for customer_id in _with_old_cards():
        try:
            sync(customer_id)
        except Unavailable:
            log.warning("card_not_looked_at", customer=customer_id)


def _soon() -> list[ColumnElement[bool]]:
    now = clock.now()
    trial = and_(
        Subscription.status == Status.TRIALING, Subscription.trial_end.between(now, now + TRIAL_AHEAD)
    )
    renewals = [
        and_(
            Subscription.status == Status.ACTIVE,
            Subscription.interval == interval,
            Subscription.period_end.between(now, now + ahead),
        )
        for interval, ahead in letters.ahead().items()
    ]
    return [trial, *renewals]


def _with_old_cards() -> list[int]:
    """The customers (their row ids) to whom a letter about their card may be due, and was not written."""
    now = clock.now()
    query = (
        select(Subscription, StripeCustomer.id)
        .join(Collection, Collection.subscription_id == Subscription.id)
        .join(StripeCustomer, StripeCustomer.reader_id == Subscription.reader_id)
        .where(StripeCustomer.mode == gateway().mode, Collection.card_ends <= now + CARD_AHEAD + CHARGE_DELAY)
        .where(Subscription.period_end.between(now, now + CARD_AHEAD))
    )
    found = {customer_id for row, customer_id in db.session.execute(query) if _is_card_due(row)}
    db.session.commit()
    return sorted(found)


def _is_card_due(row: Subscription) -> bool:
    causes = {notice.cause for notice in letters.due(row) if notice.kind is Kind.CARD_EXPIRING}
    written = select(Letter.id).where(Letter.cause.in_(causes))
    return bool(causes) and db.session.scalar(written) is None
