"""What Stripe says, in our words: frozen facts that the gateway makes and the rest of the room reads."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Literal, TypeVar

from paywall.errors import Unavailable
from paywall.membership.discounts import Cut
from paywall.membership.notices import Why
from paywall.membership.rules import Discount, Interval, Source, Status
from paywall.money import Money

T = TypeVar("T")
Flow = Literal["subscription_cancel", "payment_method_update"]


class Mode(enum.StrEnum):
    """Which Stripe an id belongs to; ids of one mode mean nothing in another."""

    SANDBOX = "sandbox"
    TEST = "test"
    LIVE = "live"


class NotDiscounted(Unavailable):
    """Stripe opens no page with the discount that we asked for: it has ended, or is not for this."""


class Busy(Unavailable):
    """Stripe was asked too often: wait, and ask again."""


class Gone(Unavailable):
    """Stripe has no such object, or has it no longer; `param` names which of those that we asked for."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


@dataclass(frozen=True, slots=True)
class Event:
    """What an event says: its id, its type, and whose books to read again."""

    id: str
    type: str
    customer: str | None
    livemode: bool


@dataclass(frozen=True, slots=True)
class Sold:
    """One item of a subscription: `price` is for all `seats`, each `interval_count` intervals."""

    price_id: str
    product_id: str | None
    price: Money
    interval: Interval | None
    interval_count: int
    seats: int
    discount: Discount | None


@dataclass(frozen=True, slots=True)
class RemoteCard:
    """A card on file. `key` stays the same for the same card; it can be used until `ends` (aware UTC)."""

    key: str
    brand: str
    last4: str
    ends: datetime


@dataclass(frozen=True, slots=True)
class RemoteBill:
    """An open bill whose payment was tried: what is left to pay, and whether the reader must confirm it."""

    id: str
    left: Money
    made_at: datetime
    needs_action: bool


@dataclass(frozen=True, slots=True)
class RemoteSubscription:
    """A subscription as Stripe states it now. Instants are aware UTC; `price` per interval, for all `seats`.

    `has_other_card`: it would charge a card that is not the one its customer chose last. `card` is the one
    that will be charged, `bill` the one that waits; both only where Stripe was asked for them. `others`: what
    the same subscription sells beside its first item. What its bills tell (see cashbook/rules):
    `unpaid_since`, when the first one was made that is owed; `disputed_at`, since when a dispute stands on
    one of its payments; `refunded_at`, when its present period was given back whole.
    """

    id: str
    customer: str
    price_id: str
    product_id: str | None
    status: Status
    price: Money
    interval: Interval | None
    started_at: datetime
    period_start: datetime | None
    period_end: datetime | None
    trial_end: datetime | None
    cancel_at: datetime | None
    ended_at: datetime | None
    feedback: str | None
    has_other_card: bool = False
    discount: Discount | None = None
    interval_count: int = 1
    seats: int = 1
    collected: bool = True
    wanted_break: bool = False
    others: tuple["Sold", ...] = ()
    unpaid_since: datetime | None = None
    disputed_at: datetime | None = None
    refunded_at: datetime | None = None
    card: RemoteCard | None = None
    bill: RemoteBill | None = None
    ended_why: Why | None = None
    source: Source = Source.STRIPE


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a long list, and where the next one begins; None at its end."""

    items: Sequence[T]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as Stripe keeps it: what it says, and its whole JSON."""

    event: Event
    payload: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """Whose a customer says they are: the reader's id in its metadata, and its address."""

    reader: str | None
    email: str | None


class Duration(enum.StrEnum):
    """For how long a coupon counts once it was used, in Stripe's words."""

    ONCE = "once"
    REPEATING = "repeating"
    FOREVER = "forever"


@dataclass(frozen=True, slots=True)
class Offer:
    """A coupon: `cut` off the price for `duration` (`months` if repeating), on `products`; None: on all."""

    cut: Cut
    duration: Duration
    months: int | None = None
    products: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Promotion:
    """A promotion code with its coupon; `until` is the last instant (aware UTC) at which it can be used."""

    id: str
    code: str
    offer: Offer
    is_active: bool
    used: int
    most: int | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a Checkout page opens: a trial of some days, a promotion's id or a field for codes.

    `free_until` (aware UTC) instead of days: a gift pays until then. `seats` are paid for.
    """

    trial_days: int = 0
    free_until: datetime | None = None
    promotion: str | None = None
    takes_codes: bool = False
    seats: int = 1


@dataclass(frozen=True, slots=True)
class Checkout:
    """A hosted Checkout page: `reader` is who it was opened for, `is_paid` false while money is under way."""

    id: str
    url: str | None
    status: str | None
    customer: str | None
    reader: str | None
    is_paid: bool
