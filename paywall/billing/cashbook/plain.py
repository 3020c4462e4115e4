"""What plainly ties out, in words for the database: the many of a month that need no look one by one.

Each condition may say no where `sums` would find nothing wrong: then it is looked at there. It never says yes
to what `sums` would name.

What belongs together is nearly always dated in one month. What is not, is none that plainly ties out, and is
looked at in its own month; so a month is told by itself, and nothing is looked for in all that ever was.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, tuple_
from sqlalchemy.orm import aliased

from paywall.billing.cashbook.models import BalanceTransaction, Invoice, Payment, Payout
from paywall.billing.cashbook.rules import UNDONE


def line(start: datetime, end: datetime) -> ColumnElement[bool]:
    """The own line of a payment for an invoice, which says what the payment says."""
    paid = exists().where(
        _within(Payment.made_at, start, end),
        Payment.stripe_id == BalanceTransaction.source,
        Payment.transaction == BalanceTransaction.stripe_id,
        Payment.mode == BalanceTransaction.mode,
        Payment.status != "failed",
        Payment.invoice.is_not(None),
        Payment.amount == BalanceTransaction.amount,
        Payment.currency == BalanceTransaction.currency,
    )
    return and_(BalanceTransaction.category == "charge", paid)


def payment(start: datetime, end: datetime) -> ColumnElement[bool]:
    """It has a line (by which it is held, in the line's month) or needs none, and so with its invoice."""
    lined = exists().where(
        _within(BalanceTransaction.made_at, start, end),
        BalanceTransaction.source == Payment.stripe_id,
        BalanceTransaction.mode == Payment.mode,
    )
    billed = exists().where(
        _within(Invoice.paid_at, start, end),
        Invoice.stripe_id == Payment.invoice,
        Invoice.mode == Payment.mode,
    )
    return and_(
        or_(Payment.status == "failed", Payment.transaction.is_(None), lined),
        or_(Payment.status != "succeeded", Payment.invoice.is_(None), billed),
    )


def invoice(start: datetime, end: datetime) -> ColumnElement[bool]:
    """Its payments are what it says was paid by way of Stripe; one of nothing has none."""
    came = (_within(Payment.made_at, start, end), Payment.status == "succeeded", Payment.invoice.is_not(None))
    billed = select(Payment.invoice, Payment.mode).where(*came)
    paid = billed.add_columns(func.sum(Payment.amount)).group_by(Payment.invoice, Payment.mode)
    amount = Invoice.amount_paid - Invoice.amount_off_stripe
    return or_(
        tuple_(Invoice.stripe_id, Invoice.mode, amount).in_(paid),
        and_(amount == 0, tuple_(Invoice.stripe_id, Invoice.mode).not_in(billed)),
    )


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


def _within(column: Any, start: datetime, end: datetime) -> ColumnElement[bool]:
    return and_(column >= start, column < end)
