"""Countries: where the cards are from that patrons pay with."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from babel import Locale
from sqlalchemy import ColumnElement, and_, func, or_, select, text, union_all

from paywall.accounts.models import Reader
from paywall.billing.cashbook.models import CAME_IN as SUCCEEDED
from paywall.billing.cashbook.models import Payment
from paywall.billing.gateway import gateway
from paywall.db import db, look_up, streamed
from paywall.money import Money
from paywall.office.money import at_stripe
from paywall.reports import page
from paywall.reports.asked import Asked
from paywall.reports.page import Cell, Chart, Column, Figure, Kind, Link, Report, Row, Shape, Table

NAMES = Locale("en").territories
# In an index of their own all payments lie by currency, country and reader, and are added up in that order.
# The whole is read in stretches, for PostgreSQL gives each to a worker.
CUTS = ("C", "E", "G", "J", "N", "S", "U")
RUNS: Sequence[ColumnElement[bool]] = (
    Payment.country < CUTS[0],
    *(and_(Payment.country >= cut, Payment.country < following) for cut, following in pairwise(CUTS)),
    Payment.country >= CUTS[-1],
    Payment.country.is_(None),
)
UNKNOWN = "Not told"
CAME_IN = (
    "Payments that succeeded in these days, before fees and disputes, less what has been given back of them."
)
PAYMENTS = "Payments that succeeded in these days, by readers and by guests who gave a gift."
COUNTRIES = "Countries from which at least one payment came."
MEANING = "By the country of the card, which the bank tells; not by where readers say that they live."
NOTE = "Some ways to pay tell no country, nor do payments that were read before this was kept: “Not told”."
COLUMNS = (
    Column("Day", Kind.DAY),
    Column("Reader"),
    Column("Country"),
    Column("Paid", Kind.MONEY),
    Column("Given back", Kind.MONEY),
    Column("Payment"),
)


@dataclass(frozen=True, slots=True)
class Sum:
    """What came from one country in one currency; `readers`, without guests, of the days asked for only."""

    payments: int
    paid: int
    refunded: int
    readers: int = 0

    @property
    def kept(self) -> int:
        """What was not given back."""
        return self.paid - self.refunded


# By currency, then by country; None where none was told.
Sums = Mapping[str, Mapping[str | None, Sum]]


@page.report("countries", "Countries", narrows=())
def countries(asked: Asked) -> Report:
    """Payments and money by country, for each currency by itself."""
    look_up()
    now, before = sums(asked)
    figures = [
        Figure("Payments", _payments(now), _payments(before), PAYMENTS, "payments"),
        Figure("Countries", len(_known(now)), len(_known(before)), COUNTRIES, "countries"),
    ]
    tables = []
    for currency in sorted(now.keys() | before.keys()):
        came = [
            Money(sum(one.kept for one in each.get(currency, {}).values()), currency)
            for each in (now, before)
        ]
        figures.append(Figure(f"Came in, {currency.upper()}", came[0], came[1], CAME_IN, "payments"))
        tables.append(_table(currency, now.get(currency, {}), before.get(currency, {})))
    return Report("Countries", figures, tables, (NOTE,))


@page.behind("countries", "payments", "Payments that succeeded", COLUMNS)
def payments(asked: Asked) -> Iterator[Row]:
    """Each of them, oldest first."""
    mode = gateway().mode
    query = select(Payment, Reader.email).outerjoin(Reader, Reader.id == Payment.reader_id)
    query = query.where(*_within(asked)).order_by(Payment.made_at, Payment.id)
    for one, email in streamed(query):
        url = at_stripe.address(one.stripe_id, mode)
        named: Cell = Link(one.stripe_id, url) if url else one.stripe_id
        paid, back = Money(one.amount, one.currency), Money(one.refunded, one.currency)
        yield (asked.day_of(one.made_at), email or "a guest", name_of(one.country), paid, back, named)


@page.behind("countries", "countries", "Countries", (Column("Country"), Column("Payments", Kind.NUMBER)))
def known(asked: Asked) -> Iterator[Row]:
    """Each from which a payment came, the most payments first."""
    look_up()
    found = Counter[str]()
    for each in sums(asked)[0].values():
        found.update({country: one.payments for country, one in each.items() if country})
    for country, number in sorted(found.items(), key=lambda one: (-one[1], name_of(one[0]))):
        yield (name_of(country), number)


def sums(asked: Asked) -> tuple[Sums, Sums]:
    """What came in those days, and what in those before them: one reading finds both."""
    parts = [_summed(asked, currency, run) for currency in _currencies() for run in RUNS]
    now: dict[str, dict[str | None, Sum]] = {}
    before: dict[str, dict[str | None, Sum]] = {}
    for currency, country, readers, *summed in db.session.execute(union_all(*parts)) if parts else ():
        both, earlier = [int(one) for one in summed[:3]], [int(one or 0) for one in summed[3:]]
        if earlier[0]:
            before.setdefault(currency, {})[country] = Sum(*earlier)
        if both[0] > earlier[0]:
            payments, paid, refunded = (one - other for one, other in zip(both, earlier, strict=True))
            now.setdefault(currency, {})[country] = Sum(payments, paid, refunded, readers)
    return now, before


def name_of(country: str | None) -> str:
    """A country in words; one that is not in the list, as it comes."""
    return UNKNOWN if country is None else NAMES.get(country, country)


def _summed(asked: Asked, currency: str, run: ColumnElement[bool]) -> Any:
    at, before = _at(), asked.before
    sums = (func.count(), func.sum(Payment.amount), func.sum(Payment.refunded))
    query = select(
        Payment.currency,
        Payment.country,
        func.count(Payment.reader_id.distinct()).filter(at >= asked.start),
        *(one.label(f"both_{number}") for number, one in enumerate(sums)),
        *(one.filter(at < before.end).label(f"before_{number}") for number, one in enumerate(sums)),
    ).where(Payment.currency == currency, run, Payment.mode == gateway().mode, text(SUCCEEDED))
    query = query.where(at >= before.start, at < asked.end)
    if before.end < asked.start:
        query = query.where(or_(at < before.end, at >= asked.start))
    return query.group_by(Payment.currency, Payment.country)


def _currencies() -> Iterator[str]:
    """Every one that a payment came in, each found by the one before it."""
    first = select(func.min(Payment.currency)).where(text(SUCCEEDED))
    last = db.session.scalar(first)
    while last is not None:
        yield last
        last = db.session.scalar(first.where(Payment.currency > last))


def _within(asked: Asked) -> tuple[Any, ...]:
    at = Payment.made_at
    return (Payment.mode == gateway().mode, text(SUCCEEDED), at >= asked.start, at < asked.end)


def _at() -> Any:
    # SQLite would take the index by time instead, which is of no use for what is wrapped.
    is_sqlite = db.engine.dialect.name == "sqlite"
    return func.coalesce(Payment.made_at, Payment.made_at) if is_sqlite else Payment.made_at


def _table(currency: str, now: Mapping[str | None, Sum], before: Mapping[str | None, Sum]) -> Table:
    columns = (
        Column("Country"),
        Column("Payments", Kind.NUMBER),
        Column("Readers", Kind.NUMBER),
        Column("Came in", Kind.MONEY),
        Column("Share", Kind.SHARE),
        Column("Given back", Kind.MONEY),
        Column("Came in before", Kind.MONEY),
    )
    nothing, whole = Sum(0, 0, 0), sum(one.kept for one in now.values())
    lines: list[Row] = []
    for country in sorted(now.keys() | before.keys(), key=lambda one: _order(one, now)):
        one, earlier = now.get(country, nothing), before.get(country, nothing)
        share = Fraction(one.kept, whole) if whole else None
        money = [Money(amount, currency) for amount in (one.kept, one.refunded, earlier.kept)]
        lines.append((name_of(country), one.payments, one.readers, money[0], share, money[1], money[2]))
    return Table(f"By country, {currency.upper()}", MEANING, columns, lines, Chart(Shape.BARS, ("Came in",)))


def _order(country: str | None, now: Mapping[str | None, Sum]) -> tuple[int, str]:
    return -(now[country].kept if country in now else 0), name_of(country)


def _payments(found: Sums) -> int:
    return sum(one.payments for each in found.values() for one in each.values())


def _known(found: Sums) -> set[str]:
    return {country for each in found.values() for country in each if country}
