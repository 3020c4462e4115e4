"""What time it is in the sandbox: real time plus an offset, which only grows once anything has happened."""

import threading
import time
from datetime import UTC, datetime

from paywall.sandbox.store import Store


class Clock:
    """Reads the stored offset again only when the file has changed; a call costs microseconds."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._local = threading.local()

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.fromtimestamp(self.timestamp(), UTC)

    def timestamp(self) -> float:
        """Seconds since 1970."""
        return time.time() + self._offset()

    def forward(self, instant: float) -> None:
        """Move to that instant, never back. Call it inside a write transaction."""
        offset = max(instant - time.time(), self._read())
        self._store.connection().execute("INSERT OR REPLACE INTO meta VALUES ('offset', ?)", (repr(offset),))
        self._local.version = None

    def begin(self, instant: float) -> None:
        """Begin at that instant, which may be past; for a file in which nothing has happened yet."""
        offset = instant - time.time()
        self._store.connection().execute("INSERT OR REPLACE INTO meta VALUES ('offset', ?)", (repr(offset),))
        self._local.version = None

    def _offset(self) -> float:
        version: int = self._store.connection().execute("PRAGMA data_version").fetchone()[0]
        if getattr(self._local, "version", None) != version:
            self._local.offset = self._read()
            self._local.version = version
        offset: float = self._local.offset
        return offset

    def _read(self) -> float:
        row = self._store.connection().execute("SELECT value FROM meta WHERE name = 'offset'").fetchone()
        return float(row[0]) if row else 0.0
