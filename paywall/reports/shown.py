"""How the cells of a report look: words on a page, plain values in a CSV file, numbers in a chart."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

from babel.dates import format_date
from babel.numbers import format_currency, format_percent

from paywall.money import MixedCurrencies, Money
from paywall.reports.page import Cell, Column, Figure, Kind, Link, Row, Table

RIGHT = (Kind.NUMBER, Kind.MONEY, Kind.SHARE)
NONE = "–"
FIGURES = ("Figure", "Currency", "Now", "Before", "Meaning")
# Words that are longer than this may be broken.
LONG = 40


def words(cell: Cell, kind: Kind | None = None) -> str:
    """A cell for a person; staff's pages are in English. In a column, money has all its digits.

    A table has thousands of numbers. Python writes them as Babel does in English, several times as quickly.
    """
    match cell:
        case None:
            return NONE
        case Money():
            return _digits(cell) if kind is Kind.MONEY else cell.text()
        case Fraction():
            return f"{Decimal(str(float(cell))):,.1%}"
        case date():
            return format_date(cell, "MMM y" if kind is Kind.MONTH else "d MMM y", locale="en")
        case int():
            return f"{cell:,}"
        case Link():
            return cell.text
    return cell


def cells(columns: Sequence[Column], row: Row) -> Iterator[tuple[str, str, str]]:
    """The cells of a row of a page: the words of each, where they lead, and its class; "" is none."""
    for column, cell in zip(columns, row, strict=True):
        yield words(cell, column.kind), cell.to if isinstance(cell, Link) else "", _look(cell, column.kind)


def change(figure: Figure) -> str:
    """By how much a figure has moved since the period before; "" if that cannot be said."""
    match figure.now, figure.before:
        case Fraction() as now, Fraction() as before:
            return f"{float(100 * (now - before)):+.1f} points" if now != before else ""
        case Money() as now, Money() as before if now.currency == before.currency:
            return _share(now.amount, before.amount)
        case int() as now, int() as before:
            return _share(now, before)
    return ""


def header(columns: Sequence[Column]) -> list[str]:
    """The first line of a CSV file: before the first sum of money stands its currency."""
    names = [column.name for column in columns]
    at = _first_money(columns)
    return names if at is None else [*names[:at], "Currency", *names[at:]]


def lines(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[list[object]]:
    """The other lines of it: money in major units, shares as decimals, days as ISO writes them."""
    at = _first_money(columns)
    for row in rows:
        cells = [_plain(cell, column.kind) for cell, column in zip(row, columns, strict=True)]
        yield cells if at is None else [*cells[:at], _currency(row), *cells[at:]]


def figures(found: Iterable[Figure]) -> Iterator[list[object]]:
    """The lines of a CSV file under FIGURES."""
    for one in found:
        plain = [_plain(cell, Kind.TEXT) for cell in (one.now, one.before)]
        yield [one.name, (one.in_currency or "").upper(), *plain, one.meaning]


def chart(table: Table) -> dict[str, Any] | None:
    """What the chart of a table is drawn from; None without a chart, or without a row to draw."""
    if table.chart is None or not table.rows:
        return None
    names = [column.name for column in table.columns]
    drawn = [names.index(name) for name in table.chart.columns]
    kind = table.columns[drawn[0]].kind
    money = [row[at] for row in table.rows for at in drawn if isinstance(row[at], Money)]
    return {
        "shape": table.chart.shape.value,
        "labels": [words(row[0], table.columns[0].kind) for row in table.rows],
        "series": [{"name": names[at], "values": [_number(row[at]) for row in table.rows]} for at in drawn],
        "share": kind is Kind.SHARE,
        "currency": _one_currency(money).upper() if money else "",
    }


def _look(cell: Cell, kind: Kind) -> str:
    if kind in RIGHT:
        return "num"
    return "long" if isinstance(cell, str) and len(cell) > LONG else ""


def _digits(money: Money) -> str:
    sign = "-" if money.amount < 0 else ""
    return f"{sign}{_symbol(money.currency)}{abs(money.major()):,}"


@cache
def _symbol(currency: str) -> str:
    """What stands before the digits."""
    return str(format_currency(0, currency.upper(), locale="en")).partition("0")[0]


def _share(now: int, before: int) -> str:
    if not before or now == before:
        return ""
    return format_percent((now - before) / abs(before), "+#,##0.#%;-#,##0.#%", locale="en")


def _plain(cell: Cell, kind: Kind) -> object:
    match cell:
        case Money():
            return cell.major()
        case Fraction():
            return round(float(cell), 6)
        case Link():
            return cell.text
        case date():
            return f"{cell:%Y-%m}" if kind is Kind.MONTH else cell.isoformat()
    return cell


def _number(cell: Cell) -> float | None:
    match cell:
        case Money():
            return float(cell.major())
        case Fraction():
            return round(float(100 * cell), 2)
        case int():
            return cell
    return None


def _first_money(columns: Sequence[Column]) -> int | None:
    return next((at for at, column in enumerate(columns) if column.kind is Kind.MONEY), None)


def _currency(row: Row) -> str:
    money = [cell for cell in row if isinstance(cell, Money)]
    return _one_currency(money).upper() if money else ""


def _one_currency(money: Sequence[Any]) -> str:
    (found, *others) = sorted({one.currency for one in money})
    if others:
        raise MixedCurrencies(f"{found} and {others[0]} in one row of a table, or in one chart")
    return str(found)
