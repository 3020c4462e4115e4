"""The tables of the cash book: a row for each thing at Stripe, as last seen; amounts in minor units."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from paywall import clock
from paywall.billing.remote import Mode
from paywall.db import Id, Model, words

Word = String(60)
StripeId = String(255)
# Payments are told apart so in reports, in just these words: then each kind is found in an index of its own.
FAILED, CAME_IN = "payment.status = 'failed'", "payment.status = 'succeeded'"


def only(name: str, *columns: str, where: str) -> Index:
    """An index of some rows, in which `status` is for SQLite: only so it looks at nothing else.

    None begins with `mode`: SQLite would take it for the one that tells most.
    """
    condition = text(where.removeprefix("payment."))
    return Index(name, *columns, sqlite_where=condition, postgresql_where=condition)


class Kept:
    """What every row has: whose id it is, and the ticket of the look at Stripe that it was written from.

    Rows may come in any order, so they name one another by Stripe's ids and not by foreign keys.
    """

    id: Mapped[Id]
    mode: Mapped[Mode] = mapped_column(words(Mode))
    stripe_id: Mapped[str] = mapped_column(StripeId)
    ticket: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))


class Invoice(Kept, Model):
    """A bill that Stripe made out; without a reader if it is to nobody of ours."""

    __tablename__ = "invoice"
    __table_args__ = (
        UniqueConstraint("stripe_id", "mode"),
        Index("ix_invoice_reader_id_made_at", "reader_id", "made_at"),
        Index("ix_invoice_paid_at", "paid_at"),
        # What came of a bill, in the index alone. (SQLite would take the constraint's all the same.)
        Index(
            "ix_invoice_outcome",
            *("stripe_id", "mode"),
            postgresql_include=["status", "currency", "amount_due", "paid_at", "subscription"],
            info={"only": "postgresql"},
        ),
    )

    reader_id: Mapped[int | None] = mapped_column(ForeignKey("reader.id"))
    customer: Mapped[str | None] = mapped_column(StripeId)
    subscription: Mapped[str | None] = mapped_column(StripeId)
    number: Mapped[str | None] = mapped_column(String(60), index=True)
    status: Mapped[str] = mapped_column(String(32))
    reason: Mapped[str | None] = mapped_column(Word)
    amount: Mapped[int]
    discount: Mapped[int]
    tax: Mapped[int]
    amount_due: Mapped[int]
    amount_paid: Mapped[int]
    amount_remaining: Mapped[int]
    amount_off_stripe: Mapped[int]
    made_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    period_start: Mapped[datetime]
    period_end: Mapped[datetime]
    page_url: Mapped[str | None] = mapped_column(Text)
    pdf_url: Mapped[str | None] = mapped_column(Text)


class InvoiceLine(Kept, Model):
    """A line of an invoice: which price, for which time."""

    __tablename__ = "invoice_line"
    __table_args__ = (UniqueConstraint("stripe_id", "mode"),)

    invoice: Mapped[str] = mapped_column(StripeId, index=True)
    price: Mapped[str | None] = mapped_column(StripeId)
    amount: Mapped[int] = mapped_column(BigInteger)
    is_proration: Mapped[bool]
    period_start: Mapped[datetime]
    period_end: Mapped[datetime]


class Payment(Kept, Model):
    """A charge, or the try of one; without a reader if a guest paid."""

    __tablename__ = "payment"
    __table_args__ = (
        UniqueConstraint("stripe_id", "mode"),
        only("ix_payment_failed", "made_at", "invoice", "decline_code", "mode", "status", where=FAILED),
        # The first of a bill is told by the index alone, so `id` and what is shown of it are there as well.
        only(
            "ix_payment_failed_first",
            *("invoice", "made_at", "id", "decline_code", "mode", "status"),
            where=FAILED,
        ),
        only(
            "ix_payment_came_in",
            *("currency", "country", "reader_id", "made_at", "mode", "amount", "refunded", "status"),
            where=CAME_IN,
        ),
    )

    reader_id: Mapped[int | None] = mapped_column(ForeignKey("reader.id"), index=True)
    customer: Mapped[str | None] = mapped_column(StripeId, index=True)
    payment_intent: Mapped[str | None] = mapped_column(StripeId, index=True)
    invoice: Mapped[str | None] = mapped_column(StripeId, index=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    refunded: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(Word)
    decline_code: Mapped[str | None] = mapped_column(Word)
    is_disputed: Mapped[bool]
    transaction: Mapped[str | None] = mapped_column(StripeId)
    made_at: Mapped[datetime] = mapped_column(index=True)
    country: Mapped[str | None] = mapped_column(String(2))


class Refund(Kept, Model):
    """Money given back."""

    __tablename__ = "refund"
    __table_args__ = (UniqueConstraint("stripe_id", "mode"),)

    charge: Mapped[str | None] = mapped_column(StripeId, index=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(Word, index=True)
    reason: Mapped[str | None] = mapped_column(Word)
    failure_reason: Mapped[str | None] = mapped_column(Word)
    transaction: Mapped[str | None] = mapped_column(StripeId)
    made_at: Mapped[datetime] = mapped_column(index=True)


class Dispute(Kept, Model):
    """A card holder's bank wants the money back."""

    __tablename__ = "dispute"
    __table_args__ = (UniqueConstraint("stripe_id", "mode"),)

    charge: Mapped[str] = mapped_column(StripeId, index=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    moved: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(Word, index=True)
    reason: Mapped[str] = mapped_column(Word)
    opened_at: Mapped[datetime] = mapped_column(index=True)
    closed_at: Mapped[datetime | None]
    due_by: Mapped[datetime | None]


class BalanceTransaction(Kept, Model):
    """A line of our balance at Stripe."""

    __tablename__ = "balance_transaction"
    __table_args__ = (UniqueConstraint("stripe_id", "mode"),)

    type: Mapped[str] = mapped_column(Word)
    category: Mapped[str] = mapped_column(Word)
    amount: Mapped[int] = mapped_column(BigInteger)
    fee: Mapped[int] = mapped_column(BigInteger)
    net: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(Word, index=True)
    source: Mapped[str | None] = mapped_column(StripeId, index=True)
    payout: Mapped[str | None] = mapped_column(StripeId, index=True)
    made_at: Mapped[datetime] = mapped_column(index=True)
    available_at: Mapped[datetime]


class CashMonth(Model):
    """What the lines of a month come to, those up to the line with the id `upto`, the same in all rows."""

    __tablename__ = "cash_month"

    mode: Mapped[Mode] = mapped_column(words(Mode), primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    net: Mapped[int] = mapped_column(BigInteger)
    upto: Mapped[int]


class Payout(Kept, Model):
    """Money that Stripe sent to the bank."""

    __tablename__ = "payout"
    __table_args__ = (UniqueConstraint("stripe_id", "mode"),)

    amount: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(Word)
    is_automatic: Mapped[bool]
    reconciliation: Mapped[str] = mapped_column(Word)
    failure_code: Mapped[str | None] = mapped_column(Word)
    made_at: Mapped[datetime] = mapped_column(index=True)
    arrives_at: Mapped[datetime]


class CashWalk(Model):
    """How far the walk through an account's balance has come: one row for each mode.

    `began_at`: when the present walk began; None between walks. `seen_until`: when the last one that came to
    its end had begun. `beat_at` is the last sign of life, by the machine's own clock.
    """

    __tablename__ = "cash_walk"

    id: Mapped[Id]
    mode: Mapped[Mode] = mapped_column(words(Mode), unique=True)
    part: Mapped[str] = mapped_column(String(20))
    cursor: Mapped[str | None] = mapped_column(StripeId)
    began_at: Mapped[datetime | None]
    seen_until: Mapped[datetime | None]
    beat_at: Mapped[datetime] = mapped_column(default=clock.wall)
