"""Payments that failed: which bills were made good, which were lost, and how long it took."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from functools import reduce

from paywall.billing.gateway import gateway
from paywall.db import look_up
from paywall.money import Money
from paywall.office.money import at_stripe
from paywall.office.money.failed_bills import Bills, Came, Key, Outcome, bills, came, in_words
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


@page.report("failures", "Failed payments", narrows=("plan",))
def failures(asked: Asked) -> Report:
    """What failed, what was made good, and what was lost, for each currency by itself."""
    look_up()
    found, earlier = came(asked), came(asked.before)
    now, before = _all(found), _all(earlier)
    good = "Those made good as a share of those that failed."
    figures = [
        Figure("Failed", now.number.total(), before.number.total(), FAILED, "bills"),
        _counted("Made good", Outcome.RECOVERED, now, before, RECOVERED),
        Figure("Made good, of all", now.rate, before.rate, good),
        _counted("Lost", Outcome.LOST, now, before, LOST),
        _counted("Still open", Outcome.OPEN, now, before, OPEN),
        Figure("Days until made good", now.half, before.half, DAYS, Outcome.RECOVERED),
    ]
    tables: list[Table] = []
    for currency in sorted({key.currency for key in (*found, *earlier)}):
        figures.append(_lost(currency, found, earlier))
        tables.append(_by_month(currency, asked, found))
    return Report("Failed payments and what came of them", figures, (*tables, _reasons(found)))


@page.behind("failures", "bills", "Bills whose payment failed", COLUMNS)
def rows(asked: Asked) -> Iterator[Row]:
    """Each of them, oldest first."""
    return _rows(asked)


@page.behind("failures", Outcome.RECOVERED, "Failed bills that were made good", COLUMNS)
def recovered(asked: Asked) -> Iterator[Row]:
    """Those that have been paid since."""
    return _rows(asked, Outcome.RECOVERED)


@page.behind("failures", Outcome.LOST, "Failed bills that were lost", COLUMNS)
def lost(asked: Asked) -> Iterator[Row]:
    """Those that were given up."""
    return _rows(asked, Outcome.LOST)


@page.behind("failures", Outcome.OPEN, "Failed bills that are still open", COLUMNS)
def still_open(asked: Asked) -> Iterator[Row]:
    """Those that wait."""
    return _rows(asked, Outcome.OPEN)


def _rows(asked: Asked, outcome: Outcome | None = None) -> Iterator[Row]:
    look_up()
    mode = gateway().mode
    for one in bills(asked, outcome):
        name = one.number or one.stripe_id
        url = at_stripe.address(one.stripe_id, mode)
        bill: Cell = Link(name, url) if url else name
        paid = asked.day_of(one.paid_at) if one.paid_at else None
        why = in_words(one.why)
        failed = asked.day_of(one.failed_at)
        yield (failed, one.email, bill, one.plan, one.amount, why, one.outcome.value, paid)


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
    known: defaultdict[str, Came] = defaultdict(Came)
    for key, one in found.items():
        known[key.why].join(one)
    lines: list[Row] = [
        (why, one.number.total(), one.rate)
        for why, one in sorted(known.items(), key=lambda each: (-each[1].number.total(), each[0]))
    ]
    return Table(
        "Why they failed", "What the bank said when the payment failed for the first time.", columns, lines
    )


def _counted(name: str, outcome: Outcome, now: Came, before: Came, meaning: str) -> Figure:
    return Figure(name, now.number[outcome], before.number[outcome], meaning, outcome)


def _lost(currency: str, now: Bills, before: Bills) -> Figure:
    both = (_all(found, lambda key: key.currency == currency).money[Outcome.LOST] for found in (now, before))
    came = [Money(amount, currency) for amount in both]
    name, meaning = f"Lost, {currency.upper()}", "What the lost bills came to."
    return Figure(name, came[0], came[1], meaning, Outcome.LOST)


def _all(found: Bills, which: Callable[[Key], bool] = lambda _: True) -> Came:
    return reduce(Came.join, (one for key, one in found.items() if which(key)), Came())
