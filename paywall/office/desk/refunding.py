"""Giving money back: what can be, checked at Stripe, and given once whatever is clicked twice."""

from dataclasses import dataclass

from sqlalchemy import Select, select

from paywall.accounts import readers
from paywall.billing.cashbook.models import Invoice, Payment
from paywall.billing.cashbook.rules import stands
from paywall.billing.gateway import gateway
from paywall.billing.selfcare import turns
from paywall.db import db
from paywall.errors import BadInput, Conflict, NotFound
from paywall.membership.models import Subscription
from paywall.membership.rules import LIVE
from paywall.money import Money
from paywall.office.desk import hands
from paywall.office.desk.hands import Wish


@dataclass(frozen=True, slots=True)
class Refundable:
    """A payment as Stripe has it now: what was paid, what of it was given back already, what is left."""

    payment_id: int
    stripe_id: str
    paid: Money
    given: Money

    @property
    def left(self) -> Money:
        """What can still be given back."""
        return self.paid - self.given


def look(reader_id: int, payment_id: int) -> Refundable:
    """Ask Stripe what can be given back of a reader's payment; commits. Raises NotFound, Unavailable."""
    payment = mine(reader_id, payment_id)
    stripe_id = payment.stripe_id
    db.session.commit()
    return _asked(payment_id, stripe_id)


def mine(reader_id: int, payment_id: int) -> Payment:
    """A payment of this reader, or of an account that was joined to theirs; raises NotFound."""
    query = select(Payment).where(
        Payment.id == payment_id,
        Payment.reader_id.in_(readers.family(reader_id)),
        Payment.mode == gateway().mode,
    )
    found = db.session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        raise NotFound("This reader made no such payment.")
    return found


def last_of(held: Subscription) -> Payment | None:
    """The newest payment for a subscription of which something is left to give back."""
    query = _for(held).where(
        Payment.status == "succeeded",
        Payment.refunded < Payment.amount,
        Payment.is_disputed.is_(False),
    )
    return db.session.scalars(query.order_by(Payment.made_at.desc(), Payment.id.desc()).limit(1)).first()


def for_membership(held: Subscription, payment_id: int) -> Payment:
    """That payment, which was made for this subscription; raises NotFound."""
    query = _for(held).where(Payment.id == payment_id)
    found = db.session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        raise NotFound("No such payment was made for this membership.")
    return found


def ends_access(payment: Payment, amount: Money) -> Subscription | None:
    """The membership whose present period would be given back whole: that ends its access (policy)."""
    if payment.refunded + amount.amount < payment.amount or payment.invoice is None:
        return None
    query = select(Subscription).join(Invoice, Invoice.subscription == Subscription.external_id)
    query = query.where(Invoice.stripe_id == payment.invoice, Invoice.mode == payment.mode)
    held = db.session.scalars(query.where(Invoice.period_end >= Subscription.period_end).limit(1)).first()
    return held if held and held.status in LIVE else None


def give_back(reader_id: int, payment_id: int, amount: Money, *, given: int, key: str, reason: str) -> Money:
    """Give back `amount`, and all that has been given of the payment since; commits.

    `given` (minor units) is what had been given when the form was made: if Stripe says otherwise now,
    somebody was quicker, perhaps the same click, and nothing more is given. `key` lets Stripe see two calls
    of one form as one. Raises NotFound, BadInput, Conflict, Unavailable.
    """
    payment = mine(reader_id, payment_id)
    owner_id, stripe_id = payment.reader_id or reader_id, payment.stripe_id
    db.session.commit()
    with turns.alone(owner_id) as customer_id:
        now = _asked(payment_id, stripe_id)
        _check(now, amount, given)
        wish = Wish("refund", f"{amount.text()} of {now.paid.text()} ({stripe_id})", reader_id, reason)
        hands.carry_out(
            customer_id,
            wish,
            lambda: gateway().give_back(stripe_id, amount, key),
            lambda: _given(reader_id, payment_id).amount > given,
            ({"given back": now.given.text()}, lambda: {"given back": _given(reader_id, payment_id).text()}),
        )
    found = _given(reader_id, payment_id)
    db.session.commit()
    return found


def _for(held: Subscription) -> Select[Payment]:
    its = (Invoice.stripe_id == Payment.invoice) & (Invoice.mode == Payment.mode)
    return (
        select(Payment)
        .join(Invoice, its)
        .where(
            Invoice.subscription == held.external_id,
            Invoice.reader_id == held.reader_id,
            Payment.reader_id == held.reader_id,
            Payment.mode == gateway().mode,
        )
    )


def _asked(payment_id: int, stripe_id: str) -> Refundable:
    entries = gateway().charge(stripe_id)
    charge = entries.payments[0]
    if charge.status != "succeeded":
        raise Conflict("This payment did not go through: there is nothing to give back.")
    if any(stands(dispute.status) for dispute in entries.disputes):
        raise Conflict("The bank has taken this payment up: it is settled there, and cannot be refunded.")
    currency = charge.currency
    return Refundable(payment_id, stripe_id, Money(charge.amount, currency), Money(charge.refunded, currency))


def _check(now: Refundable, amount: Money, given: int) -> None:
    if now.given.amount != given:
        raise Conflict(
            f"By now {now.given.text()} of this payment is given back: it was less when you opened the form."
            " Nothing more was given."
        )
    if amount.currency != now.paid.currency or not 0 < amount.amount <= now.left.amount:
        raise BadInput(f"Of this payment between nothing and {now.left.text()} can be given back.")


def _given(reader_id: int, payment_id: int) -> Money:
    payment = mine(reader_id, payment_id)
    return Money(payment.refunded, payment.currency)
