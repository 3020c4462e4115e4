"""A reader's first payment for a membership, found in the cash book."""

from typing import Any

from sqlalchemy import Select, and_, exists, select

from paywall import jobs
from paywall.access.journey import paying
from paywall.access.journey.models import FirstPayment
from paywall.billing.cashbook.models import Invoice
from paywall.billing.gateway import gateway
from paywall.db import db
from paywall.membership.models import Subscription
from paywall.membership.rules import Source
from paywall.money import Money

BATCH = 200


def note(reader_id: int) -> None:
    """Write down a reader's first payment, if there is one and it is not known; the caller commits.

    It is the earliest bill of a membership of which a cent was paid. What is given back later is paid too.
    """
    if paying.has_paid(reader_id):
        return
    query = _paid().where(Invoice.reader_id == reader_id).order_by(Invoice.paid_at, Invoice.id).limit(1)
    first = db.session.execute(query).first()
    if first is not None:
        paid = Money(first.amount_paid, first.currency)
        paying.first_paid(reader_id, first.plan_id, paid, first.paid_at)


@jobs.every(minute="25", hour="4")
def look() -> None:
    """Note the first payments of those who had paid before they were noted, and were not synced since."""
    unknown = ~exists().where(FirstPayment.reader_id == Subscription.reader_id)
    query = _paid().with_only_columns(Subscription.reader_id).where(unknown).distinct().limit(BATCH)
    while found := db.session.scalars(query).all():
        for reader_id in found:
            note(reader_id)
        db.session.commit()


def _paid() -> Select[*tuple[Any, ...]]:
    its = and_(Subscription.source == Source.STRIPE, Subscription.external_id == Invoice.subscription)
    return (
        select(Invoice.amount_paid, Invoice.currency, Subscription.plan_id, Invoice.paid_at)
        .join(Subscription, its)
        .where(Invoice.reader_id == Subscription.reader_id, Invoice.mode == gateway().mode)
        .where(Invoice.amount_paid > 0, Invoice.paid_at.is_not(None))
    )
