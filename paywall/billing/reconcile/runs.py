"""Runs of the reconcile: one at a time, each with the place from which a later one can go on."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

from sqlalchemy import CursorResult, Select, select, update
from sqlalchemy.exc import IntegrityError

from paywall import clock
from paywall.billing.gateway import gateway
from paywall.billing.models import Reconciliation
from paywall.billing.reconcile.drift import Outcome
from paywall.billing.remote import Mode
from paywall.db import db
from paywall.errors import Conflict

SILENCE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Run:
    """Where a run stands. `row_id` is None for one that writes nothing."""

    name: str
    part: str
    row_id: int | None = None
    cursor: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_resumed(self) -> bool:
        """Whether it goes on where an earlier one was broken off."""
        return bool(self.counts)


class Seen:
    """The ids that Stripe has shown, in a SQLite file of its own: a million of them cost no memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._open()) as file:
            file.execute("CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY) WITHOUT ROWID")

    def add(self, ids: Iterable[str]) -> None:
        """Keep some more."""
        with closing(self._open()) as file, file:
            file.executemany("INSERT OR IGNORE INTO seen VALUES (?)", [(one,) for one in ids])

    def absent(self, ids: Iterable[str]) -> set[str]:
        """Those of them that were never shown."""
        asked = list(ids)
        places = ", ".join("?" * len(asked))
        with closing(self._open()) as file:
            known = file.execute(f"SELECT id FROM seen WHERE id IN ({places})", asked)  # noqa: S608  # only marks
            return set(asked) - {row[0] for row in known}

    def drop(self) -> None:
        """Throw the file away."""
        self._path.unlink(missing_ok=True)

    def _open(self) -> sqlite3.Connection:
        file = sqlite3.connect(self._path)
        file.execute("PRAGMA synchronous=OFF")
        return file


def claim(mode: Mode, first: str, *, restart: bool, folder: Path) -> Run:
    """Take the run that was broken off, or begin one; commits. Raises Conflict while another is at work.

    A run whose process was killed is silent, and can be taken over after SILENCE. Without the file of the ids
    that it saw (another machine, a cleared disk) it begins anew.
    """
    open_one = db.session.scalar(_open(mode))
    if open_one is None:
        return _new(mode, first)
    if not _take_over(open_one):
        raise Conflict("A reconcile is at work already: wait until it ends, or stop it.")
    run = _run(open_one)
    if restart or not (folder / f"{run.name}.sqlite3").exists():
        open_one.part, open_one.cursor, open_one.counts = first, None, "{}"
        run = _run(open_one)
        (folder / f"{run.name}.sqlite3").unlink(missing_ok=True)
    db.session.commit()
    return run


def note(run: Run, counts: Mapping[str, int]) -> None:
    """Write down how far a run has come; commits."""
    _write(run, counts, beat_at=clock.wall())


def leave(run: Run, counts: Mapping[str, int]) -> None:
    """Let go of a run that was stopped, so that the next one can go on at once; commits."""
    _write(run, counts, beat_at=clock.wall() - 2 * SILENCE)


def finish(run: Run, counts: Mapping[str, int]) -> None:
    """Write down that a run is through; commits."""
    _write(run, counts, beat_at=clock.wall(), finished_at=clock.now())


def last(mode: Mode) -> Reconciliation | None:
    """The run that ended last."""
    query = select(Reconciliation).where(Reconciliation.mode == mode, Reconciliation.finished_at.is_not(None))
    return db.session.scalar(query.order_by(Reconciliation.id.desc()).limit(1))


def age() -> float:
    """Seconds since the last whole walk ended; -1 if there was none."""
    ended = last(gateway().mode)
    return (clock.now() - ended.finished_at).total_seconds() if ended and ended.finished_at else -1.0


def remaining() -> float:
    """How many differences the last whole walk left."""
    ended = last(gateway().mode)
    return float(json.loads(ended.counts).get(Outcome.REMAINS, 0)) if ended else 0.0


def _open(mode: Mode) -> Select[Reconciliation]:
    return select(Reconciliation).where(Reconciliation.mode == mode, Reconciliation.finished_at.is_(None))


def _new(mode: Mode, first: str) -> Run:
    row = Reconciliation(mode=mode, part=first, counts="{}")
    db.session.add(row)
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        raise Conflict("A reconcile has just begun elsewhere.") from None
    return _run(row)


def _take_over(row: Reconciliation) -> bool:
    silent = update(Reconciliation).where(
        Reconciliation.id == row.id, Reconciliation.beat_at < clock.wall() - SILENCE
    )
    done = cast("CursorResult[None]", db.session.execute(silent.values(beat_at=clock.wall())))
    db.session.commit()
    return done.rowcount == 1


def _run(row: Reconciliation) -> Run:
    return Run(f"run-{row.id}", row.part, row.id, row.cursor, json.loads(row.counts))


def _write(run: Run, counts: Mapping[str, int], **facts: datetime) -> None:
    mine = update(Reconciliation).where(Reconciliation.id == run.row_id, Reconciliation.finished_at.is_(None))
    values = {"part": run.part, "cursor": run.cursor, "counts": json.dumps(counts), **facts}
    db.session.execute(mine.values(**values))
    db.session.commit()
