"""Where the stand-in keeps its state: one SQLite file, safe for several threads and processes at once."""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS objects (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
        customer TEXT, parent TEXT, created INTEGER NOT NULL, body TEXT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS objects_kind ON objects (kind, created, seq)",
    """CREATE INDEX IF NOT EXISTS objects_customer ON objects (kind, customer, created, seq)
        WHERE customer IS NOT NULL""",
    """CREATE INDEX IF NOT EXISTS objects_parent ON objects (kind, parent, created, seq)
        WHERE parent IS NOT NULL""",
    """CREATE INDEX IF NOT EXISTS objects_email ON objects
        (json_extract(body, '$.email'), created, seq) WHERE kind = 'customer'""",
    """CREATE INDEX IF NOT EXISTS objects_intent ON objects
        (json_extract(body, '$.payment.payment_intent'), created, seq) WHERE kind = 'invoice_payment'""",
    """CREATE INDEX IF NOT EXISTS objects_payout ON objects
        (json_extract(body, '$._payout'), created, seq) WHERE kind = 'balance_transaction'""",
    """CREATE TABLE IF NOT EXISTS timers (
        id TEXT NOT NULL, action TEXT NOT NULL, at INTEGER NOT NULL, rank INTEGER NOT NULL,
        PRIMARY KEY (id, action)) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS timers_at ON timers (at, rank)",
    """CREATE TABLE IF NOT EXISTS deliveries (
        id INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, endpoint TEXT NOT NULL,
        state TEXT NOT NULL, created INTEGER NOT NULL, due REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
        last_status INTEGER, claimed_until REAL NOT NULL DEFAULT 0)""",
    "CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (state, due, id)",
    "CREATE INDEX IF NOT EXISTS deliveries_event ON deliveries (event)",
    """CREATE TABLE IF NOT EXISTS keys (
        key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, created INTEGER NOT NULL,
        pid INTEGER NOT NULL, leased_until REAL NOT NULL, status INTEGER, body TEXT) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS faults (
        id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, match TEXT NOT NULL, times INTEGER,
        status INTEGER NOT NULL, seconds REAL NOT NULL)""",
    "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
)
_BUSY_SECONDS = 30
# A child must neither use nor close a connection from before the fork (sqlite.org/howtocorrupt).
_INHERITED: list[sqlite3.Connection | None] = []


class Store:
    """The file. Writers wait for one another; a killed writer leaves nothing behind."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        path.parent.mkdir(parents=True, exist_ok=True)
        with self.write() as db:
            for statement in _SCHEMA:
                db.execute(statement)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction that takes the write lock at once and commits when the block ends well."""
        with self._transaction("BEGIN IMMEDIATE") as db:
            yield db

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """One consistent view."""
        with self._transaction("BEGIN") as db:
            yield db

    def connection(self) -> sqlite3.Connection:
        """This thread's connection; a forked child opens its own."""
        if getattr(self._local, "pid", None) != os.getpid():
            _INHERITED.append(getattr(self._local, "db", None))
            self._local.db = _connect(self._path)
            self._local.pid = os.getpid()
        db: sqlite3.Connection = self._local.db
        return db

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        db = self.connection()
        db.execute(begin)
        try:
            yield db
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
    _use_wal(db)
    db.execute("PRAGMA synchronous = NORMAL")
    db.row_factory = sqlite3.Row
    return db


def _use_wal(db: sqlite3.Connection) -> None:
    # SQLite does not wait for other connections when it changes the journal mode.
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL").close()
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
