"""What the next bill comes to, for who is on the way to a new price as for everyone else."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from paywall.billing.repricing import rules
from paywall.billing.repricing.models import PriceChange, PriceMove
from paywall.db import db
from paywall.mail import Letter
from paywall.membership.models import Subscription
from paywall.money import Money


@dataclass(frozen=True, slots=True)
class NextPayment:
    """What the next bill comes to; `less`: less a discount, which only Stripe can reckon."""

    money: Money
    less: bool = False


def next_payment(held: Subscription) -> NextPayment:
    """What a subscription pays next, with the new price that it was told of."""
    move, told_at = _on_the_way(held.id)
    if move is None:
        return NextPayment(held.next_payment)
    first_day = rules.first_day(move.counts_from, told_at, move.change.notice)
    if not rules.is_at_next_payment(held.period_end, first_day):
        return NextPayment(held.next_payment)
    return NextPayment(move.change.price.of(held.seats), less=held.next_payment != held.price)


def _on_the_way(subscription_id: int) -> tuple[PriceMove | None, datetime | None]:
    """The move that is planned for a subscription, and when its letter went out."""
    query = (
        select(PriceMove, Letter.sent_at)
        .join(Letter, Letter.cause == PriceMove.cause)
        .join(PriceMove.change)
        .join(PriceMove.subscription)
        .where(PriceMove.subscription_id == subscription_id, PriceMove.moved_at.is_(None))
        .where(PriceChange.closed_at.is_(None))
        .where(Subscription.plan_id == PriceChange.plan_id, Subscription.interval == PriceChange.interval)
    )
    found = db.session.execute(query).first()
    return (found[0], found[1]) if found else (None, None)
