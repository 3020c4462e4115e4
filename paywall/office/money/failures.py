"""Payments that failed: which bills were made good, which were lost, and how long it took."""

import enum
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from statistics import median
from typing import Any

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import aliased

from paywall.accounts.models import Reader
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


@page.report("failures", "Failed payments", narrows=("plan",))
def failures(asked: Asked) -> Report:
    """What failed, what was made good, and what was lost, for each currency by itself."""
    now, before = list(bills(asked)), list(bills(asked.before))
    figures = [
        Figure("Failed", len(now), len(before), FAILED, "bills"),
        _counted("Made good", Outcome.RECOVERED, now, before, RECOVERED),
        Figure(
            "Made good, of all", _rate(now), _rate(before), "Those made good as a share of those that failed."
        ),
        _counted("Lost", Outcome.LOST, now, before, LOST),
        _counted("Still open", Outcome.OPEN, now, before, OPEN),
        Figure("Days until made good", _days(now), _days(before), DAYS),
    ]
    tables: list[Table] = []
    for currency in sorted({one.amount.currency for one in (*now, *before)}):
        mine, earlier = _in(currency, now), _in(currency, before)
        figures.append(_lost(currency, mine, earlier))
        tables.append(_by_month(currency, asked, mine))
    return Report("Failed payments and what came of them", figures, (*tables, _reasons(now)))


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
    for row in streamed(_query(asked)):
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


def outcome_of(invoice: str, standing: Status | None) -> Outcome:
    """What came of a bill: by the invoice's status, and where the membership stands that it is for."""
    if invoice == "paid":
        return Outcome.RECOVERED
    is_over = standing is not None and standing not in LIVE
    return Outcome.LOST if is_over or invoice in ("void", "uncollectible") else Outcome.OPEN


def in_words(code: str | None) -> str:
    """Why a bank refused, as Stripe's codes say it."""
    return (code or "not told").replace("_", " ").capitalize()


def _query(asked: Asked) -> Any:
    earlier = aliased(Payment)
    is_earlier = or_(
        earlier.made_at < Payment.made_at, and_(earlier.made_at == Payment.made_at, earlier.id < Payment.id)
    )
    same = and_(earlier.invoice == Payment.invoice, earlier.mode == Payment.mode)
    has_earlier = exists().where(same, earlier.status == "failed", is_earlier)
    held = and_(Subscription.source == Source.STRIPE, Subscription.external_id == Invoice.subscription)
    failed = (Payment.mode == gateway().mode, Payment.status == "failed", ~has_earlier)
    query = (
        select(
            Payment.made_at,
            Payment.decline_code,
            Invoice.stripe_id,
            Invoice.number,
            Invoice.status,
            Invoice.amount_due,
            Invoice.currency,
            Invoice.paid_at,
            Subscription.status.label("standing"),
            Reader.email,
            Plan.name,
        )
        .join(Invoice, and_(Invoice.stripe_id == Payment.invoice, Invoice.mode == Payment.mode))
        .outerjoin(Subscription, held)
        .outerjoin(Plan, Plan.id == Subscription.plan_id)
        .outerjoin(Reader, Reader.id == Invoice.reader_id)
        .where(*failed, Payment.made_at >= asked.start, Payment.made_at < asked.end)
        .order_by(Payment.made_at, Payment.id)
    )
    return query.where(Plan.slug == asked.plan) if asked.plan else query


def _by_month(currency: str, asked: Asked, found: Sequence[Bill]) -> Table:
    columns = (
        Column("Month", Kind.MONTH),
        Column("Failed", Kind.NUMBER),
        *(Column(name, Kind.NUMBER) for name in ("Made good", "Lost", "Still open")),
        Column("Made good, of all", Kind.SHARE),
        Column("Days", Kind.NUMBER),
        *(Column(f"{name}, money", Kind.MONEY) for name in ("Failed", "Made good", "Lost", "Open")),
    )
    lines = [_month(currency, month, asked, found) for month in asked.months()]
    chart = Chart(Shape.STACKED, ("Made good", "Lost", "Still open"))
    return Table(f"By month, {currency.upper()}", MONTHS, columns, lines, chart)


def _month(currency: str, month: Asked, asked: Asked, found: Sequence[Bill]) -> Row:
    first: date = month.since.replace(day=1)
    mine = [one for one in found if asked.month_of(one.failed_at) == first]
    sorted_out = [[one for one in mine if one.outcome is outcome] for outcome in Outcome]
    money = [_sum(part, currency) for part in (mine, *sorted_out)]
    return (first, len(mine), *map(len, sorted_out), _rate(mine), _days(mine), *money)


def _reasons(found: Sequence[Bill]) -> Table:
    columns = (Column("Why"), Column("Failed", Kind.NUMBER), Column("Made good, of all", Kind.SHARE))
    counted = Counter(in_words(one.why) for one in found)
    lines: list[Row] = [
        (why, count, _rate([one for one in found if in_words(one.why) == why]))
        for why, count in sorted(counted.items(), key=lambda each: (-each[1], each[0]))
    ]
    return Table(
        "Why they failed", "What the bank said when the payment failed for the first time.", columns, lines
    )


def _counted(
    name: str, outcome: Outcome, now: Sequence[Bill], before: Sequence[Bill], meaning: str
) -> Figure:
    counts = [sum(one.outcome is outcome for one in found) for found in (now, before)]
    return Figure(name, counts[0], counts[1], meaning)


def _lost(currency: str, now: Sequence[Bill], before: Sequence[Bill]) -> Figure:
    lost = [_sum((one for one in found if one.outcome is Outcome.LOST), currency) for found in (now, before)]
    return Figure(f"Lost, {currency.upper()}", lost[0], lost[1], "What the lost bills came to.")


def _in(currency: str, found: Iterable[Bill]) -> list[Bill]:
    return [one for one in found if one.amount.currency == currency]


def _sum(found: Iterable[Bill], currency: str) -> Money:
    return sum((one.amount for one in found), Money(0, currency))


def _rate(found: Sequence[Bill]) -> Fraction | None:
    good = sum(one.outcome is Outcome.RECOVERED for one in found)
    return Fraction(good, len(found)) if found else None


def _days(found: Sequence[Bill]) -> str | None:
    """The median, in days with one decimal."""
    took = [(one.paid_at - one.failed_at) / timedelta(days=1) for one in found if one.paid_at]
    return f"{median(took):.1f}" if took else None
