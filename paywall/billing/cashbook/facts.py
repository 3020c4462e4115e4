"""What Stripe says of money that moved, in our words: frozen facts with the names of our columns.

All amounts are in minor units of the `currency` beside them, all instants aware UTC. `stripe_id` and every
field named for a thing (`charge`, `invoice`, `customer`, ...) hold Stripe's ids. Words of Stripe's open lists
(statuses, reasons, types) are kept as they come, since a new one must not stop the books.
"""

import enum
from dataclasses import dataclass
from datetime import datetime


class Kind(enum.StrEnum):
    """What an event about money can name, in Stripe's words."""

    CHARGE = "charge"
    REFUND = "refund"
    DISPUTE = "dispute"
    PAYOUT = "payout"


@dataclass(frozen=True, slots=True)
class LineFacts:
    """A line of an invoice; `is_proration` for the rest of a period when a plan was changed."""

    stripe_id: str
    invoice: str
    price: str | None
    amount: int
    currency: str
    is_proration: bool
    period_start: datetime
    period_end: datetime


@dataclass(frozen=True, slots=True)
class InvoiceFacts:
    """An invoice. `amount` is its total; its period is the one that it is for, not the one it was made in.

    `payments`: the payment intents (or bare charges) that were to pay it. `amount_off_stripe` is the part of
    `amount_paid` that never was in our balance. `is_owed`: nobody has paid it, voided it or forgiven it.
    """

    stripe_id: str
    customer: str | None
    subscription: str | None
    number: str | None
    status: str
    reason: str | None
    amount: int
    discount: int
    tax: int
    amount_due: int
    amount_paid: int
    amount_remaining: int
    amount_off_stripe: int
    currency: str
    made_at: datetime
    paid_at: datetime | None
    period_start: datetime
    period_end: datetime
    page_url: str | None
    pdf_url: str | None
    is_owed: bool = False
    lines: tuple[LineFacts, ...] = ()
    payments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PaymentFacts:
    """A charge, or the try of one. A guest who buys a gift has no `customer`, a gift no `invoice`.

    `transaction` is the first line in our balance, if there is one. `country`: where the card (or the bank)
    is from, two letters as ISO writes them; some ways to pay have none. `payer`: the name on the card.
    """

    stripe_id: str
    customer: str | None
    payment_intent: str | None
    invoice: str | None
    amount: int
    refunded: int
    currency: str
    status: str
    decline_code: str | None
    is_disputed: bool
    transaction: str | None
    made_at: datetime
    country: str | None = None
    payer: str | None = None


@dataclass(frozen=True, slots=True)
class RefundFacts:
    """Money given back; one that fails later has moved nothing in the end."""

    stripe_id: str
    charge: str | None
    amount: int
    currency: str
    status: str
    reason: str | None
    failure_reason: str | None
    transaction: str | None
    made_at: datetime


@dataclass(frozen=True, slots=True)
class DisputeFacts:
    """A dispute. `moved` is what it has moved in our balance so far: negative while the money is away.

    Stripe does not tell when a dispute was closed: `closed_at` is when we first saw it so.
    """

    stripe_id: str
    charge: str
    amount: int
    moved: int
    currency: str
    status: str
    reason: str
    opened_at: datetime
    closed_at: datetime | None
    due_by: datetime | None


@dataclass(frozen=True, slots=True)
class TransactionFacts:
    """A line of our balance at Stripe: `net` is `amount` less `fee`.

    Only the list of one payout's transactions tells `payout`.
    """

    stripe_id: str
    type: str
    category: str
    amount: int
    fee: int
    net: int
    currency: str
    status: str
    source: str | None
    payout: str | None
    made_at: datetime
    available_at: datetime


@dataclass(frozen=True, slots=True)
class PayoutFacts:
    """Money sent to the bank. Its transactions can be listed when `reconciliation` is completed."""

    stripe_id: str
    amount: int
    currency: str
    status: str
    is_automatic: bool
    reconciliation: str
    failure_code: str | None
    made_at: datetime
    arrives_at: datetime


@dataclass(frozen=True, slots=True)
class News:
    """What an event about money names: a charge, refund, dispute or payout, and the charge if it tells it."""

    kind: Kind
    stripe_id: str
    charge: str | None


@dataclass(frozen=True, slots=True)
class Entries:
    """What one look at Stripe found."""

    invoices: tuple[InvoiceFacts, ...] = ()
    payments: tuple[PaymentFacts, ...] = ()
    refunds: tuple[RefundFacts, ...] = ()
    disputes: tuple[DisputeFacts, ...] = ()
    transactions: tuple[TransactionFacts, ...] = ()
    payouts: tuple[PayoutFacts, ...] = ()
