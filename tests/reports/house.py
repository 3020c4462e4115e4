"""Rows for one example, and what plain Python says of days and sums: without the code under test."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from paywall.accounts.models import Reader
from paywall.db import db
from paywall.membership.models import Plan, Subscription
from paywall.membership.rules import Interval, Source, Status
from paywall.money import Money
from paywall.reports import page
from paywall.reports.asked import Asked
from paywall.reports.page import Report

ZONE = ZoneInfo("Europe/Sofia")
START = datetime(2026, 1, 1, tzinfo=UTC)
FEW = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
HOURS = st.integers(0, 200 * 24)
CURRENCY = st.sampled_from(["eur", "usd", "jpy"])
PLANS = ("circle", "friend")
PLAN = st.sampled_from(PLANS)


@st.composite
def asked_for(draw: st.DrawFn, *, by_plan: bool = True) -> Asked:
    """Some days of the half year, often whole months."""
    since = START.date() + timedelta(days=draw(st.integers(0, 150)))
    until = since + timedelta(days=draw(st.integers(0, 90)))
    if draw(st.booleans()):
        since = since.replace(day=1)
    plan = draw(st.sampled_from([None, *PLANS])) if by_plan else None
    return Asked(since, until, plan, zone=ZONE)


def at(hours: int) -> datetime:
    """An instant of the half year."""
    return START + timedelta(hours=hours)


def day(instant: datetime) -> date:
    """Its day where the paper is made, reckoned without the code under test."""
    return instant.astimezone(ZONE).date()


def within(instant: datetime | None, asked: Asked) -> bool:
    """Whether an instant lies in the days that are asked for."""
    return instant is not None and asked.since <= day(instant) <= asked.until


def months(asked: Asked) -> list[date]:
    """The first days of the months that are asked for."""
    days = (asked.since + timedelta(days=n) for n in range((asked.until - asked.since).days + 1))
    return sorted({one.replace(day=1) for one in days})


def figures(report: Report) -> dict[str, tuple[Any, Any]]:
    """Each figure: now, and before."""
    return {one.name: (one.now, one.before) for one in report.figures}


def table(report: Report, title: str) -> list[dict[str, Any]]:
    """The rows of a table by the names of its columns."""
    (found,) = [one for one in report.tables if one.title == title]
    names = [column.name for column in found.columns]
    return [dict(zip(names, row, strict=True)) for row in found.rows]


def check_rows(name: str, report: Report, asked: Asked, **sums: str) -> None:
    """Each list comes to the figure that leads to it: so many rows, or what a column of them adds up to.

    `sums`: that column by the name of the figure (`money` of all sums of money); or two, the first
    less the second.
    """
    (lists,) = (one.lists for one in page.all_of_them() if one.name == name)
    for figure in report.figures:
        if figure.behind is None or not isinstance(figure.now, int | Money):
            continue
        found = lists[figure.behind]
        rows = list(found.told(asked.of(figure.in_currency)))
        columns = sums.get("money" if isinstance(figure.now, Money) else figure.name, "").split(" less ")
        added = [_added(found, rows, column) for column in columns if column] or [len(rows)]
        amount = figure.now.amount if isinstance(figure.now, Money) else figure.now
        assert added[0] - sum(added[1:]) == amount, (figure, rows)


def _added(found: page.Behind, rows: Sequence[page.Row], column: str) -> int:
    at = [each.name for each in found.columns].index(column)
    cells = (row[at] for row in rows)
    return sum(
        cell.amount if isinstance(cell, Money) else cell for cell in cells if isinstance(cell, Money | int)
    )


def share(part: int, whole: int) -> Fraction | None:
    """A part of a whole; none of nothing."""
    return Fraction(part, whole) if whole else None


class House:
    """Two plans, and readers who hold one."""

    def __init__(self) -> None:
        self.plans = {slug: Plan(slug=slug, name=slug.title()) for slug in PLANS}
        self.count = 0
        self.add(*self.plans.values())

    def add(self, *rows: Any) -> None:
        """Rows that are gone when the example is over."""
        db.session.add_all(rows)
        db.session.flush()

    def held(self, plan: str, status: Status, source: Source = Source.STRIPE, seats: int = 1) -> Subscription:
        """What a new reader holds."""
        self.count += 1
        one = Subscription(
            reader=Reader(email=f"r{self.count}@example.org"),
            plan=self.plans[plan],
            source=source,
            external_id=f"sub_{self.count}",
            status=status,
            amount=500,
            currency="eur",
            interval=Interval.MONTH,
            monthly=500,
            seats=seats,
            started_at=START,
        )
        self.add(one)
        return one


@contextmanager
def house() -> Iterator[House]:
    """A house for one example: nothing of it is ever committed."""
    db.session.rollback()
    try:
        yield House()
    finally:
        db.session.rollback()
