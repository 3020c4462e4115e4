"""Giving: a page to pay on, and what Stripe says of the payment."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext, ngettext
from sqlalchemy import or_, select, update

from paywall import clock, jobs
from paywall.accounts import names
from paywall.accounts.letters import outside
from paywall.accounts.models import Reader
from paywall.billing import customers, twins
from paywall.billing.gateway import gateway
from paywall.billing.gateway.events import mentioned
from paywall.billing.gifts import letters, redeeming, rules
from paywall.billing.gifts.models import Gift
from paywall.billing.gifts.rules import GiftPayment, GiftState, Present
from paywall.billing.models import StripeEvent, TwinKind
from paywall.billing.remote import Gone
from paywall.db import db
from paywall.errors import NotFound, Unavailable
from paywall.membership import plans

# Card networks let holders dispute a payment for about 120 days.
WATCHED_FOR = timedelta(days=150)
ABOUT_PAYMENTS = ("checkout.session", "refund", "dispute")


@dataclass(frozen=True, slots=True)
class Order:
    """Who gives what to whom; `deliver_at` is aware. Without an address only the buyer gets the code."""

    present: Present
    buyer_name: str
    buyer_email: str
    recipient_name: str
    recipient_email: str | None
    message: str
    deliver_at: datetime


def on_offer() -> dict[str, tuple[str, Present]]:
    """What can be given, by the key that a form names it with: the plan's name and the length."""
    found: dict[str, tuple[str, Present]] = {}
    for plan in plans.on_offer():
        if plan.seats:
            # A group is for an owner who invites, not for one who unwraps.
            continue
        prices = {price.interval: price.money for price in plan.prices if price.active}
        found |= {each.key: (plan.name, each) for each in rules.presents(plan.id, prices)}
    return found


def begin(buyer: Reader | None, order: Order) -> str:
    """Write a gift down and open the page on which it is paid; its address. Commits. Raises Unavailable."""
    product = twins.stripe_id(TwinKind.PRODUCT, order.present.plan_id)
    if product is None:
        raise Unavailable("This plan is not at Stripe yet: staff must run `flask paywall stripe-setup`.")
    gift = _write(buyer, order)
    title = ngettext(
        "Gift: one month of %(plan)s", "Gift: %(num)d months of %(plan)s", gift.months, plan=gift.plan.name
    )
    gift_id, salt = gift.id, gift.salt
    db.session.commit()
    known = _customer(buyer)
    try:
        return _open(gift_id, salt, known, order, product, title)
    except Gone as gone:
        if gone.param != "customer" or buyer is None:
            raise
        customers.forget(buyer.id, known)
        return _open(gift_id, f"{salt}:again", _customer(buyer), order, product, title)


def settle(gift_id: int) -> GiftState:
    """Make a gift agree with what Stripe says of its payment; commits. Safe at any time, and twice."""
    taken = update(Gift).where(Gift.id == gift_id).values(ticket=Gift.ticket + 1)
    session_id, ticket = db.session.execute(taken.returning(Gift.session_id, Gift.ticket)).one()
    db.session.commit()
    if session_id is None:
        return GiftState.OPEN
    payment = gateway().gift_payment(session_id)
    # Locked, so that of a webhook and a return at the same moment one writes the letters; and an answer that
    # was overtaken by a later one is not written, or a gift that was refunded meanwhile would come back.
    gift = db.session.get_one(Gift, gift_id, with_for_update=True, populate_existing=True)
    if gift.written < ticket:
        gift.written = ticket
        _apply(gift, payment)
    state = gift.state
    db.session.commit()
    return state


def returned(session_id: str, reader_id: int | None) -> Gift:
    """The gift of a payment page to which its buyer comes back, settled; raises NotFound. Commits."""
    gift = db.session.scalar(select(Gift).where(Gift.session_id == session_id))
    if gift is None or (gift.buyer_id is not None and gift.buyer_id != reader_id):
        raise NotFound(gettext("There is no such gift."))
    gift_id = gift.id
    settle(gift_id)
    return db.session.get_one(Gift, gift_id)


def named_by(rows: list[int]) -> list[int]:
    """The ids of the gifts that stored events (by their row ids) are about."""
    about = or_(*(StripeEvent.type.contains(word) for word in ABOUT_PAYMENTS))
    payloads = db.session.scalars(select(StripeEvent.payload).where(StripeEvent.id.in_(rows), about))
    ids: set[str] = set().union(*map(mentioned, payloads))
    if not ids:
        return []
    query = select(Gift.id).where(
        Gift.mode == gateway().mode,
        or_(Gift.session_id.in_(ids), Gift.payment_intent.in_(ids), Gift.charge.in_(ids)),
    )
    return list(db.session.scalars(query.order_by(Gift.id)))


@jobs.every(minute="37")
def settle_open() -> None:
    """Ask Stripe about each gift whose payment page may have been paid without our hearing of it."""
    _settle_each(Gift.state == GiftState.OPEN, Gift.session_id.is_not(None))


@jobs.every(minute="7", hour="4")
def settle_paid() -> None:
    """Ask about those that could be given back or disputed without our hearing of it."""
    paid = Gift.state.in_([GiftState.PAID, GiftState.REDEEMED, GiftState.VOID])
    _settle_each(paid, Gift.paid_at > clock.now() - WATCHED_FOR)


def _write(buyer: Reader | None, order: Order) -> Gift:
    if buyer:
        names.learn(buyer, order.buyer_name)
    salt = secrets.token_hex(16)
    gift = Gift(
        mode=gateway().mode,
        plan_id=order.present.plan_id,
        months=order.present.months,
        amount=order.present.money.amount,
        currency=order.present.money.currency,
        buyer_id=buyer.id if buyer else None,
        buyer_name=order.buyer_name,
        buyer_email=order.buyer_email,
        recipient_name=order.recipient_name,
        recipient_email=order.recipient_email,
        message=order.message,
        deliver_at=order.deliver_at,
        salt=salt,
        code_hash=letters.hashed(letters.code(salt)) or "",
    )
    db.session.add(gift)
    db.session.flush()
    return gift


def _customer(buyer: Reader | None) -> str | None:
    found = customers.ensure(buyer).stripe_id if buyer else None
    db.session.commit()
    return found


def _open(gift_id: int, key: str, customer: str | None, order: Order, product: str, title: str) -> str:
    page = gateway().open_gift(
        gift_id=gift_id,
        key=key,
        product=product,
        money=order.present.money,
        title=title,
        customer=customer,
        email=order.buyer_email,
        urls=(f"{outside('gifts.paid')}?session_id={{CHECKOUT_SESSION_ID}}", outside("gifts.give")),
    )
    db.session.get_one(Gift, gift_id).session_id = page.id
    db.session.commit()
    return page.url or ""


def _apply(gift: Gift, payment: GiftPayment) -> None:
    before, after = gift.state, rules.settled(gift.standing, payment)
    gift.state, gift.void_why = after.state, after.why
    gift.payment_intent, gift.charge = (
        payment.payment_intent or gift.payment_intent,
        payment.charge or gift.charge,
    )
    if payment.is_paid and gift.paid_at is None:
        gift.paid_at = clock.now()
        letters.receipt(gift)
    if gift.state is GiftState.PAID:
        letters.deliver(gift)
    if gift.redeemed_at and before is not gift.state:
        redeeming.follow(gift)


def _settle_each(*conditions: object) -> None:
    query = select(Gift.id).where(Gift.mode == gateway().mode, *conditions)  # type: ignore[arg-type]
    waiting = db.session.scalars(query.order_by(Gift.id)).all()
    db.session.commit()
    for gift_id in waiting:
        try:
            settle(gift_id)
        except Gone:
            continue
