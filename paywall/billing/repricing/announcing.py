"""Telling present patrons of a new price: each once, and whoever comes to it later with the same notice."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, select

from paywall import clock, mail
from paywall.accounts.letters import outside
from paywall.billing.repricing import rules
from paywall.billing.repricing.models import PriceChange, PriceMove
from paywall.db import db
from paywall.mail import Care, Letter, Unsent
from paywall.membership.models import Subscription
from paywall.membership.rules import HOLDING, Interval, Source
from paywall.money import Money

# Who cancelled and then stayed, or could not be reached in time, is told once more, with the same notice.
MISSED = func.coalesce(Letter.unsent, "").in_([Unsent.UNTRUE.value, Unsent.LATE.value])


def concerned(plan_id: int, interval: Interval, price: Money, *, but: int | None = None) -> list[int]:
    """The subscriptions (their row ids) to a plan that pay another price and go on.

    `but` leaves out those whom that change has reached already: their letter is out, or on its way.
    """
    reached = (
        select(PriceMove.id)
        .join(Letter, Letter.cause == PriceMove.cause)
        .where(PriceMove.subscription_id == Subscription.id, PriceMove.change_id == but, ~MISSED)
        .exists()
    )
    query = select(Subscription.id).where(
        Subscription.source == Source.STRIPE,
        Subscription.status.in_(HOLDING),
        Subscription.cancel_at.is_(None),
        Subscription.plan_id == plan_id,
        Subscription.interval == interval,
        # What staff sold by the quarter is not at the plan's price, and does not follow it.
        Subscription.interval_count == 1,
        Subscription.currency == price.currency,
        Subscription.amount != Subscription.seats * price.amount,
        ~reached,
    )
    return list(db.session.scalars(query.order_by(Subscription.id)))


def announce(change: PriceChange, subscription_ids: Iterable[int]) -> None:
    """Plan the move of each and write to them; commits after each, so it can be broken off and run again."""
    change_id = change.id
    for subscription_id in subscription_ids:
        # Locked, so that of two who announce at once the second sees the row of the first.
        held = db.session.get_one(Subscription, subscription_id, with_for_update=True, populate_existing=True)
        change = db.session.get_one(PriceChange, change_id)
        move = _planned(change, held)
        if move is None or not _is_told(move):
            _announce(change, held, move or PriceMove(change_id=change.id, subscription_id=held.id))
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
    return goes_on and is_same_plan and held.price != change.price.of(held.seats)


def _planned(change: PriceChange, held: Subscription) -> PriceMove | None:
    query = select(PriceMove).where(PriceMove.change_id == change.id, PriceMove.subscription_id == held.id)
    return db.session.scalar(query)


def _is_told(move: PriceMove) -> bool:
    return db.session.scalar(select(Letter.id).where(Letter.cause == move.cause, ~MISSED)) is not None


def _announce(change: PriceChange, held: Subscription, move: PriceMove) -> None:
    move.counts_from = rules.counts_from(change.from_at, clock.now(), change.notice)
    move.cause = _cause(change, held, move.counts_from)
    db.session.add(move)
    db.session.flush()
    mail.write(
        "price_change",
        held.reader.email,
        cause=move.cause,
        about=move.id,
        care=Care.NOTICE,
        send_by=move.counts_from,
        subscription=held,
        price=change.price.of(held.seats),
        day=move.counts_from,
        account_url=outside("billing.account"),
    )


def _cause(change: PriceChange, held: Subscription, day: datetime) -> str:
    price = change.price.money
    return f"price_change:{held.external_id}:{price.amount}{price.currency}:{day:%Y-%m-%d}"
