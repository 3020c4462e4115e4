"""Gifts: how many were sold and redeemed, which wait, which are void, and what they brought."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, or_, select

from paywall.billing.gateway import gateway
from paywall.billing.gifts.models import Gift
from paywall.billing.gifts.rules import GiftState
from paywall.db import streamed
from paywall.membership.models import Plan
from paywall.money import Money
from paywall.reports import page
from paywall.reports.asked import Asked
from paywall.reports.page import Chart, Column, Figure, Kind, Report, Row, Shape, Table

SOLD = "Gifts that were paid for in these days."
REDEEMED = "Gifts whose code was used in these days, whenever they were bought."
WAITING = (
    "Bought by the last of these days and not redeemed by then; those that are void by now are left out."
)
VOID = "Of those sold in these days, what is worth nothing now: given back, disputed, or ended by staff."
BROUGHT = "What those sold in these days cost, before Stripe's fees; what is void by now is in it."
WAYS = {
    GiftState.PAID: "waits to be redeemed",
    GiftState.REDEEMED: "redeemed",
    GiftState.ENDED: "redeemed, and run out",
    GiftState.VOID: "void",
}
COLUMNS = (
    Column("Sold", Kind.DAY),
    Column("Plan"),
    Column("Months", Kind.NUMBER),
    Column("Price", Kind.MONEY),
    Column("Buyer"),
    Column("Now"),
    Column("Redeemed", Kind.DAY),
)


class Key(NamedTuple):
    """By what gifts are told apart: the first day of a month, the currency, and what was given."""

    month: date
    currency: str
    plan: str
    months: int


Which = Callable[[Key], bool]


@dataclass(slots=True)
class Seen:
    """What some days saw: gifts sold and what they cost, those of them that are void, and redeemed ones."""

    sold: Counter[Key] = field(default_factory=Counter)
    brought: Counter[Key] = field(default_factory=Counter)
    void: Counter[Key] = field(default_factory=Counter)
    redeemed: Counter[Key] = field(default_factory=Counter)
    waiting: int = 0


@page.report("gifts", "Gifts", narrows=("plan",))
def gifts(asked: Asked) -> Report:
    """Sold, redeemed, waiting and void, with what they brought in each currency."""
    now, before = seen(asked), seen(asked.before)
    figures = [
        Figure("Sold", now.sold.total(), before.sold.total(), SOLD, "sold"),
        Figure("Redeemed", now.redeemed.total(), before.redeemed.total(), REDEEMED, "redeemed"),
        Figure("Waiting", now.waiting, before.waiting, WAITING, "waiting"),
        Figure("Void", now.void.total(), before.void.total(), VOID, "void"),
    ]
    currencies = sorted({key.currency for key in (*now.sold, *before.sold, *now.redeemed)})
    for currency in currencies:
        money = [_brought(each, currency, _of(currency)) for each in (now, before)]
        figures.append(Figure(f"Brought, {currency.upper()}", money[0], money[1], BROUGHT, "sold"))
    tables = [_by_month(currency, asked, now) for currency in currencies]
    return Report("Gifts", figures, (*tables, _by_kind(now)))


@page.behind("gifts", "sold", "Gifts that were sold", COLUMNS)
def sold(asked: Asked) -> Iterator[Row]:
    """Each of them, oldest first."""
    return _rows(asked, _within(Gift.paid_at, asked))


@page.behind("gifts", "redeemed", "Gifts that were redeemed", COLUMNS)
def redeemed(asked: Asked) -> Iterator[Row]:
    """Those whose code was used in these days."""
    return _rows(asked, _within(Gift.redeemed_at, asked))


@page.behind("gifts", "waiting", "Gifts that wait to be redeemed", COLUMNS)
def waiting(asked: Asked) -> Iterator[Row]:
    """Those that had been bought by the last day, and not redeemed."""
    unused = Gift.redeemed_at.is_(None) | (Gift.redeemed_at >= asked.end)
    return _rows(asked, unused & (Gift.paid_at < asked.end) & (Gift.state != GiftState.VOID))


@page.behind("gifts", "void", "Gifts that were sold and are void", COLUMNS)
def void(asked: Asked) -> Iterator[Row]:
    """Those of them that are worth nothing now."""
    return _rows(asked, _within(Gift.paid_at, asked) & (Gift.state == GiftState.VOID))


def _rows(asked: Asked, which: ColumnElement[bool]) -> Iterator[Row]:
    query = _query(asked, Gift, Plan.name).where(which)
    for one, plan in streamed(query.order_by(Gift.paid_at, Gift.id)):
        used = asked.day_of(one.redeemed_at) if one.redeemed_at else None
        state = f"void ({one.void_why.value})" if one.void_why else WAYS[one.state]
        yield (asked.day_of(one.paid_at), plan, one.months, one.money, one.buyer_email, state, used)


def seen(asked: Asked) -> Seen:
    """The gifts that have to do with those days, added up as they are read."""
    found = Seen()
    for paid_at, redeemed_at, state, *kind, amount in streamed(_touching(asked)):
        is_void = state is GiftState.VOID
        if asked.start <= paid_at < asked.end:
            key = Key(asked.month_of(paid_at), *kind)
            found.sold[key] += 1
            found.brought[key] += amount
            found.void[key] += is_void
        if redeemed_at and asked.start <= redeemed_at < asked.end:
            found.redeemed[Key(asked.month_of(redeemed_at), *kind)] += 1
        if not is_void and paid_at < asked.end and not (redeemed_at and redeemed_at < asked.end):
            found.waiting += 1
    return found


def _touching(asked: Asked) -> Any:
    """Paid or redeemed in these days, or waiting at the end of them."""
    columns = (Gift.paid_at, Gift.redeemed_at, Gift.state, Gift.currency, Plan.name, Gift.months, Gift.amount)
    within = or_(
        _within(Gift.paid_at, asked),
        _within(Gift.redeemed_at, asked),
        (Gift.state == GiftState.PAID) & (Gift.paid_at < asked.end),
        (Gift.state != GiftState.VOID) & (Gift.paid_at < asked.end) & (Gift.redeemed_at >= asked.end),
    )
    return _query(asked, *columns).where(within)


def _within(at: Any, asked: Asked) -> ColumnElement[bool]:
    return and_(at >= asked.start, at < asked.end)


def _query(asked: Asked, *columns: Any) -> Any:
    query: Any = select(*columns).select_from(Gift).join(Plan, Plan.id == Gift.plan_id)
    query = query.where(Gift.mode == gateway().mode, Gift.paid_at.is_not(None))
    return query.where(Plan.slug == asked.plan) if asked.plan else query


def _by_month(currency: str, asked: Asked, found: Seen) -> Table:
    columns = (
        Column("Month", Kind.MONTH),
        Column("Sold", Kind.NUMBER),
        Column("Brought", Kind.MONEY),
        Column("Redeemed", Kind.NUMBER),
        Column("Void", Kind.NUMBER),
    )
    lines: list[Row] = []
    for first in (month.since.replace(day=1) for month in asked.months()):
        mine = _of(currency, first)
        sold, redeemed, void = (_count(each, mine) for each in (found.sold, found.redeemed, found.void))
        lines.append((first, sold, _brought(found, currency, mine), redeemed, void))
    meaning = "Sold and void by the month of the payment, redeemed by the month in which the code was used."
    chart = Chart(Shape.BARS, ("Sold", "Redeemed"))
    return Table(f"By month, {currency.upper()}", meaning, columns, lines, chart)


def _by_kind(found: Seen) -> Table:
    columns = (
        Column("Plan"),
        Column("Months", Kind.NUMBER),
        Column("Sold", Kind.NUMBER),
        Column("Brought", Kind.MONEY),
    )
    lines: list[Row] = []
    for plan, months, currency in sorted({(key.plan, key.months, key.currency) for key in found.sold}):
        mine = partial(_is_kind, plan, months, currency)
        lines.append((plan, months, _count(found.sold, mine), _brought(found, currency, mine)))
    return Table("What was given", "Gifts sold in these days, by plan and length.", columns, lines)


def _of(currency: str, month: date | None = None) -> Which:
    return lambda key: key.currency == currency and month in (None, key.month)


def _is_kind(plan: str, months: int, currency: str, key: Key) -> bool:
    return (key.plan, key.months, key.currency) == (plan, months, currency)


def _count(counted: Counter[Key], which: Which) -> int:
    return sum(number for key, number in counted.items() if which(key))


def _brought(found: Seen, currency: str, which: Which) -> Money:
    return Money(_count(found.brought, which), currency)
