"""The rows behind the figures, streamed from the ledger."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from paywall.accounts.models import Reader
from paywall.db import db, streamed
from paywall.membership import record
from paywall.membership.models import Plan, Subscription
from paywall.membership.rules import HOLDING, LIVE, Source, Status
from paywall.money import Money


@dataclass(frozen=True, slots=True)
class PatronRow:
    """One line of the patrons' list."""

    email: str
    plan: str
    status: Status
    source: Source
    price: Money
    interval: str
    monthly: Money
    started_at: datetime
    period_end: datetime | None
    cancel_at: datetime | None
    seats: int


def twice(most: int = 100) -> list[Subscription]:
    """The live subscriptions of those who have two or more that Stripe bills, by reader."""
    query = (
        select(Subscription)
        .options(joinedload(Subscription.reader), joinedload(Subscription.plan))
        .where(Subscription.reader_id.in_(record.twice()))
        .where(Subscription.source == Source.STRIPE, Subscription.status.in_(LIVE))
    )
    return list(db.session.scalars(query.order_by(Subscription.reader_id, Subscription.id).limit(most)))


def patrons() -> Iterator[PatronRow]:
    """Everyone who holds a subscription now, by e-mail address."""
    query = (
        select(Subscription, Reader.email, Plan.name)
        .join(Reader, Reader.id == Subscription.reader_id)
        .join(Plan, Plan.id == Subscription.plan_id)
        .where(Subscription.status.in_(HOLDING))
        .order_by(Reader.email, Subscription.id)
    )
    for held, email, plan in streamed(query):
        yield PatronRow(
            email=email,
            plan=plan,
            status=held.status,
            source=held.source,
            price=held.price,
            interval=held.interval,
            monthly=Money(held.monthly, held.currency),
            started_at=held.started_at,
            period_end=held.period_end,
            cancel_at=held.cancel_at,
            seats=held.seats,
        )
