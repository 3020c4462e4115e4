"""Who a signed session is, and what they hold now: one indexed query, none for who is not signed in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, exists, func, select

from paywall.access.decision import Meter, Visitor
from paywall.access.meter import Allowance
from paywall.access.models import MeterRead
from paywall.accounts.models import Reader, reader_role
from paywall.db import UTCDateTime
from paywall.membership.models import Plan, Subscription
from paywall.membership.rules import Holding
from paywall.questions import Question, Reading

NOBODY = Visitor()

_now = bindparam("now", type_=UTCDateTime())
_holds = (Subscription.reader_id == Reader.id) & (Subscription.access_until > _now)
_columns = (
    Reader.id,
    Reader.email,
    Reader.confirmed_at.is_not(None).label("is_confirmed"),
    exists().where(reader_role.c.reader_id == Reader.id).label("is_staff"),
)
_held = (Plan.slug, Subscription.access_until)
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
        self._by_session = Question(_query(Reader.fs_uniquifier == bindparam("whose"), counts=counts))
        self._by_email = Question(_query(Reader.email == bindparam("whose"), counts=counts))

    def by_session(self, reading: Connection, uniquifier: str, key: str, now: datetime) -> Known | None:
        """The reader whom a session that still holds names (`fs_uniquifier`), before the page named `key`."""
        return self._known(self._by_session.ask(reading, self._given(uniquifier, key, now)))

    def by_email(self, reading: Reading, email: str, key: str, now: datetime) -> Known | None:
        """The reader with this address, who need not be there, before the page named `key`."""
        return self._known(self._by_email.ask(reading, self._given(email, key, now)))

    def _given(self, whose: str, key: str, now: datetime) -> dict[str, object]:
        given: dict[str, object] = {"whose": whose, "now": now}
        if self._allowance.reader:
            given |= {"since": self._allowance.since(now), "key": key}
        return given

    def _known(self, rows: Sequence[Sequence[Any]]) -> Known | None:
        """Of a reader, who comes once for each thing that they hold, in the order of `_query`."""
        if not rows:
            return None
        reader_id, email, is_confirmed, is_staff, *counts = rows[0][:-2]
        holdings = tuple(Holding(plan, until) for *_, plan, until in rows if until is not None)
        meter = None
        if counts:
            reads, has_read = counts
            meter = Meter(max(0, self._allowance.reader - reads), bool(has_read))
        visitor = Visitor(reader_id, holdings, is_staff=bool(is_staff), meter=meter)
        return Known(visitor, email if is_confirmed else None)


def _query(whose: ColumnElement[bool], *, counts: bool) -> Select[*tuple[Any, ...]]:
    columns = (*_columns, *_free_reads, *_held) if counts else (*_columns, *_held)
    query = select(*columns).select_from(Reader).outerjoin(Subscription, _holds)
    return query.outerjoin(Plan, Plan.id == Subscription.plan_id).where(whose, Reader.active)
