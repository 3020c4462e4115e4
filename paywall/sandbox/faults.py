"""Failures played on purpose, of the API and of webhook deliveries; kept in the file until cleared."""

import sqlite3
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from paywall.sandbox.store import Store


class FaultKind(StrEnum):
    """What goes wrong."""

    API_ERROR = "api_error"  # the request is refused with `status` and nothing is done
    API_LOST = "api_lost"  # the request is carried out, the answer is `status`
    API_HANG = "api_hang"  # the answer comes after `seconds`
    DROP = "drop"  # the delivery is never made
    DUPLICATE = "duplicate"  # the delivery is made twice
    DELAY = "delay"  # the delivery is made `seconds` later
    REORDER = "reorder"  # due deliveries are made last first


@dataclass(frozen=True)
class Fault:
    """`match` is a pattern for the API path or the event type; `times` None lasts until cleared."""

    kind: FaultKind
    times: int | None = 1
    match: str = "*"
    status: int = 500
    seconds: float = 0


class Faults:
    """What is to go wrong next."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def set(self, fault: Fault) -> None:
        """Add a fault."""
        row = (fault.kind, fault.match, fault.times, fault.status, fault.seconds)
        with self._store.write() as db:
            db.execute("INSERT INTO faults (kind, match, times, status, seconds) VALUES (?, ?, ?, ?, ?)", row)

    def clear(self, kind: FaultKind | None = None) -> None:
        """Drop every fault, or those of one kind."""
        with self._store.write() as db:
            db.execute("DELETE FROM faults WHERE ? IS NULL OR kind = ?", (kind, kind))

    def active(self) -> list[Fault]:
        """What is set, oldest first."""
        rows = self._store.connection().execute("SELECT * FROM faults ORDER BY id").fetchall()
        return [_fault(row) for row in rows]

    def take(self, subject: str, *kinds: FaultKind) -> Fault | None:
        """The first fault of these kinds that fits an API path or an event type, counted down."""
        if self._store.connection().execute("SELECT 1 FROM faults LIMIT 1").fetchone() is None:
            return None
        with self._store.write() as db:
            for row in db.execute("SELECT * FROM faults ORDER BY id").fetchall():
                if row["kind"] in kinds and fnmatchcase(subject, row["match"]):
                    _count_down(db, row)
                    return _fault(row)
        return None


def _fault(row: sqlite3.Row) -> Fault:
    return Fault(FaultKind(row["kind"]), row["times"], row["match"], row["status"], row["seconds"])


def _count_down(db: sqlite3.Connection, row: sqlite3.Row) -> None:
    if row["times"] is not None:
        db.execute("UPDATE faults SET times = times - 1 WHERE id = ?", (row["id"],))
        db.execute("DELETE FROM faults WHERE id = ? AND times <= 0", (row["id"],))
