"""The ledger as the figures read it: all lines of a reader together, one reader after the other.

Whose a line is, its membership says: it is another's than the line names once two accounts are joined.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import aliased

from paywall.db import db, hold_still, read_only, streamed
from paywall.membership.models import MembershipEvent, Subscription
from paywall.membership.rules import Source, Status
from paywall.reports.fold import ALL_PLANS, ALL_SOURCES, Line, Scope

# As they stand in a Line.
COLUMNS: tuple[Any, ...] = (
    MembershipEvent.id,
    MembershipEvent.at,
    Subscription.reader_id,
    MembershipEvent.subscription_id,
    MembershipEvent.plan_id,
    MembershipEvent.source,
    MembershipEvent.change,
    MembershipEvent.status,
    MembershipEvent.monthly_delta,
    MembershipEvent.currency,
    MembershipEvent.feedback,
)


def everyone(upto: int) -> Iterator[Sequence[Line]]:
    """The lines of each reader up to one of the ledger."""
    return _by_reader(_lines().where(MembershipEvent.id <= upto))


def of(scope: Scope, *said: ColumnElement[bool]) -> Iterator[Sequence[Line]]:
    """All lines of each reader of whom a line tells something that counts in a scope, and says all this."""
    told = list(said)
    if scope.plan_id != ALL_PLANS:
        told.append(MembershipEvent.plan_id == scope.plan_id)
    if scope.source != ALL_SOURCES:
        told.append(MembershipEvent.source == Source(scope.source))
    return _by_reader(_lines().where(_of(*told)) if told else _lines())


def stood(status: Status, until: datetime) -> ColumnElement[bool]:
    """Of a line: it says so, and is the last of its membership that tells of the time before an instant."""
    later = aliased(MembershipEvent)
    is_later = select(later.id).where(
        later.subscription_id == MembershipEvent.subscription_id,
        later.id > MembershipEvent.id,
        later.at < until,
    )
    says_so = and_(MembershipEvent.status == status, MembershipEvent.at < until)
    return and_(says_so, ~is_later.correlate(MembershipEvent).exists())


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
        hold_still(MembershipEvent)
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


def _lines() -> Select[Any]:
    return select(*COLUMNS).join(Subscription, Subscription.id == MembershipEvent.subscription_id)


def _of(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    whose = select(Subscription.reader_id).join(
        MembershipEvent, MembershipEvent.subscription_id == Subscription.id
    )
    return Subscription.reader_id.in_(whose.where(*conditions))


def _by_reader(query: Select[Any]) -> Iterator[Sequence[Line]]:
    rows = streamed(query.order_by(Subscription.reader_id))
    for _, lines in groupby(map(Line._make, rows), key=attrgetter("reader_id")):
        yield list(lines)
