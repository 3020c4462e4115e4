"""Whatever happened, and however it was rolled up: each figure is what the lines of the ledger say."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, text

from paywall.db import db, read_only
from paywall.membership.models import MembershipEvent
from paywall.membership.rules import Source
from paywall.money import Money
from paywall.reports import page, rollup
from paywall.reports.asked import Asked
from paywall.reports.models import ReportCohort, ReportDay, ReportMark, ReportParting
from tests.moving import MovingClock
from tests.reports import histories, told
from tests.reports.naive import Books, Row

ZONE = ZoneInfo("Europe/Sofia")
TODAY = date(2026, 10, 10)
PLANS = st.sampled_from([None, None, 1, 2])
SOURCES = st.sampled_from([None, None, None, *Source])
FIRST = date(2025, 12, 1)


@dataclass(frozen=True)
class Case:
    """Lines, of which so many were written when it was rolled up, and once more; and what is asked."""

    rows: Sequence[Row]
    rolled: tuple[int, ...]
    since: date
    until: date
    plan: int | None
    source: Source | None

    def asked(self, narrows: tuple[str, ...]) -> Asked:
        """As the page asks, which may know no plans or no sources."""
        plan = f"plan{self.plan}" if self.plan and "plan" in narrows else None
        return Asked(self.since, self.until, plan, self.source if "source" in narrows else None, ZONE)

    def books(self, narrows: tuple[str, ...]) -> Books:
        """The same, bare."""
        source = self.source.value if self.source and "source" in narrows else None
        return Books(self.rows, ZONE, self.plan if "plan" in narrows else None, source)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A history, cut anywhere; a stretch of days in it, or around it."""
    rows = histories.written(draw(histories.histories))
    cuts = sorted(draw(st.lists(st.integers(0, len(rows)), max_size=2)))
    since = FIRST + timedelta(days=draw(st.integers(0, 200)))
    until = since + timedelta(days=draw(st.integers(0, 120)))
    return Case(rows, tuple(cuts), since, until, draw(PLANS), draw(SOURCES))


def play(case: Case) -> None:
    """An empty ledger; then its lines, rolled up in between."""
    for table in (MembershipEvent, ReportDay, ReportCohort, ReportParting, ReportMark):
        db.session.execute(delete(table))
    db.session.commit()
    written = 0
    for cut in case.rolled:
        histories.put_down(case.rows[written:cut])
        rollup.roll_up()
        written = cut
    histories.put_down(case.rows[written:])


def let_it_be_emptied() -> None:
    """The ledger refuses to forget; this test's may."""
    if db.engine.dialect.name == "postgresql":
        db.session.execute(text("DROP TRIGGER membership_event_append_only ON membership_event"))
    else:
        for act in ("update", "delete"):
            db.session.execute(text(f"DROP TRIGGER membership_event_no_{act}"))
    db.session.commit()


@pytest.mark.usefixtures("context")
def test_each_report_says_what_the_ledger_says_day_by_day(database: str, clock: MovingClock) -> None:
    clock.set(datetime(2026, 10, 10, 9, tzinfo=UTC))
    histories.newsroom()
    let_it_be_emptied()

    @settings(
        max_examples=30 if database.startswith("sqlite") else 8,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
        database=None,
    )
    @given(cases())
    def check(case: Case) -> None:
        play(case)
        for one in page.all_of_them():
            # Few leave in so few days: of them all days are asked for.
            some = replace(case, since=FIRST, until=TODAY) if one.name == "leaving" else case
            if one.name in told.REPORTS:
                read_only()
                _has_the_rows_behind(one, _is_as_told(one, some), some.asked(one.narrows))
                db.session.rollback()

    check()


def _is_as_told(one: page.Page, case: Case) -> page.Report:
    asked, tell = case.asked(one.narrows), told.REPORTS[one.name]
    books = case.books(one.narrows)
    made = one.make(asked)
    for days, which in ((asked, "now"), (asked.before, "before")):
        figures, tables = tell(books, days.since, days.until, TODAY)
        if which == "now":
            assert {table.title: [tuple(row) for row in table.rows] for table in made.tables} == _even(tables)
            assert {figure.name for figure in made.figures} == set(figures)
        for figure in made.figures:
            expected = figures.get(figure.name)
            assert getattr(figure, which) == expected or _is_nothing(expected, getattr(figure, which))
        assert not {name for name in figures if "Patrons" in name} - {figure.name for figure in made.figures}
    return made


def _has_the_rows_behind(one: page.Page, made: page.Report, asked: Asked) -> None:
    """Each list comes to the figures that lead to it: so many rows, so much money, or such a share."""
    for figure in made.figures:
        if figure.behind is None or figure.now is None or one.name == "churn":
            continue
        rows = list(one.lists[figure.behind].told(asked.of(figure.in_currency)))
        if isinstance(figure.now, Money):
            times = 12 if figure.name.startswith("ARR") else 1
            assert _money_in(rows, figure.now.currency) * times == figure.now.amount
        elif isinstance(figure.now, Fraction):
            assert Fraction(sum(row[2] == "yes" for row in rows), len(rows)) == figure.now
        else:
            assert sum(_number_in(row) for row in rows) == figure.now, figure


def _money_in(rows: Sequence[page.Row], currency: str) -> int:
    money = [cell for row in rows for cell in row if isinstance(cell, Money)]
    assert {one.currency for one in money} <= {currency}
    return sum(one.amount for one in money)


def _number_in(row: page.Row) -> int:
    """A row is one, unless it says how many it is."""
    return next((cell for cell in row if isinstance(cell, int)), 1)


def _is_nothing(expected: object, found: object) -> bool:
    """A currency in which nothing had been paid before."""
    return expected is None and (found is None or found == 0 or getattr(found, "amount", None) == 0)


def _even(tables: dict[str, list[Sequence[object]]]) -> dict[str, list[Sequence[object]]]:
    """As a table has them: all rows as long as the longest, with nothing where nothing is known yet."""
    return {
        title: [(*row, *[None] * (max(map(len, rows)) - len(row))) for row in rows]
        for title, rows in tables.items()
    }
