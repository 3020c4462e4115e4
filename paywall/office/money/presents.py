"""Gifts: how many were sold and redeemed, which wait, which are void, and what they brought."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import or_, select

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


@dataclass(frozen=True, slots=True)
class Sale:
    """A gift that was paid for."""

    paid_at: datetime
    plan: str
    months: int
    price: Money
    buyer: str
    state: GiftState
    why: str | None
    redeemed_at: datetime | None


@page.report("gifts", "Gifts", narrows=("plan",))
def gifts(asked: Asked) -> Report:
    """Sold, redeemed, waiting and void, with what they brought in each currency."""
    now, before = _seen(asked), _seen(asked.before)
    figures = [
        Figure("Sold", len(now.sold), len(before.sold), SOLD, "sold"),
        Figure("Redeemed", len(now.redeemed), len(before.redeemed), REDEEMED),
        Figure("Waiting", now.waiting, before.waiting, WAITING),
        Figure("Void", _void(now.sold), _void(before.sold), VOID),
    ]
    currencies = sorted({one.price.currency for one in (*now.sold, *before.sold, *now.redeemed)})
    for currency in currencies:
        money = [_sum(currency, seen.sold) for seen in (now, before)]
        figures.append(Figure(f"Brought, {currency.upper()}", money[0], money[1], BROUGHT))
    tables = [_by_month(currency, asked, now) for currency in currencies]
    return Report("Gifts", figures, (*tables, _by_kind(now.sold)))


@page.behind("gifts", "sold", "Gifts that were sold", COLUMNS)
def sold(asked: Asked) -> Iterator[Row]:
    """Each of them, oldest first."""
    query = _query(asked, Gift.paid_at >= asked.start, Gift.paid_at < asked.end)
    for one in _sales(query):
        redeemed = asked.day_of(one.redeemed_at) if one.redeemed_at else None
        state = f"void ({one.why})" if one.why else WAYS[one.state]
        yield (asked.day_of(one.paid_at), one.plan, one.months, one.price, one.buyer, state, redeemed)


@dataclass(frozen=True, slots=True)
class _Seen:
    sold: list[Sale]
    redeemed: list[Sale]
    waiting: int


def _seen(asked: Asked) -> _Seen:
    within = or_(
        (Gift.paid_at >= asked.start) & (Gift.paid_at < asked.end),
        (Gift.redeemed_at >= asked.start) & (Gift.redeemed_at < asked.end),
        (Gift.state == GiftState.PAID) & (Gift.paid_at < asked.end),
        (Gift.state != GiftState.VOID) & (Gift.paid_at < asked.end) & (Gift.redeemed_at >= asked.end),
    )
    found = list(_sales(_query(asked, within)))
    return _Seen(
        sold=[one for one in found if asked.start <= one.paid_at < asked.end],
        redeemed=[one for one in found if one.redeemed_at and asked.start <= one.redeemed_at < asked.end],
        waiting=sum(_waits(one, asked.end) for one in found),
    )


def _waits(one: Sale, end: datetime) -> bool:
    is_redeemed = one.redeemed_at is not None and one.redeemed_at < end
    return one.paid_at < end and one.state is not GiftState.VOID and not is_redeemed


def _query(asked: Asked, *conditions: Any) -> Any:
    query: Any = select(Gift, Plan.name).join(Plan, Plan.id == Gift.plan_id)
    paid = (Gift.mode == gateway().mode, Gift.paid_at.is_not(None))
    query = query.where(*paid, *conditions).order_by(Gift.paid_at, Gift.id)
    return query.where(Plan.slug == asked.plan) if asked.plan else query


def _sales(query: Any) -> Iterator[Sale]:
    for gift, plan in streamed(query):
        yield Sale(
            paid_at=gift.paid_at,
            plan=plan,
            months=gift.months,
            price=gift.money,
            buyer=gift.buyer_email,
            state=gift.state,
            why=gift.void_why.value if gift.void_why else None,
            redeemed_at=gift.redeemed_at,
        )


def _by_month(currency: str, asked: Asked, seen: _Seen) -> Table:
    columns = (
        Column("Month", Kind.MONTH),
        Column("Sold", Kind.NUMBER),
        Column("Brought", Kind.MONEY),
        Column("Redeemed", Kind.NUMBER),
        Column("Void", Kind.NUMBER),
    )
    sold = [one for one in seen.sold if one.price.currency == currency]
    redeemed = [one for one in seen.redeemed if one.price.currency == currency]
    lines: list[Row] = []
    for first in (month.since.replace(day=1) for month in asked.months()):
        mine = [one for one in sold if asked.month_of(one.paid_at) == first]
        used = sum(_in(asked, one.redeemed_at, first) for one in redeemed)
        lines.append((first, len(mine), _sum(currency, mine), used, _void(mine)))
    meaning = "Sold and void by the month of the payment, redeemed by the month in which the code was used."
    chart = Chart(Shape.BARS, ("Sold", "Redeemed"))
    return Table(f"By month, {currency.upper()}", meaning, columns, lines, chart)


def _by_kind(sold: Sequence[Sale]) -> Table:
    columns = (
        Column("Plan"),
        Column("Months", Kind.NUMBER),
        Column("Sold", Kind.NUMBER),
        Column("Brought", Kind.MONEY),
    )
    counted = Counter((one.plan, one.months, one.price.currency) for one in sold)
    lines: list[Row] = []
    for (plan, months, currency), count in sorted(counted.items()):
        mine = [one for one in sold if (one.plan, one.months, one.price.currency) == (plan, months, currency)]
        lines.append((plan, months, count, _sum(currency, mine)))
    return Table("What was given", "Gifts sold in these days, by plan and length.", columns, lines)


def _in(asked: Asked, instant: datetime | None, first: date) -> bool:
    return instant is not None and asked.month_of(instant) == first


def _void(found: Sequence[Sale]) -> int:
    return sum(one.state is GiftState.VOID for one in found)


def _sum(currency: str, found: Sequence[Sale]) -> Money:
    return sum((one.price for one in found if one.price.currency == currency), Money(0, currency))
