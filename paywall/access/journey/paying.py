"""From Checkout to the first payment: the touches that a reader brought, and what becomes of them."""

from datetime import datetime, timedelta

from flask import current_app, has_request_context, request
from sqlalchemy import delete, select

from paywall import clock, jobs
from paywall.access.journey import counting
from paywall.access.journey.arriving import Journey
from paywall.access.journey.models import ArticleDay, ArticlePaid, CarriedTouches, FirstPayment
from paywall.access.journey.steps import DAYS_KEPT, Seen, Step
from paywall.config import Settings
from paywall.db import db, insert
from paywall.money import Money

BETWEEN = "/"


def checkout_opened(reader_id: int) -> None:
    """Count it, and carry the touches of the reader's browser until they have paid; the caller commits.

    Those of an earlier page are let go: it cannot be paid any more. Who has paid before is carried no more.
    """
    journey, now = _journey(), clock.now()
    brought = journey.brought(request.environ, now) if has_request_context() else ()
    counting.add(db.session.connection(), {Seen(journey.day(now), Step.CHECKOUT): 1})
    db.session.execute(delete(CarriedTouches).where(CarriedTouches.reader_id == reader_id))
    if brought and not has_paid(reader_id):
        keys = BETWEEN.join(one.key for one in brought)
        db.session.add(CarriedTouches(reader_id=reader_id, keys=keys, at=now))


def has_paid(reader_id: int) -> bool:
    """Whether a reader's first payment is known."""
    return db.session.get(FirstPayment, reader_id) is not None


def first_paid(reader_id: int, plan_id: int, money: Money, paid_at: datetime) -> None:
    """Note a reader's first payment, and count it for the articles that led to it; the caller commits.

    However often this is called, and by several at once, each reader is counted once.
    """
    day = _journey().day(paid_at)
    row = {
        "reader_id": reader_id,
        "plan_id": plan_id,
        "amount": money.amount,
        "currency": money.currency,
        "paid_at": paid_at,
        "day": day,
    }
    new = insert(FirstPayment).values(row).on_conflict_do_nothing(index_elements=["reader_id"])
    if db.session.execute(new.returning(FirstPayment.reader_id)).first() is None:
        return
    carried = delete(CarriedTouches).where(CarriedTouches.reader_id == reader_id)
    keys = db.session.scalar(carried.returning(CarriedTouches.keys))
    if keys:
        of_payment = {"day": day, "plan_id": plan_id, "currency": money.currency}
        _count(keys.split(BETWEEN), of_payment, money.amount)


def join(kept_id: int, gone_id: int) -> None:
    """Two accounts are one: the earlier first payment stands, nothing is carried; the caller commits."""
    both = [kept_id, gone_id]
    found = select(FirstPayment).where(FirstPayment.reader_id.in_(both)).order_by(FirstPayment.paid_at)
    payments = db.session.scalars(found).all()
    for later in payments[1:]:
        db.session.delete(later)
    db.session.flush()
    for first in payments[:1]:
        first.reader_id = kept_id
    db.session.execute(delete(CarriedTouches).where(CarriedTouches.reader_id.in_(both)))


@jobs.every(minute="45")
def forget() -> None:
    """Delete what was kept for a time: touches of readers who have not paid, and the days of articles."""
    settings: Settings = current_app.extensions["settings"]
    now = clock.now()
    too_old = CarriedTouches.at <= now - timedelta(days=settings.journey_days)
    db.session.execute(delete(CarriedTouches).where(too_old))
    db.session.execute(delete(ArticleDay).where(ArticleDay.day < _journey().day(now - DAYS_KEPT)))
    db.session.commit()


def _count(keys: list[str], of_payment: dict[str, object], amount: int) -> None:
    rows = [
        {
            **of_payment,
            "key": key,
            "last": int(key == keys[-1]),
            "last_amount": amount if key == keys[-1] else 0,
            "any": 1,
            "any_amount": amount,
        }
        for key in sorted(set(keys))
    ]
    new = insert(ArticlePaid)
    counts = ("last", "last_amount", "any", "any_amount")
    more = {name: getattr(ArticlePaid, name) + new.excluded[name] for name in counts}
    names = ["day", "key", "plan_id", "currency"]
    db.session.execute(new.on_conflict_do_update(index_elements=names, set_=more), rows)


def _journey() -> Journey:
    journey: Journey = current_app.extensions["journey"]
    return journey
