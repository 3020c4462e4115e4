"""Telling present patrons of a new price: each once, and whoever comes to it later with the same notice."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import exists, select

from paywall import clock, mail
from paywall.accounts.letters import outside
from paywall.billing.repricing import rules
from paywall.billing.repricing.models import PriceChange, PriceMove
from paywall.db import db
from paywall.mail import Care, Letter
from paywall.membership.models import Subscription
from paywall.membership.rules import HOLDING, Interval, Source
from paywall.money import Money


def concerned(plan_id: int, interval: Interval, price: Money, *, but: int | None = None) -> list[int]:
    """The subscriptions (their row ids) to a plan that pay another price and go on.

    `but` leaves out those whom that change has reached already.
    """
    reached = exists().where(PriceMove.subscription_id == Subscription.id, PriceMove.change_id == but)
    query = select(Subscription.id).where(
        Subscription.source == Source.STRIPE,
        Subscription.status.in_(HOLDING),
        Subscription.cancel_at.is_(None),
        Subscription.plan_id == plan_id,
        Subscription.interval == interval,
        Subscription.currency == price.currency,
        Subscription.amount != price.amount,
        ~reached,
    )
    return list(db.session.scalars(query.order_by(Subscription.id)))


def announce(change: PriceChange, subscription_ids: Iterable[int]) -> None:
    """Plan the move of each and write to them; commits after each, so it can be broken off and run again."""
    change_id = change.id
    for subscription_id in subscription_ids:
        # Locked, so that of two who announce at once the second sees the row of the first.
        held = db.session.get_one(Subscription, subscription_id, with_for_update=True, populate_existing=True)
        known = select(PriceMove.id).where(
            PriceMove.change_id == change_id, PriceMove.subscription_id == held.id
        )
        if db.session.scalar(known) is None:
            _announce(db.session.get_one(PriceChange, change_id), held)
        db.session.commit()


@mail.holds("price_change")
def still_to_come(letter: Letter) -> bool:
    """Whether the move is still planned, and its patron still pays the old price and goes on."""
    move = db.session.get(PriceMove, letter.about)
    if move is None or move.moved_at or move.change.closed_at:
        return False
    held, change = move.subscription, move.change
    goes_on = held.status in HOLDING and held.cancel_at is None
    is_same_plan = (held.plan_id, held.interval) == (change.plan_id, change.interval)
    return goes_on and is_same_plan and held.price != change.price.money


def _announce(change: PriceChange, held: Subscription) -> None:
    day = rules.counts_from(change.from_at, clock.now(), timedelta(days=change.notice_days))
    move = PriceMove(change=change, subscription=held, counts_from=day, cause=_cause(change, held, day))
    db.session.add(move)
    db.session.flush()
    mail.write(
        "price_change",
        held.reader.email,
        cause=move.cause,
        about=move.id,
        care=Care.NOTICE,
        send_by=day,
        subscription=held,
        price=change.price.money,
        day=day,
        account_url=outside("billing.account"),
    )


def _cause(change: PriceChange, held: Subscription, day: datetime) -> str:
    price = change.price.money
    return f"price_change:{held.external_id}:{price.amount}{price.currency}:{day:%Y-%m-%d}"
