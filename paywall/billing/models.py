"""What we remember of Stripe: customers, the inbox of events, open Checkouts, bills that wait and cards."""

import enum
from datetime import date, datetime, timedelta

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from paywall import clock
from paywall.accounts.models import Reader
from paywall.billing.remote import Mode
from paywall.db import Id, Model, utcnow, words
from paywall.money import Money


class TwinKind(enum.StrEnum):
    """Kinds of our things that have a twin at Stripe."""

    PRODUCT = "product"
    PRICE = "price"
    PORTAL = "portal"
    ENDPOINT = "endpoint"


class EventState(enum.StrEnum):
    """How far an event of the inbox has come."""

    RECEIVED = "received"
    HANDLED = "handled"
    IGNORED = "ignored"
    FAILED = "failed"


class StripeTwin(Model):
    """Our plan, price, portal configuration or endpoint, and the id of its twin at Stripe."""

    __tablename__ = "stripe_twin"
    __table_args__ = (UniqueConstraint("kind", "own_id", "mode"), UniqueConstraint("stripe_id", "mode"))

    id: Mapped[Id]
    kind: Mapped[TwinKind] = mapped_column(words(TwinKind))
    own_id: Mapped[int]
    mode: Mapped[Mode] = mapped_column(words(Mode))
    stripe_id: Mapped[str] = mapped_column(String(255))


class StripeCustomer(Model):
    """A reader's one customer at Stripe.

    `ticket` is that of the last fetch begun, `written` of the last one whose result was kept: a fetch that
    was overtaken writes nothing. `turn` counts Checkouts begun, so that of two at once only one stays open.
    `busy_until`: the reader is changing their membership, by the machine's clock (selfcare/turns.py).
    """

    __tablename__ = "stripe_customer"
    __table_args__ = (UniqueConstraint("reader_id", "mode"), UniqueConstraint("stripe_id", "mode"))

    id: Mapped[Id]
    reader_id: Mapped[int] = mapped_column(ForeignKey("reader.id"))
    mode: Mapped[Mode] = mapped_column(words(Mode))
    stripe_id: Mapped[str | None] = mapped_column(String(255))
    email: Mapped[str | None] = mapped_column(String(320))
    generation: Mapped[int] = mapped_column(default=1)
    ticket: Mapped[int] = mapped_column(default=0)
    written: Mapped[int] = mapped_column(default=0)
    turn: Mapped[int] = mapped_column(default=0)
    busy_until: Mapped[datetime | None]
    reader: Mapped[Reader] = relationship()


class StripeEvent(Model):
    """One event as it came in; stored before Stripe is told that we have it.

    Times of work are by the machine's own clock: `try_at`, when it is handled next, None once it is done with
    or given up; `claimed_until`, how long a worker has it to itself. `attempts` counts the workers that had.
    """

    __tablename__ = "stripe_event"
    __table_args__ = (Index("ix_stripe_event_waiting", "state", "try_at"),)

    id: Mapped[Id]
    event_id: Mapped[str] = mapped_column(String(255), unique=True)
    type: Mapped[str] = mapped_column(String(120))
    customer: Mapped[str | None] = mapped_column(String(255), index=True)
    payload: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(default=utcnow)
    state: Mapped[EventState] = mapped_column(words(EventState), default=EventState.RECEIVED)
    try_at: Mapped[datetime | None] = mapped_column(default=clock.wall)
    claimed_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    handled_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)


class CheckoutTry(Model):
    """A Checkout page that we opened for a reader, and where they want to be after it."""

    __tablename__ = "checkout_try"

    id: Mapped[Id]
    reader_id: Mapped[int] = mapped_column(ForeignKey("reader.id"), index=True)
    price_id: Mapped[int] = mapped_column(ForeignKey("price.id"))
    mode: Mapped[Mode] = mapped_column(words(Mode))
    session_id: Mapped[str] = mapped_column(String(255), unique=True)
    next_path: Mapped[str | None] = mapped_column(String(1000))
    opened_at: Mapped[datetime] = mapped_column(default=utcnow)
    closed_at: Mapped[datetime | None]


class TicketRoll(Model):
    """One row: the last ticket torn off. See tickets.py."""

    __tablename__ = "ticket_roll"

    id: Mapped[Id]
    last: Mapped[int]


class Collection(Model):
    """How the money of a subscription comes in: the card that is charged next, and the bill that waits.

    At `card_ends` the card is of no use any more. `bill` is an open invoice (its id at Stripe) whose payment
    was tried and failed; with `needs_action` the reader's bank wants to hear from them first.
    """

    __tablename__ = "collection"
    __table_args__ = (Index("ix_collection_card_ends", "card_ends"),)

    id: Mapped[Id]
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscription.id"), unique=True)
    card_key: Mapped[str | None] = mapped_column(String(255))
    card_brand: Mapped[str | None] = mapped_column(String(40))
    card_last4: Mapped[str | None] = mapped_column(String(4))
    card_ends: Mapped[datetime | None]
    bill: Mapped[str | None] = mapped_column(String(255))
    bill_amount: Mapped[int | None]
    bill_currency: Mapped[str | None] = mapped_column(String(3))
    bill_at: Mapped[datetime | None]
    needs_action: Mapped[bool] = mapped_column(default=False)

    @property
    def card_last_day(self) -> date | None:
        """The last day on which the card can be used."""
        return (self.card_ends - timedelta(days=1)).date() if self.card_ends else None

    @property
    def left(self) -> Money | None:
        """What is left to pay of the bill that waits."""
        return (
            Money(self.bill_amount, self.bill_currency) if self.bill_amount and self.bill_currency else None
        )


class Reconciliation(Model):
    """One walk through all books: how far it has come, what it found, and when it ended.

    `beat_at` is its last sign of life, by the machine's own clock; only one walk is open in each mode.
    """

    __tablename__ = "reconciliation"
    __table_args__ = (
        Index(
            "ix_reconciliation_open",
            "mode",
            unique=True,
            sqlite_where=text("finished_at IS NULL"),
            postgresql_where=text("finished_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    mode: Mapped[Mode] = mapped_column(words(Mode))
    part: Mapped[str] = mapped_column(String(20))
    cursor: Mapped[str | None] = mapped_column(String(255))
    counts: Mapped[str] = mapped_column(Text)
    started_at: Mapped[datetime] = mapped_column(default=utcnow)
    beat_at: Mapped[datetime] = mapped_column(default=clock.wall)
    finished_at: Mapped[datetime | None]


class SetupRun(Model):
    """One time that our plans were to be made at Stripe: when it ended, and with which error if any."""

    __tablename__ = "setup_run"

    id: Mapped[Id]
    asked_at: Mapped[datetime] = mapped_column(default=utcnow)
    ended_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(Text, default="")
