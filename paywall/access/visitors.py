"""Who a signed session is, and what they hold now: one indexed query, none for who is not signed in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, exists, func, select
from sqlalchemy.orm import Session, scoped_session

from paywall.access.decision import Meter, Visitor
from paywall.access.meter import Allowance
from paywall.access.models import MeterRead
from paywall.accounts.models import Reader, reader_role
from paywall.db import UTCDateTime
from paywall.membership.models import Plan, Subscription
from paywall.membership.rules import Holding

NOBODY = Visitor()

_now = bindparam("now", type_=UTCDateTime())
_holds = (Subscription.reader_id == Reader.id) & (Subscription.access_until > _now)
_columns = (
    Reader.id,
    Reader.email,
    Reader.confirmed_at,
    exists().where(reader_role.c.reader_id == Reader.id).label("is_staff"),
    Plan.slug,
    Subscription.access_until,
)
_counts = (MeterRead.reader_id == Reader.id) & (MeterRead.read_at >= bindparam("since", type_=UTCDateTime()))
_free_reads = (
    select(func.count()).where(_counts).scalar_subquery().label("reads"),
    exists().where(_counts, MeterRead.key == bindparam("key")).label("has_read"),
)


@dataclass(frozen=True, slots=True)
class Known:
    """A signed-in reader at the door; `email` is None until it is confirmed."""

    visitor: Visitor
    email: str | None


class Readers:
    """Asks the database who a reader is. With an allowance it counts free reads in the same query."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        counts = allowance.reader > 0
        self._by_session = _query(Reader.fs_uniquifier == bindparam("whose"), counts=counts)
        self._by_email = _query(Reader.email == bindparam("whose"), counts=counts)

    def by_session(self, reading: Connection, uniquifier: str, key: str, now: datetime) -> Known | None:
        """The reader whom a session that still holds names (`fs_uniquifier`), before the page named `key`."""
        return self._known(reading, self._by_session, uniquifier, key, now)

    def by_email(
        self, reading: Connection | Session | scoped_session[Any], email: str, key: str, now: datetime
    ) -> Known | None:
        """The reader with this address, who need not be there, before the page named `key`."""
        return self._known(reading, self._by_email, email, key, now)

    def _known(
        self, reading: Any, query: Select[*tuple[Any, ...]], whose: str, key: str, now: datetime
    ) -> Known | None:
        given = {"whose": whose, "now": now}
        if self._allowance.reader:
            given |= {"since": self._allowance.since(now), "key": key}
        rows = reading.execute(query, given).all()
        if not rows:
            return None
        reader = rows[0]
        holdings = tuple(Holding(row.slug, row.access_until) for row in rows if row.access_until is not None)
        meter = None
        if self._allowance.reader:
            meter = Meter(max(0, self._allowance.reader - reader.reads), bool(reader.has_read))
        visitor = Visitor(reader.id, holdings, is_staff=bool(reader.is_staff), meter=meter)
        return Known(visitor, reader.email if reader.confirmed_at else None)


def _query(whose: ColumnElement[bool], *, counts: bool) -> Select[*tuple[Any, ...]]:
    columns = (*_columns, *_free_reads) if counts else _columns
    query = select(*columns).select_from(Reader).outerjoin(Subscription, _holds)
    return query.outerjoin(Plan, Plan.id == Subscription.plan_id).where(whose, Reader.active)
