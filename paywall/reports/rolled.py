"""What the reports read: the rolled-up rows, and the lines of the ledger that are not in them yet."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import ColumnElement, case, func, null, select

from paywall import clock, jobs
from paywall.db import db
from paywall.membership.rules import Change, Source
from paywall.reports import ledger, rollup
from paywall.reports.fold import ALL_PLANS, Kind, Scope, month_of
from paywall.reports.models import ReportCohort, ReportDay, ReportMark, ReportParting
from paywall.reports.stretch import Cell, Span
from paywall.reports.tally import CohortKey, Sum, Tally

# So many lines are folded while somebody waits for the page: a million readers make them in days.
MOST = 5000


class Monthly(NamedTuple):
    """What is told apart of those who leave: in which month what happened, and why."""

    month: date
    change: Change
    reason: str


@dataclass(frozen=True)
class Rolled:
    """The figures up to this instant; or, if too much is new to be counted at once, to one before (`as_of`).

    `has_rows`: whether the rolled-up rows count. They do not if they were made by other rules.
    """

    as_of: datetime
    is_late: bool = False
    has_rows: bool = True
    news: Tally | None = None

    def spans(
        self, since: date, until: date, scopes: Collection[Scope], kinds: Collection[Kind] = tuple(Kind)
    ) -> dict[Scope, Span]:
        """For each scope what happened before a day, and from then on until another, that day included."""
        found: defaultdict[Scope, _Cells] = defaultdict(lambda: defaultdict(dict))
        rows, news = self._rows(since, until, scopes, kinds), self._news(since, until, kinds)
        for scope, month, cell, more in (*rows, *news):
            cells = found[scope][month]
            cells[cell] = cells.get(cell, Sum()).plus(*more)
        return {scope: _span(since, until, found[scope]) for scope in scopes}

    def cohorts(self, scope: Scope) -> Mapping[CohortKey, Sum]:
        """By how much each cohort of a scope changed in each month."""
        found: dict[CohortKey, Sum] = {}
        if self.has_rows:
            columns = (ReportCohort.currency, ReportCohort.cohort, ReportCohort.month)
            query = select(*columns, ReportCohort.readers, ReportCohort.amount).where(
                ReportCohort.plan_id == scope.plan_id, ReportCohort.source == scope.source
            )
            for currency, cohort, month, readers, amount in db.session.execute(query):
                found[CohortKey(scope, currency, cohort, month)] = Sum(readers, amount)
        for key, more in self.news.cohorts().items() if self.news else ():
            if key.scope == scope:
                found[key] = found.get(key, Sum()).plus(*more)
        return found

    def partings(
        self, since: date, until: date, plan_id: int, sources: Collection[Source]
    ) -> Counter[Monthly]:
        """How many there were in each month from a day to another, both included, and why."""
        found: Counter[Monthly] = Counter()
        if self.has_rows:
            by = (ReportParting.month, ReportParting.change, ReportParting.reason)
            query = select(*by, func.sum(ReportParting.number)).group_by(*by)
            query = query.where(ReportParting.day.between(since, until), ReportParting.source.in_(sources))
            if plan_id != ALL_PLANS:
                query = query.where(ReportParting.plan_id == plan_id)
            for month, change, reason, number in db.session.execute(query):
                found[Monthly(month, change, reason)] = int(number)
        for one, number in self.news.partings().items() if self.news else ():
            if since <= one.day <= until and plan_id in {ALL_PLANS, one.plan_id} and one.source in sources:
                found[Monthly(month_of(one.day), one.change, one.reason)] += number
        return +found

    def days(
        self, since: date, until: date, scope: Scope, kinds: Collection[Kind]
    ) -> dict[date, Counter[Kind]]:
        """The days on which anything of some kinds can have happened in a scope, and how often it did."""
        found: defaultdict[date, Counter[Kind]] = defaultdict(Counter)
        if self.has_rows:
            by = (ReportDay.day, ReportDay.kind)
            query = select(*by, func.sum(ReportDay.readers)).where(
                ReportDay.plan_id == scope.plan_id,
                ReportDay.source == scope.source,
                ReportDay.day.between(since, until),
                ReportDay.kind.in_(kinds),
            )
            for day, kind, readers in db.session.execute(query.group_by(*by)):
                found[day][kind] = int(readers)
        for key, more in self.news.days().items() if self.news else ():
            if key.scope == scope and key.kind in kinds and since <= key.day <= until:
                found[key.day][key.kind] += more.readers
        return {day: found[day] for day in sorted(found)}

    def _rows(
        self, since: date, until: date, scopes: Collection[Scope], kinds: Collection[Kind]
    ) -> Iterator["_Found"]:
        if not self.has_rows:
            return
        when: ColumnElement[Any] = case((ReportDay.day < since, null()), else_=ReportDay.month)
        by = (ReportDay.plan_id, ReportDay.source, when, ReportDay.currency, ReportDay.kind)
        query = (
            select(*by, func.sum(ReportDay.readers), func.sum(ReportDay.amount))
            .where(ReportDay.plan_id.in_({scope.plan_id for scope in scopes}))
            .where(ReportDay.source.in_({scope.source for scope in scopes}))
            .where(ReportDay.day <= until, ReportDay.kind.in_(kinds))
            .group_by(*by)
        )
        for plan_id, source, month, currency, kind, readers, amount in db.session.execute(query):
            yield Scope(plan_id, source), month, (currency, kind), Sum(int(readers), int(amount))

    def _news(self, since: date, until: date, kinds: Collection[Kind]) -> Iterator["_Found"]:
        for (scope, day, currency, kind), more in self.news.days().items() if self.news else ():
            if day <= until and kind in kinds:
                yield scope, None if day < since else month_of(day), (currency, kind), more


_Cells = dict[date | None, dict[Cell, Sum]]
_Found = tuple[Scope, date | None, Cell, Sum]


def now() -> Rolled:
    """The figures as they stand, within the transaction that reads them (`db.read_only`)."""
    mark = db.session.get(ReportMark, 1)
    is_ours = mark is not None and mark.made_by == rollup.recipe()
    reached = mark.last_line if mark and is_ours else 0
    if ledger.waiting(reached, MOST + 1) > MOST:
        jobs.soon(current_app, rollup.roll_up_soon)
        return Rolled(mark.rolled_at if mark else clock.now(), is_late=True, has_rows=mark is not None)
    return Rolled(clock.now(), has_rows=is_ours, news=rollup.news_of(reached, ledger.last()))


def _span(since: date, until: date, found: _Cells) -> Span:
    """What was taken back to the last bit has never been."""
    told = {month: {cell: one for cell, one in cells.items() if any(one)} for month, cells in found.items()}
    flows = {month: cells for month, cells in told.items() if month is not None}
    return Span(since, until, told.get(None, {}), flows)
