"""The one writer of the rolled-up ledger: what is new is taken in, and what is late where it belongs."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import structlog
from flask import current_app
from sqlalchemy import ARRAY, bindparam, delete, func, or_, select, update

from paywall import clock, jobs
from paywall.config import Settings
from paywall.db import Model, db, insert, read_only
from paywall.reports import fold, ledger, partings, tally
from paywall.reports.fold import Line, month_of
from paywall.reports.models import ReportCohort, ReportDay, ReportMark, ReportParting
from paywall.reports.tally import CohortKey, DayKey, Sum, Tally

# A worker that died in the middle is not waited for any longer.
CLAIM = timedelta(minutes=15)
# So many lines are taken in at once, and so many rows written.
CHUNK = 5000
BATCH = 2000
# What is added up where a row is there already.
ADDED = ("readers", "amount", "number")

log = structlog.get_logger()


class Mark(NamedTuple):
    """How far the rows reach, by which rules they were made, and when."""

    last_line: int
    made_by: str
    rolled_at: datetime


def roll_up(*, anew: bool = False) -> int:
    """Take in what the ledger has and the rows have not; how many lines further they reach. Commits.

    The claim saves work: to whoever else comes meanwhile nothing is left to do. Right it is without, too:
    rows and mark are written in one transaction, and only over the mark that they were made for.
    """
    upto = ledger.last_settled()
    if not _claim():
        return 0
    try:
        mark = _mark()
        if anew or mark.made_by != recipe() or upto > 2 * mark.last_line:
            return upto if _build(mark, upto) else 0
        return _go_on(mark, upto)
    finally:
        _let_go()


@jobs.every(minute="13")
def roll_up_hourly() -> None:
    """Keep what the pages have to read beside the rows short."""
    log.info("rolled_up", lines=roll_up())


@jobs.job
def roll_up_soon() -> None:
    """The same at once: somebody waits for it."""
    roll_up()


def count_anew() -> None:
    """Nothing counts any more that was rolled up: memberships have come to be another reader's. No commit."""
    db.session.execute(update(ReportMark).values(made_by=""))


def news_of(after: int, upto: int) -> Tally:
    """What the lines after one, up to another, change in the rows that were made without them.

    All that was counted of the readers whom they are about is taken back, and all that is known of them now
    is counted: so it does not matter of which month a line tells.
    """
    found, within = Tally(), zone()
    for lines in ledger.changed(after, upto):
        _count(found, [line for line in lines if line.id <= after], within, sign=-1)
        _count(found, lines, within)
    return found


def zone() -> ZoneInfo:
    """Where days and months begin."""
    settings: Settings = current_app.extensions["settings"]
    return ZoneInfo(settings.timezone)


def recipe() -> str:
    """By which rules rows are made: others make all rows anew."""
    return f"{RULES} {zone().key}"


def _rules() -> str:
    sources = (Path(module.__file__ or "").read_bytes() for module in (fold, partings, tally))
    return blake2b(b"".join(sources), digest_size=8).hexdigest()


RULES = _rules()


def _claim() -> bool:
    row = {"id": 1, "made_by": "", "last_line": 0, "rolled_at": clock.now()}
    db.session.execute(insert(ReportMark).values(row).on_conflict_do_nothing())
    now = clock.wall()
    is_free = or_(ReportMark.claimed_until.is_(None), ReportMark.claimed_until < now)
    claim = update(ReportMark).where(is_free).values(claimed_until=now + CLAIM).returning(ReportMark.id)
    is_ours = db.session.scalar(claim) is not None
    db.session.commit()
    return is_ours


def _let_go() -> None:
    db.session.rollback()
    db.session.execute(update(ReportMark).values(claimed_until=None))
    db.session.commit()


def _mark() -> Mark:
    row = db.session.execute(select(ReportMark.last_line, ReportMark.made_by, ReportMark.rolled_at)).one()
    db.session.commit()
    return Mark._make(row)


def _build(mark: Mark, upto: int) -> bool:
    found, within = Tally(), zone()
    read_only()
    for lines in ledger.everyone(upto):
        _count(found, lines, within)
    return _write(mark, upto, found, anew=True)


def _count(found: Tally, lines: Sequence[Line], within: ZoneInfo, *, sign: int = 1) -> None:
    """Add all that the lines of one reader tell."""
    found.add(fold.moves(lines, within), sign=sign)
    found.part(partings.partings(lines, within), sign=sign)


def _go_on(mark: Mark, upto: int) -> int:
    reached = mark.last_line
    while reached < upto:
        chunk_end = ledger.some_after(reached, CHUNK, upto)
        if not _write(mark._replace(last_line=reached), chunk_end, news_of(reached, chunk_end)):
            break
        reached = chunk_end
    return reached - mark.last_line


def _write(mark: Mark, upto: int, found: Tally, *, anew: bool = False) -> bool:
    """Whether rows and mark were written: not if somebody else has moved it since it was read."""
    db.session.commit()
    stands = ReportMark.last_line == mark.last_line, ReportMark.made_by == mark.made_by
    now = {"last_line": upto, "made_by": recipe(), "rolled_at": clock.now()}
    moved = update(ReportMark).where(*stands).values(now).returning(ReportMark.id)
    if db.session.scalar(moved) is None:
        db.session.rollback()
        return False
    for table, rows in _rows(found):
        if anew:
            db.session.execute(delete(table))
        _add(table, rows)
    db.session.commit()
    return True


def _rows(found: Tally) -> Iterator[tuple[type[Model], Iterator[dict[str, object]]]]:
    yield ReportDay, _days(found)
    yield ReportCohort, _cohorts(found)
    yield ReportParting, _partings(found)


def _add(model: type[Model], rows: Iterator[dict[str, object]]) -> None:
    table = model.__table__
    columns = list(table.columns)
    adding, at_once = insert(table), db.engine.dialect.name == "postgresql"
    if at_once:
        # Its driver sends rows one by one; a list of values for each column is many times as quick.
        lists = (func.unnest(bindparam(f"all_{one.name}", type_=ARRAY(one.type))) for one in columns)
        adding = adding.from_select([one.name for one in columns], select(*lists))
    adding = adding.on_conflict_do_update(
        index_elements=[one.name for one in table.primary_key],
        set_={one.name: one + adding.excluded[one.name] for one in columns if one.name in ADDED},
    )
    while some := list(islice(rows, BATCH)):
        given = {f"all_{one.name}": [row[one.name] for row in some] for one in columns} if at_once else some
        db.session.execute(adding, given)


def _days(found: Tally) -> Iterator[dict[str, object]]:
    for key, total in found.days().items():
        yield _row(key, total) | {"month": month_of(key.day)}


def _cohorts(found: Tally) -> Iterator[dict[str, object]]:
    return (_row(key, total) for key, total in found.cohorts().items())


def _partings(found: Tally) -> Iterator[dict[str, object]]:
    for parting, number in found.partings().items():
        yield {**parting._asdict(), "month": month_of(parting.day), "number": number}


def _row(key: DayKey | CohortKey, total: Sum) -> dict[str, object]:
    of: dict[str, object] = {**key.scope._asdict(), **key._asdict(), **total._asdict()}
    del of["scope"]
    return of
