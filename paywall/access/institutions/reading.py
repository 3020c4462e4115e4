"""Reading through an institution: who does, from a table in memory, and how often it was counted."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from flask import Flask, current_app
from sqlalchemy import Connection, Engine, Select, func, select
from sqlalchemy.exc import SQLAlchemyError

from paywall.access.decision import Visitor
from paywall.access.institutions.models import (
    Institution,
    InstitutionDomain,
    InstitutionRange,
    InstitutionUse,
    Way,
)
from paywall.access.institutions.ranges import Range
from paywall.access.institutions.table import DomainRow, RangeRow, Table, Term
from paywall.access.tally import Tally, is_read_by_someone
from paywall.access.visitors import NOBODY, Known
from paywall.accounts.models import Reader
from paywall.config import Settings
from paywall.db import db, insert, reading_engine
from paywall.errors import BadInput
from paywall.membership.models import Plan
from paywall.membership.rules import Holding

AGE = 1.0
# Of domains and of ranges, in all.
MOST = 2000

log = structlog.get_logger()
Rows = tuple[list[DomainRow], list[RangeRow]]


@dataclass(frozen=True, slots=True)
class Reading:
    """By which institution (its id) somebody reads, what that holds for them, and in which way."""

    institution: int
    holding: Holding
    way: Way


@dataclass(frozen=True, slots=True)
class Through:
    """What a reader is told: the institution's name, and the last day on which it reads."""

    name: str
    last_day: datetime


class Institutions:
    """What the door asks; one for each app."""

    def __init__(self, engine: Callable[[], Engine], tally: Tally, zone: ZoneInfo) -> None:
        self._engine = engine
        self._tally = tally
        self._zone = zone
        self._known = UNKNOWN
        self._renewing = threading.Lock()

    def holding(self, address: str, email: str | None, now: datetime) -> Reading | None:
        """The institution of who sits at a network address and has a confirmed e-mail address (None: no).

        What a table says that is at most a second old. If the rows cannot be read, nobody reads.
        """
        table = self._table(now)
        by_domain, by_range = table.by_email(email) if email else None, table.by_address(address)
        # Of two, the one that opens more.
        if by_domain and (by_domain.holding.plan or not (by_range and by_range.holding.plan)):
            return Reading(by_domain.institution, by_domain.holding, Way.DOMAIN)
        return Reading(by_range.institution, by_range.holding, Way.RANGE) if by_range else None

    def count(self, reading: Reading, key: str, environ: Mapping[str, Any], now: datetime) -> None:
        """Count an article that was read in full through one. Asks no database, never raises."""
        if is_read_by_someone(environ):
            day = now.astimezone(self._zone).date()
            self._tally.add((reading.institution, day, reading.way, key))

    def _table(self, now: datetime) -> Table:
        if not self._known.is_good(now):
            with self._renewing:
                if not self._known.is_good(now):
                    self._known = self._renewed(self._known, now)
        return self._known.table

    def _renewed(self, before: "_Known", now: datetime) -> "_Known":
        """Rows are read anew only if the stamp says that some have changed: there may be thousands."""
        good_until = time.monotonic() + AGE
        try:
            with self._engine().connect() as connection:
                stamp = tuple(connection.execute(_stamp).one())
                rows = before.rows if stamp == before.stamp else _rows(connection, now)
        except (SQLAlchemyError, BadInput):
            log.exception("institutions_unknown")
            return replace(UNKNOWN, good_until=good_until)
        is_same = rows is before.rows and before.table.is_for(now)
        return _Known(stamp, rows, before.table if is_same else Table(*rows, now), good_until)


def through(reader: Reader, now: datetime) -> Through | None:
    """The institution by which a reader reads, wherever they sit; None if there is none."""
    known: Institutions = current_app.extensions["institutions"]
    found = known.holding("", reader.email if reader.confirmed_at else None, now)
    if found is None:
        return None
    last = found.holding.until - timedelta(seconds=1)
    return Through(db.session.get_one(Institution, found.institution).name, last)


def by_address(known: Known | None, now: datetime) -> Visitor:
    """A reader with what an institution holds for their address, wherever they sit; NOBODY for None."""
    if known is None:
        return NOBODY
    institutions: Institutions = current_app.extensions["institutions"]
    found = institutions.holding("", known.email, now)
    return replace(known.visitor, institution=found.holding) if found else known.visitor


@dataclass(frozen=True, slots=True)
class _Known:
    stamp: tuple[Any, ...]
    rows: Rows
    table: Table
    good_until: float

    def is_good(self, now: datetime) -> bool:
        return time.monotonic() < self.good_until and self.table.is_for(now)


_nothing: Rows = ([], [])
UNKNOWN = _Known((), _nothing, Table(*_nothing, datetime.min.replace(tzinfo=UTC)), 0.0)
_stamp = select(func.count(), func.sum(Institution.changes))


def init_app(app: Flask, settings: Settings) -> None:
    """Let app.extensions["institutions"] know them."""
    app.extensions["institutions"] = Institutions(
        lambda: reading_engine(app), Tally(app, add_reads), ZoneInfo(settings.timezone)
    )


def add_reads(connection: Connection, counts: Mapping[tuple[int, date, Way, str], int]) -> None:
    """Write down what was read; more of the same is added up."""
    new = insert(InstitutionUse)
    query = new.on_conflict_do_update(
        index_elements=["institution_id", "day", "way", "key"],
        set_={"reads": InstitutionUse.reads + new.excluded.reads},
    )
    names = ("institution_id", "day", "way", "key")
    connection.execute(
        query, [dict(zip(names, what, strict=True), reads=reads) for what, reads in sorted(counts.items())]
    )


def _rows(connection: Connection, now: datetime) -> Rows:
    domains = _of(InstitutionDomain, InstitutionDomain.domain, InstitutionDomain.with_subdomains, now=now)
    spans = _of(InstitutionRange, InstitutionRange.first, InstitutionRange.last, now=now)
    return (
        [DomainRow(_term(row), row.domain, row.with_subdomains) for row in connection.execute(domains)],
        [RangeRow(_term(row), Range.read(f"{row.first}-{row.last}")) for row in connection.execute(spans)],
    )


def _of(kind: type[InstitutionDomain | InstitutionRange], *columns: Any, now: datetime) -> Select[Any]:
    whose = (Institution.id, Institution.starts_at, Institution.ends_at, Plan.slug)
    query = select(*whose, *columns).select_from(kind).join(Institution).outerjoin(Plan)
    return query.where(Institution.ends_at > now).limit(MOST)


def _term(row: Any) -> Term:
    return Term(row.id, Holding(row.slug or "", row.ends_at), row.starts_at)
