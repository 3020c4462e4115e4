"""The report of use: how much was read through an institution, by day and way, and which articles."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, func, select

from paywall.access.institutions.models import InstitutionUse, Way
from paywall.db import db


@dataclass(frozen=True, slots=True)
class Read:
    """An article (`key`, the door's name for it) was so often read on a day, in one way."""

    day: date
    way: Way
    key: str
    reads: int


@dataclass(frozen=True, slots=True)
class Use:
    """What was read in some days; `most_read` are keys with their reads."""

    days: dict[date, dict[Way, int]]
    most_read: Sequence[tuple[str, int]]

    @property
    def reads(self) -> int:
        """All of it."""
        return sum(sum(ways.values()) for ways in self.days.values())


def use(institution_id: int, first: date, last: date, *, most: int = 20) -> Use:
    """What was read from the first to the last day, both in it."""
    within, reads = _within(institution_id, first, last), func.sum(InstitutionUse.reads)
    by_day = select(InstitutionUse.day, InstitutionUse.way, reads).where(*within)
    by_day = by_day.group_by(InstitutionUse.day, InstitutionUse.way).order_by(InstitutionUse.day)
    days: dict[date, dict[Way, int]] = {}
    for day, way, count in db.session.execute(by_day):
        days.setdefault(day, {})[way] = int(count)
    by_key = select(InstitutionUse.key, reads).where(*within).group_by(InstitutionUse.key)
    found = db.session.execute(by_key.order_by(reads.desc(), InstitutionUse.key).limit(most))
    return Use(days, [(key, int(count)) for key, count in found])


def each(institution_id: int, first: date, last: date) -> Sequence[Read]:
    """The same in detail, by day, way and article."""
    query = select(InstitutionUse).where(*_within(institution_id, first, last))
    rows = db.session.scalars(query.order_by(InstitutionUse.day, InstitutionUse.way, InstitutionUse.key))
    return [Read(row.day, row.way, row.key, row.reads) for row in rows]


def _within(institution_id: int, first: date, last: date) -> tuple[ColumnElement[bool], ...]:
    return InstitutionUse.institution_id == institution_id, InstitutionUse.day.between(first, last)
