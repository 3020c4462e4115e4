"""What the next bill comes to, for who is on the way to a new price as for everyone else."""

from dataclasses import dataclass

from sqlalchemy import select

from paywall.billing.repricing import rules
from paywall.billing.repricing.models import PriceChange, PriceMove
from paywall.db import db
from paywall.membership.models import Subscription
from paywall.money import Money


@dataclass(frozen=True, slots=True)
class NextPayment:
    """What the next bill comes to; `less`: less a discount, which only Stripe can reckon."""

    money: Money
    less: bool = False


def next_payment(held: Subscription) -> NextPayment:
    """What a subscription pays next, with the new price that it was told of."""
    move = _on_the_way(held.id)
    if move is None or not rules.is_at_next_payment(held.period_end, move.counts_from):
        return NextPayment(held.next_payment)
    return NextPayment(move.change.price.money, less=held.next_payment != held.price)


def _on_the_way(subscription_id: int) -> PriceMove | None:
    query = (
        select(PriceMove)
        .join(PriceMove.change)
        .join(PriceMove.subscription)
        .where(PriceMove.subscription_id == subscription_id, PriceMove.moved_at.is_(None))
        .where(PriceChange.closed_at.is_(None))
        .where(Subscription.plan_id == PriceChange.plan_id, Subscription.interval == PriceChange.interval)
    )
    return db.session.scalar(query)
