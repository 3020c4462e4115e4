"""Payments that failed: which bills were made good, which were lost, and how long it took."""

import enum
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import reduce
from statistics import median
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, exists, or_, select, text
from sqlalchemy.orm import aliased

from paywall.accounts.models import Reader
from paywall.billing.cashbook.models import FAILED as FAILED_PAYMENT
from paywall.billing.cashbook.models import Invoice, Payment
from paywall.billing.gateway import gateway
from paywall.db import streamed
from paywall.membership.models import Plan, Subscription
from paywall.membership.rules import LIVE, Source, Status
from paywall.money import Money
from paywall.office.money import at_stripe
from paywall.reports import page
from paywall.reports.asked import Asked
from paywall.reports.page import Cell, Chart, Column, Figure, Kind, Link, Report, Row, Shape, Table

FAILED = "Bills whose payment failed in these days for the first time, at a renewal or a change of plan."
RECOVERED = "Of those, what has been paid since, by another try or by the reader."
LOST = "Of those, what was given up: voided or written off, or its membership ended unpaid."
OPEN = "Of those, what waits: Stripe tries again, or the reader still has it before them."
DAYS = "Half of the bills that were made good took no longer, from the first failure to the payment."
MONTHS = "By the month in which the payment failed for the first time, whenever it was made good or lost."
COLUMNS = (
    Column("Failed", Kind.DAY),
    Column("Reader"),
    Column("Bill"),
    Column("Plan"),
    Column("Amount", Kind.MONEY),
    Column("Why"),
    Column("What came of it"),
    Column("Paid", Kind.DAY),
)


class Outcome(enum.StrEnum):
    """What came of a bill whose payment had failed."""

    RECOVERED = "recovered"
    LOST = "lost"
    OPEN = "open"


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


@page.report("failures", "Failed payments", narrows=("plan",))
def failures(asked: Asked) -> Report:
    """What failed, what was made good, and what was lost, for each currency by itself."""
    found, earlier = came(asked), came(asked.before)
    now, before = _all(found), _all(earlier)
    good = "Those made good as a share of those that failed."
    figures = [
        Figure("Failed", now.number.total(), before.number.total(), FAILED, "bills"),
        _counted("Made good", Outcome.RECOVERED, now, before, RECOVERED),
        Figure("Made good, of all", now.rate, before.rate, good),
        _counted("Lost", Outcome.LOST, now, before, LOST),
        _counted("Still open", Outcome.OPEN, now, before, OPEN),
        Figure("Days until made good", now.half, before.half, DAYS),
    ]
    tables: list[Table] = []
    for currency in sorted({key.currency for key in (*found, *earlier)}):
        figures.append(_lost(currency, found, earlier))
        tables.append(_by_month(currency, asked, found))
    return Report("Failed payments and what came of them", figures, (*tables, _reasons(found)))


@page.behind("failures", "bills", "Bills whose payment failed", COLUMNS)
def rows(asked: Asked) -> Iterator[Row]:
    """Each of them, oldest first."""
    mode = gateway().mode
    for one in bills(asked):
        name = one.number or one.stripe_id
        url = at_stripe.address(one.stripe_id, mode)
        bill: Cell = Link(name, url) if url else name
        paid = asked.day_of(one.paid_at) if one.paid_at else None
        why = in_words(one.why)
        failed = asked.day_of(one.failed_at)
        yield (failed, one.email, bill, one.plan, one.amount, why, one.outcome.value, paid)


def bills(asked: Asked) -> Iterator[Bill]:
    """The bills whose payment failed in those days for the first time."""
    named = (Invoice.stripe_id, Invoice.number, Reader.email, Plan.name)
    query = _query(asked, *named).outerjoin(Reader, Reader.id == Invoice.reader_id)
    for row in streamed(query.order_by(Payment.made_at, Payment.id)):
        outcome = outcome_of(row.status, row.standing)
        yield Bill(
            failed_at=row.made_at,
            stripe_id=row.stripe_id,
            number=row.number,
            email=row.email,
            plan=row.name,
            amount=Money(row.amount_due, row.currency),
            why=row.decline_code,
            outcome=outcome,
            paid_at=row.paid_at if outcome is Outcome.RECOVERED else None,
        )


def came(asked: Asked) -> Bills:
    """What came of the same bills, added up as they are read: there may be very many."""
    months = list(asked.months())
    starts, names = [one.start for one in months], [one.since.replace(day=1) for one in months]
    alike: defaultdict[tuple[Any, ...], list[tuple[int, datetime | None, datetime]]] = defaultdict(list)
    for failed_at, paid_at, amount, *kind in streamed(_query(asked)):
        alike[bisect_right(starts, failed_at) - 1, *kind].append((amount, paid_at, failed_at))
    found: defaultdict[Key, Came] = defaultdict(Came)
    for (month, why, status, currency, standing), some in alike.items():
        one, outcome = found[Key(names[month], currency, in_words(why))], outcome_of(status, standing)
        one.number[outcome] += len(some)
        one.money[outcome] += sum(amount for amount, _, _ in some)
        if outcome is Outcome.RECOVERED:
            one.days += [(paid - failed) / timedelta(days=1) for _, paid, failed in some if paid]
    return found


def outcome_of(invoice: str, standing: Status | None) -> Outcome:
    """What came of a bill: by the invoice's status, and where the membership stands that it is for."""
    if invoice == "paid":
        return Outcome.RECOVERED
    is_over = standing is not None and standing not in LIVE
    return Outcome.LOST if is_over or invoice in ("void", "uncollectible") else Outcome.OPEN


def in_words(code: str | None) -> str:
    """Why a bank refused, as Stripe's codes say it."""
    return (code or "not told").replace("_", " ").capitalize()


def _query(asked: Asked, *more: Any) -> Any:
    held = and_(Subscription.source == Source.STRIPE, Subscription.external_id == Invoice.subscription)
    standing = select(Subscription.status).where(held, Invoice.status != "paid").scalar_subquery()
    query = (
        select(
            Payment.made_at,
            Invoice.paid_at,
            Invoice.amount_due,
            Payment.decline_code,
            Invoice.status,
            Invoice.currency,
            standing.label("standing"),
            *more,
        )
        .join(Invoice, and_(Invoice.stripe_id == Payment.invoice, Invoice.mode == Payment.mode))
        .where(Payment.mode == gateway().mode, text(FAILED_PAYMENT), ~_has_failed_before())
        .where(Payment.made_at >= asked.start, Payment.made_at < asked.end)
    )
    if more or asked.plan:
        query = query.outerjoin(Subscription, held).outerjoin(Plan, Plan.id == Subscription.plan_id)
    return query.where(Plan.slug == asked.plan) if asked.plan else query


def _has_failed_before() -> ColumnElement[bool]:
    # Named as the index says it, so that it is used: the text is of this alias.
    earlier = aliased(Payment, name="earlier")
    is_earlier = or_(
        earlier.made_at < Payment.made_at, and_(earlier.made_at == Payment.made_at, earlier.id < Payment.id)
    )
    same = and_(earlier.invoice == Payment.invoice, earlier.mode == Payment.mode)
    failed = text(FAILED_PAYMENT.replace("payment", "earlier"))
    return exists(select(earlier.id).where(same, failed, is_earlier).correlate(Payment))


def _by_month(currency: str, asked: Asked, found: Bills) -> Table:
    columns = (
        Column("Month", Kind.MONTH),
        Column("Failed", Kind.NUMBER),
        *(Column(name, Kind.NUMBER) for name in ("Made good", "Lost", "Still open")),
        Column("Made good, of all", Kind.SHARE),
        Column("Days", Kind.NUMBER),
        *(Column(f"{name}, money", Kind.MONEY) for name in ("Failed", "Made good", "Lost", "Open")),
    )
    lines = [_month(currency, month.since.replace(day=1), found) for month in asked.months()]
    chart = Chart(Shape.STACKED, ("Made good", "Lost", "Still open"))
    return Table(f"By month, {currency.upper()}", MONTHS, columns, lines, chart)


def _month(currency: str, first: date, found: Bills) -> Row:
    mine = _all(found, lambda key: (key.month, key.currency) == (first, currency))
    numbers, amounts = ([each.total(), *map(each.__getitem__, Outcome)] for each in (mine.number, mine.money))
    return (first, *numbers, mine.rate, mine.half, *(Money(amount, currency) for amount in amounts))


def _reasons(found: Bills) -> Table:
    columns = (Column("Why"), Column("Failed", Kind.NUMBER), Column("Made good, of all", Kind.SHARE))
    known = {why: _all(found, lambda key, why=why: key.why == why) for why in {key.why for key in found}}
    lines: list[Row] = [
        (why, one.number.total(), one.rate)
        for why, one in sorted(known.items(), key=lambda each: (-each[1].number.total(), each[0]))
    ]
    return Table(
        "Why they failed", "What the bank said when the payment failed for the first time.", columns, lines
    )


def _counted(name: str, outcome: Outcome, now: Came, before: Came, meaning: str) -> Figure:
    return Figure(name, now.number[outcome], before.number[outcome], meaning)


def _lost(currency: str, now: Bills, before: Bills) -> Figure:
    both = (_all(found, lambda key: key.currency == currency).money[Outcome.LOST] for found in (now, before))
    lost = [Money(amount, currency) for amount in both]
    return Figure(f"Lost, {currency.upper()}", lost[0], lost[1], "What the lost bills came to.")


def _all(found: Bills, which: Callable[[Key], bool] = lambda _: True) -> Came:
    return reduce(Came.join, (one for key, one in found.items() if which(key)), Came())
