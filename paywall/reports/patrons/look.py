"""What a report on patrons was asked for, looked up: these days, those before, and how fresh they are."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import select

from paywall.db import db
from paywall.membership.models import Plan
from paywall.reports import rolled
from paywall.reports.asked import Asked
from paywall.reports.fold import ALL_PLANS, ALL_SOURCES, Scope
from paywall.reports.page import Cell, Figure
from paywall.reports.rolled import Rolled
from paywall.reports.shown import words
from paywall.reports.stretch import Span, Stretch
from paywall.reports.tally import CohortKey, Sum

BY_DAY = "Counted by the day: what is undone before a day ends is not counted."
LATE = (
    "These figures are as of {day}, {time}: the ledger has more lines than can be counted while you wait. "
    "They are being counted; look again in some minutes."
)
Of = Callable[[Stretch], Cell]


@dataclass(frozen=True)
class Look:
    """The figures for what was asked; days that are still to come are left away."""

    asked: Asked
    rolled: Rolled

    @cached_property
    def scope(self) -> Scope:
        """Whose memberships count."""
        plan_id = db.session.scalar(select(Plan.id).where(Plan.slug == self.asked.plan))
        return Scope(plan_id or ALL_PLANS, self.asked.source.value if self.asked.source else ALL_SOURCES)

    @cached_property
    def now(self) -> Span:
        """The days that were asked for."""
        return self.spans([self.scope])[self.scope]

    @cached_property
    def before(self) -> Span:
        """As many before."""
        days = self.asked.before
        return self.rolled.spans(days.since, days.until, [self.scope])[self.scope]

    @cached_property
    def changes(self) -> Mapping[CohortKey, Sum]:
        """By how much each cohort changed in each month, whatever days were asked for."""
        return self.rolled.cohorts(self.scope)

    def spans(self, scopes: Collection[Scope]) -> dict[Scope, Span]:
        """The days that were asked for, by scopes."""
        today = self.rolled.as_of.astimezone(self.asked.zone).date()
        return self.rolled.spans(self.asked.since, min(self.asked.until, today), scopes)

    @cached_property
    def currencies(self) -> list[str]:
        """In which anything was ever paid."""
        return self.now.whole().currencies()

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know of these figures: how old they are, if they are."""
        if not self.rolled.is_late:
            return ()
        at = self.rolled.as_of.astimezone(self.asked.zone)
        return (LATE.format(day=words(at.date()), time=f"{at:%H:%M}"),)

    def figure(
        self, name: str, of: Of, meaning: str, behind: str | None = None, currency: str | None = None
    ) -> Figure:
        """A figure of these days beside that of those before."""
        return Figure(name, of(self.now.whole()), of(self.before.whole()), meaning, behind, currency)


def look(asked: Asked) -> Look:
    """Look up what was asked for, in a transaction that only reads."""
    return Look(asked, rolled.now())
