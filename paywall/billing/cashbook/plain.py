"""What plainly ties out, in words for the database: the many of a month that need no look one by one.

Each condition may say no where `sums` would find nothing wrong: then it is looked at there. It never says yes
to what `sums` would name.
"""

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from paywall.billing.cashbook.models import BalanceTransaction, Invoice, Payment, Payout
from paywall.billing.cashbook.rules import UNDONE


def line() -> ColumnElement[bool]:
    """The one line of a payment for an invoice, which says what the payment says."""
    other = aliased(BalanceTransaction)
    paid = _found(
        Payment.id,
        Payment.stripe_id == BalanceTransaction.source,
        Payment.mode == BalanceTransaction.mode,
        Payment.status != "failed",
        Payment.transaction.is_not(None),
        Payment.invoice.is_not(None),
        Payment.amount == BalanceTransaction.amount,
        Payment.currency == BalanceTransaction.currency,
    )
    is_alone = ~exists().where(other.source == BalanceTransaction.source, other.id != BalanceTransaction.id)
    return and_(BalanceTransaction.category == "charge", paid, is_alone)


def payment() -> ColumnElement[bool]:
    """It has a line (by which it is held, in the line's month) or needs none, and so with its invoice."""
    lined = _found(
        BalanceTransaction.id,
        BalanceTransaction.source == Payment.stripe_id,
        BalanceTransaction.mode == Payment.mode,
    )
    billed = _found(
        Invoice.id,
        Invoice.stripe_id == Payment.invoice,
        Invoice.mode == Payment.mode,
        Invoice.paid_at.is_not(None),
    )
    return and_(
        or_(Payment.status == "failed", Payment.transaction.is_(None), lined),
        or_(Payment.status != "succeeded", Payment.invoice.is_(None), billed),
    )


def invoice() -> ColumnElement[bool]:
    """Its payments are what it says was paid by way of Stripe."""
    paid = (
        select(func.coalesce(func.sum(Payment.amount), 0))
        .where(
            Payment.invoice == Invoice.stripe_id,
            Payment.mode == Invoice.mode,
            Payment.status == "succeeded",
        )
        .scalar_subquery()
    )
    return paid == Invoice.amount_paid - Invoice.amount_off_stripe


def payout() -> ColumnElement[bool]:
    """Its own lines say what it says, and so do those that it is made of, where Stripe tells them."""
    own, part = aliased(BalanceTransaction), aliased(BalanceTransaction)
    sent = select(func.coalesce(func.sum(own.net), 0)).where(
        own.source == Payout.stripe_id, own.mode == Payout.mode
    )
    made_of = select(func.coalesce(func.sum(part.net), 0)).where(
        part.payout == Payout.stripe_id,
        part.mode == Payout.mode,
        func.coalesce(part.source, "") != Payout.stripe_id,
    )
    return and_(
        Payout.status.not_in(UNDONE),
        sent.scalar_subquery() == -Payout.amount,
        or_(
            ~Payout.is_automatic,
            Payout.reconciliation != "completed",
            made_of.scalar_subquery() == Payout.amount,
        ),
    )


def _found(row_id: Any, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether there is such a row. In these words PostgreSQL looks for each in an index; asked whether one
    EXISTS, it may read all rows that ever were.
    """
    return select(row_id).where(*conditions).limit(1).scalar_subquery().is_not(None)
