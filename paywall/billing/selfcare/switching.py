"""Another plan or rhythm: what it costs is asked of Stripe and shown first, then done, at that price."""

import enum
from dataclasses import dataclass

from flask_babel import gettext

from paywall import clock
from paywall.billing import quotes, twins
from paywall.billing.gateway import gateway
from paywall.billing.models import TwinKind
from paywall.billing.selfcare import owned, turns, waiting
from paywall.billing.selfcare.rules import Deed, Item, Quote, Shown
from paywall.db import db
from paywall.errors import Conflict, NotFound
from paywall.membership import plans
from paywall.membership.models import Price, Subscription


class Outcome(enum.StrEnum):
    """What came of a change: made, or waiting for its payment with all as it was."""

    MADE = "made"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Offer:
    """Another price, and what moving to it comes to."""

    price: Price
    quote: Quote


def choices(held: Subscription) -> list[Price]:
    """The prices that a reader can move to: on offer, in the same currency, and not what they have.

    None while others have seats of it; and a plan with seats is joined, with a number of them.
    """
    if held.seats > 1:
        return []
    known = {plan.id: plan for plan in [*plans.on_offer(), held.plan] if plan.seats is None}
    prices = [price for plan in known.values() for price in plan.prices if price.active]
    return [price for price in prices if price.currency == held.currency and not _has(held, price)]


def offer(reader_id: int, held_id: int, price_id: int) -> Offer:
    """What moving to a price would come to now; commits. Raises NotFound, Conflict, Unavailable."""
    held = owned.mine(reader_id, held_id)
    owned.require(Deed.SWITCH, held)
    if held.seats > 1:
        raise _shared()
    subscription, price = held.external_id, _chosen(held, price_id)
    twin = _twin(price_id)
    db.session.commit()
    at = quotes.instant()
    item = _one_item(gateway().items(subscription))
    quote = gateway().quote(subscription, item.id, twin, at)
    return Offer(db.session.get_one(Price, price.id), quote)


def take(reader_id: int, held_id: int, price_id: int, shown: Shown) -> Outcome:
    """Move to a price at what was shown; a second time changes nothing. Commits.

    Raises QuoteOver if it would come to something else by now, Conflict, NotFound, Unavailable.
    """
    with turns.alone(reader_id) as customer_id:
        held = owned.fresh(reader_id, held_id, customer_id)
        subscription, twin = held.external_id, _twin(price_id)
        db.session.commit()
        item = _one_item(gateway().items(subscription))
        if twin in (item.price, item.waiting):
            return Outcome.MADE if twin == item.price else Outcome.WAITING
        owned.require(Deed.SWITCH, owned.mine(reader_id, held_id))
        _chosen(owned.mine(reader_id, held_id), price_id)
        db.session.commit()
        _check(shown, subscription, item, twin)
        owned.carry_out(
            customer_id,
            lambda: gateway().switch(subscription, item.id, twin, shown.at),
            lambda: _is_taken(reader_id, held_id, price_id),
        )
    is_waiting = waiting.bill(owned.mine(reader_id, held_id)) is not None
    return Outcome.WAITING if is_waiting else Outcome.MADE


def forget(reader_id: int, held_id: int) -> None:
    """Let go of a change that waits for its payment; a second time changes nothing. Commits."""
    with turns.alone(reader_id) as customer_id:
        found = waiting.bill(owned.fresh(reader_id, held_id, customer_id))
        db.session.commit()
        if found is not None and found.is_change:
            owned.carry_out(
                customer_id,
                lambda: gateway().forget_bill(found.stripe_id),
                lambda: waiting.bill(owned.mine(reader_id, held_id)) is None,
            )


def _check(shown: Shown, subscription: str, item: Item, twin: str) -> None:
    quotes.require(fresh=shown.is_fresh(clock.now()))
    quotes.require_same(same=gateway().quote(subscription, item.id, twin, shown.at).fits(shown))


def _chosen(held: Subscription, price_id: int) -> Price:
    found = next((price for price in choices(held) if price.id == price_id), None)
    if found is None:
        raise NotFound(gettext("This price is no longer offered. Please choose again."))
    return found


def _one_item(items: list[Item]) -> Item:
    if len(items) != 1:
        raise Conflict(gettext("This membership was put together for you. Please write to us to change it."))
    if items[0].quantity > 1:
        raise _shared()
    return items[0]


def _shared() -> Conflict:
    words = gettext("You pay for several seats. Once you pay for one only, you can change to another plan.")
    return Conflict(words)


def _is_taken(reader_id: int, held_id: int, price_id: int) -> bool:
    held, price = owned.mine(reader_id, held_id), db.session.get_one(Price, price_id)
    return _has(held, price) or waiting.bill(held) is not None


def _has(held: Subscription, price: Price) -> bool:
    return (held.plan_id, held.interval, held.interval_count) == (price.plan_id, price.interval, 1)


def _twin(price_id: int) -> str:
    found = twins.stripe_id(TwinKind.PRICE, price_id)
    if found is None:
        raise NotFound(gettext("This price is no longer offered. Please choose again."))
    return found
