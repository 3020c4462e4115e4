"""The ledger as the figures read it: all lines of a reader together, one reader after the other."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from sqlalchemy import ColumnElement, Select, func, select, text

from paywall.db import db, read_only
from paywall.membership.models import MembershipEvent
from paywall.membership.rules import Source
from paywall.reports.fold import ALL_PLANS, ALL_SOURCES, Line, Scope

BATCH = 1000
# As they stand in a Line.
COLUMNS = (
    "id",
    "at",
    "reader_id",
    "subscription_id",
    "plan_id",
    "source",
    "change",
    "status",
    "monthly_delta",
    "currency",
)
# Whoever writes into the ledger holds it for the length of a sync, which waits for nobody.
PATIENCE = "SET LOCAL lock_timeout = '5s'"


def everyone(upto: int) -> Iterator[Sequence[Line]]:
    """The lines of each reader up to one of the ledger."""
    return _by_reader(_lines().where(MembershipEvent.id <= upto))


def of(scope: Scope) -> Iterator[Sequence[Line]]:
    """All lines of each reader who ever held something that counts in a scope."""
    held = []
    if scope.plan_id != ALL_PLANS:
        held.append(MembershipEvent.plan_id == scope.plan_id)
    if scope.source != ALL_SOURCES:
        held.append(MembershipEvent.source == Source(scope.source))
    return _by_reader(_lines().where(_of(*held)) if held else _lines())


def changed(after: int, upto: int) -> Iterator[Sequence[Line]]:
    """All lines up to one, of each reader who has lines after another."""
    news = MembershipEvent.id > after, MembershipEvent.id <= upto
    return _by_reader(_lines().where(_of(*news), MembershipEvent.id <= upto))


def moved(since: datetime, until: datetime) -> Iterator[Sequence[Line]]:
    """All lines of each reader of whom a line tells something of that time."""
    return _by_reader(_lines().where(_of(MembershipEvent.at >= since, MembershipEvent.at < until)))


def last() -> int:
    """The number of the last line; 0 if there is none."""
    return db.session.scalar(select(func.max(MembershipEvent.id))) or 0


def last_settled() -> int:
    """The last line before which none can appear any more; begins and ends a transaction.

    PostgreSQL gives out numbers before it commits them: a line of a lower number could still come. It cannot
    while nobody else writes here.
    """
    if db.engine.dialect.name == "postgresql":
        db.session.execute(text(PATIENCE))
        db.session.execute(text(f"LOCK TABLE {MembershipEvent.__tablename__} IN SHARE MODE"))
    else:
        read_only()
    found = last()
    db.session.commit()
    return found


def some_after(line: int, count: int, upto: int) -> int:
    """The line that stands so many after another; the last, `upto`, if there are not so many."""
    query = select(MembershipEvent.id).where(MembershipEvent.id > line, MembershipEvent.id <= upto)
    return db.session.scalar(query.order_by(MembershipEvent.id).offset(count - 1).limit(1)) or upto


def waiting(after: int, most: int) -> int:
    """How many lines there are after one; counted up to `most`."""
    some = select(MembershipEvent.id).where(MembershipEvent.id > after).limit(most).subquery()
    return db.session.scalar(select(func.count()).select_from(some)) or 0


def _lines() -> Select[tuple[object, ...]]:
    return select(*(getattr(MembershipEvent, name) for name in COLUMNS))


def _of(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return MembershipEvent.reader_id.in_(select(MembershipEvent.reader_id).where(*conditions))


def _by_reader(query: Select[tuple[object, ...]]) -> Iterator[Sequence[Line]]:
    ordered = query.order_by(MembershipEvent.reader_id, MembershipEvent.id)
    rows = db.session.execute(ordered.execution_options(yield_per=BATCH))
    for _, lines in groupby(map(Line._make, rows), key=attrgetter("reader_id")):
        yield list(lines)
