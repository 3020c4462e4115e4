"""Bills whose payment failed, at a renewal or a change of plan, and what came of each."""

import enum
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from statistics import median
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    String,
    and_,
    case,
    cast,
    extract,
    func,
    or_,
    select,
    text,
)
from sqlalchemy.orm import aliased

from paywall.accounts.models import Reader
from paywall.billing.cashbook.models import FAILED, Invoice, Payment
from paywall.billing.gateway import gateway
from paywall.db import db, streamed
from paywall.membership.models import Plan, Subscription
from paywall.membership.rules import LIVE, Source, Status
from paywall.money import Money
from paywall.reports.asked import Asked

DAY = 86_400
HELD = and_(Subscription.source == Source.STRIPE, Subscription.external_id == Invoice.subscription)
PAID, GIVEN_UP = "paid", ("void", "uncollectible")
# Of others it matters where the membership stands; it is looked up for no more.
IS_OWED = Invoice.status.not_in((PAID, *GIVEN_UP))
OWED = case((IS_OWED, Invoice.subscription))
UNPAID = and_(Subscription.source == Source.STRIPE, Subscription.external_id == OWED)


class Outcome(enum.StrEnum):
    """What came of a bill whose payment had failed."""

    RECOVERED = "recovered"
    LOST = "lost"
    OPEN = "open"


# Which bills are looked at one by one, where one outcome is asked for.
MAY_BE = {
    Outcome.RECOVERED: Invoice.status == PAID,
    Outcome.LOST: Invoice.status != PAID,
    Outcome.OPEN: IS_OWED,
}


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill whose payment failed, at first at `failed_at`; `paid_at` if it was made good."""

    failed_at: datetime
    stripe_id: str
    number: str | None
    email: str | None
    plan: str | None
    amount: Money
    why: str | None
    outcome: Outcome
    paid_at: datetime | None


@dataclass(slots=True)
class Came:
    """What came of some bills: number and money by outcome, and the days until those made good were paid."""

    number: Counter[Outcome] = field(default_factory=Counter)
    money: Counter[Outcome] = field(default_factory=Counter)
    days: list[float] = field(default_factory=list)

    @property
    def rate(self) -> Fraction | None:
        """Those made good as a share of all."""
        total = self.number.total()
        return Fraction(self.number[Outcome.RECOVERED], total) if total else None

    @property
    def half(self) -> str | None:
        """The median of the days that it took, with one decimal."""
        return f"{median(self.days):.1f}" if self.days else None

    def join(self, other: "Came") -> "Came":
        """Count others as well."""
        self.number += other.number
        self.money += other.money
        self.days += other.days
        return self


class Key(NamedTuple):
    """By what bills are told apart: the first day of the month, the currency, and why the payment failed."""

    month: date
    currency: str
    why: str


Bills = Mapping[Key, Came]


def bills(asked: Asked, outcome: Outcome | None = None) -> Iterator[Bill]:
    """The bills whose payment failed in those days for the first time; of `outcome` only, if given."""
    columns = (Payment.made_at, Payment.decline_code, Invoice, Reader.email, Plan.name, Subscription.status)
    query = _query(asked, HELD, *columns).outerjoin(Reader, Reader.id == Invoice.reader_id)
    if outcome:
        query = query.where(MAY_BE[outcome])
    for failed_at, why, bill, email, plan, standing in streamed(query.order_by(Payment.made_at, Payment.id)):
        came_of_it = outcome_of(bill.status, standing)
        if outcome not in (None, came_of_it):
            continue
        yield Bill(
            failed_at=failed_at,
            stripe_id=bill.stripe_id,
            number=bill.number,
            email=email,
            plan=plan,
            amount=Money(bill.amount_due, bill.currency),
            why=why,
            outcome=came_of_it,
            paid_at=bill.paid_at if came_of_it is Outcome.RECOVERED else None,
        )


def came(asked: Asked) -> Bills:
    """What came of the same bills: there may be very many, so the database counts those that are alike."""
    months = list(asked.months())
    found: defaultdict[Key, Came] = defaultdict(Came)
    for month, why, status, currency, standing, number, money, seconds in db.session.execute(
        _alike(asked, months)
    ):
        one = found[Key(months[month].since.replace(day=1), currency, in_words(why))]
        outcome = outcome_of(status, standing)
        one.number[outcome] += number
        one.money[outcome] += int(money)
        if outcome is Outcome.RECOVERED:
            one.days += [int(each) / DAY for each in (seconds or "").split()]
    return found


def outcome_of(invoice: str, standing: Status | None) -> Outcome:
    """What came of a bill: by the invoice's status, and where the membership stands that it is for."""
    if invoice == PAID:
        return Outcome.RECOVERED
    is_over = standing is not None and standing not in LIVE
    return Outcome.LOST if is_over or invoice in GIVEN_UP else Outcome.OPEN


def in_words(code: str | None) -> str:
    """Why a bank refused, as Stripe's codes say it."""
    return (code or "not told").replace("_", " ").capitalize()


def _alike(asked: Asked, months: Sequence[Asked]) -> Any:
    # Latest first, as most come late and the first that fits is taken. Grouped by its name: with SQLite, each
    # place in which it is written would be worked out by itself.
    latest = reversed(list(enumerate(months)))
    month = case(*((Payment.made_at >= one.start, number) for number, one in latest))
    kind = (Payment.decline_code, Invoice.status, Invoice.currency, Subscription.status)
    took = cast(extract("epoch", Invoice.paid_at) - extract("epoch", Payment.made_at), BigInteger)
    sums = (func.count(), func.sum(Invoice.amount_due), func.aggregate_strings(cast(took, String), " "))
    held = HELD if asked.plan else UNPAID
    return _query(asked, held, month.label("month_of_failure"), *kind, *sums).group_by(
        "month_of_failure", *kind
    )


def _query(asked: Asked, held: ColumnElement[bool], *columns: Any) -> Any:
    query: Any = (
        select(*columns)
        .select_from(Payment)
        .join(Invoice, and_(Invoice.stripe_id == Payment.invoice, Invoice.mode == Payment.mode))
        .outerjoin(Subscription, held)
        .outerjoin(Plan, Plan.id == Subscription.plan_id)
        .where(Payment.mode == gateway().mode, text(FAILED), ~_has_failed_before())
        .where(Payment.made_at >= asked.start, Payment.made_at < asked.end)
    )
    return query.where(Plan.slug == asked.plan) if asked.plan else query


def _has_failed_before() -> ColumnElement[bool]:
    # Named as the index says it, so that it is used: the text is of this alias.
    earlier = aliased(Payment, name="earlier")
    is_earlier = or_(
        earlier.made_at < Payment.made_at, and_(earlier.made_at == Payment.made_at, earlier.id < Payment.id)
    )
    same = and_(earlier.invoice == Payment.invoice, earlier.mode == Payment.mode)
    failed = text(FAILED.replace("payment", "earlier"))
    return select(earlier.id).where(same, failed, is_earlier).correlate(Payment).exists()
