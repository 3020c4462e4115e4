"""Whatever happened, and however it was rolled up: each figure is what the lines of the ledger say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, text

from paywall.db import db, read_only
from paywall.membership.models import MembershipEvent
from paywall.membership.rules import Source
from paywall.reports import measures, rolled, rollup
from paywall.reports.asked import plus_months
from paywall.reports.fold import MONEY, Kind, Scope
from paywall.reports.models import ReportCohort, ReportDay, ReportMark
from paywall.reports.stretch import Stretch
from tests.reports import histories
from tests.reports.naive import Books, Row

ZONE = ZoneInfo("Europe/Sofia")
SCOPES = st.builds(Scope, st.sampled_from([0, 1, 2]), st.sampled_from(["", *(one.value for one in Source)]))
FIRST = date(2025, 12, 1)


@dataclass(frozen=True)
class Case:
    """Lines, of which so many were written when it was rolled up, and once more; and what is asked."""

    rows: Sequence[Row]
    rolled: tuple[int, ...]
    since: date
    until: date
    scope: Scope

    def books(self) -> Books:
        return Books(self.rows, ZONE, self.scope.plan_id or None, self.scope.source or None)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A history, cut anywhere; a stretch of days in it, or around it."""
    rows = histories.written(draw(histories.histories))
    cuts = sorted(draw(st.lists(st.integers(0, len(rows)), max_size=2)))
    since = FIRST + timedelta(days=draw(st.integers(0, 200)))
    until = since + timedelta(days=draw(st.integers(0, 120)))
    return Case(rows, tuple(cuts), since, until, draw(SCOPES))


def play(case: Case) -> None:
    """An empty ledger; then its lines, rolled up in between."""
    for table in (MembershipEvent, ReportDay, ReportCohort, ReportMark):
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
def test_each_figure_is_what_the_ledger_says_day_by_day(app: Flask, database: str) -> None:
    histories.newsroom()
    let_it_be_emptied()
    is_sqlite = database.startswith("sqlite")

    @settings(
        max_examples=40 if is_sqlite else 10,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        database=None,
    )
    @given(cases())
    def check(case: Case) -> None:
        play(case)
        read_only()
        found = rolled.now()
        span = found.spans(case.since, case.until, [case.scope])[case.scope]
        whole, books = span.whole(), case.books()
        _stands(whole, books)
        for stretch in (whole, *span.months()):
            _moved(stretch, books)
        _cohorts(found, case, books)
        db.session.rollback()

    check()


def _stands(stretch: Stretch, books: Books) -> None:
    found = measures.standing(stretch)
    assert books.standing(stretch.until) == {
        name: getattr(found, name) for name in ("active", "trial", "grace", "ended", "members")
    }


def _moved(stretch: Stretch, books: Books) -> None:
    before = stretch.since - timedelta(days=1)
    assert stretch.patrons(at_end=False) == books.patrons(before)
    assert {
        name: stretch.happened(Kind(name)).readers for name in ("joined", "rejoined", "left")
    } == books.crossed(stretch.since, stretch.until)
    assert set(stretch.currencies()) <= books.currencies
    for currency in books.currencies:
        moved = measures.movement(stretch, currency)
        assert moved.opening.amount == books.monthly(before, currency)
        assert moved.closing.amount == books.monthly(stretch.until, currency)
        parts = {kind.value: getattr(moved, kind.value) for kind in MONEY}
        assert sum(part.money.amount for part in parts.values()) == moved.net.amount
        told = {name: (part.readers, part.money.amount) for name, part in parts.items()}
        assert told == books.moved(stretch.since, stretch.until, currency)
        assert stretch.payers(currency, at_end=False) == books.payers(before, currency)
    trials = measures.trials(stretch)
    assert (trials.begun, trials.converted, trials.ended) == books.trials(stretch.since, stretch.until)


def _cohorts(found: rolled.Rolled, case: Case, books: Books) -> None:
    months = found.spans(case.since, case.until, [case.scope])[case.scope].months()
    begun = {one.since.replace(day=1): len(books.cohort(one.since.replace(day=1))) for one in months}
    last = case.until.replace(day=1)
    for cohort in measures.cohorts(found.cohorts(case.scope), begun, last):
        later = cohort.month
        for number, patrons in enumerate(cohort.patrons):
            assert patrons == books.kept(cohort.month, later)
            for currency, monthly in cohort.monthly.items():
                assert monthly[number].amount == books.kept_money(cohort.month, later, currency)
            later = plus_months(later, 1)
