"""Carrying new prices out: shortly before the first renewal that follows date and notice, Stripe is told."""

from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import select

from paywall import clock, jobs
from paywall.billing import customers
from paywall.billing.gateway import gateway
from paywall.billing.models import StripeTwin, TwinKind
from paywall.billing.remote import Gone
from paywall.billing.repricing import announcing, rules
from paywall.billing.repricing.models import PriceChange, PriceMove
from paywall.db import db
from paywall.errors import Unavailable
from paywall.mail import Letter
from paywall.membership.models import Subscription
from paywall.membership.rules import HOLDING, Interval
from paywall.money import Money

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Step:
    """One patron to be moved: all that is needed while no transaction is open."""

    move_id: int
    reader_id: int
    subscription: str
    interval: Interval
    before: Money
    price: Money
    price_at_stripe: str
    first_day: datetime | None


@jobs.every(minute="51")
def carry_out() -> None:
    """Tell who has come to an old price since, and move those whose renewal is near."""
    opened = list(db.session.scalars(select(PriceChange).where(PriceChange.closed_at.is_(None))))
    for change in opened:
        waiting = announcing.concerned(change.plan_id, change.interval, change.price.money, but=change.id)
        announcing.announce(change, waiting)
    steps = _steps()
    db.session.commit()
    for step in steps:
        try:
            _move(step)
        except Unavailable:
            log.warning("not_moved", move=step.move_id)


def _steps() -> list[Step]:
    now = clock.now()
    query = (
        select(PriceMove, Subscription, StripeTwin.stripe_id, Letter.sent_at)
        .join(PriceMove.change)
        .join(PriceMove.subscription)
        .join(Letter, Letter.cause == PriceMove.cause)
        .join(StripeTwin, StripeTwin.own_id == PriceChange.price_id)
        .where(StripeTwin.kind == TwinKind.PRICE, StripeTwin.mode == gateway().mode)
        .where(PriceChange.closed_at.is_(None), PriceMove.moved_at.is_(None))
        .where(Subscription.plan_id == PriceChange.plan_id, Subscription.interval == PriceChange.interval)
        .where(Subscription.status.in_(HOLDING), Subscription.period_end.between(now, now + rules.EARLY))
    )
    found = [_step(move, held, twin, sent_at) for move, held, twin, sent_at in db.session.execute(query)]
    return [step for step, period_end in found if _may_move(step, period_end)]


def _step(
    move: PriceMove, held: Subscription, twin: str, sent_at: datetime | None
) -> tuple[Step, datetime | None]:
    step = Step(
        move_id=move.id,
        reader_id=held.reader_id,
        subscription=held.external_id,
        interval=held.interval,
        before=held.price,
        price=move.change.price.of(held.seats),
        price_at_stripe=twin,
        first_day=rules.first_day(move.counts_from, sent_at, move.change.notice),
    )
    return step, held.period_end


def _may_move(step: Step, period_end: datetime | None) -> bool:
    return rules.may_move(period_end, step.first_day, clock.now())


def _move(step: Step) -> None:
    """Stripe is believed: it is asked how things stand, and then for what it has not done already."""
    try:
        live = gateway().subscription(step.subscription)
    except Gone:
        return
    if live.price != step.price:
        # Who has changed plan, or is about to leave, since our last look: the sync will tell.
        if (live.price, live.interval) != (step.before, step.interval) or live.cancel_at:
            return
        if live.status not in HOLDING or not _may_move(step, live.period_end):
            return
        gateway().change_price(step.subscription, step.price_at_stripe)
    db.session.get_one(PriceMove, step.move_id).moved_at = clock.now()
    db.session.commit()
    customers.sync_reader(step.reader_id)
