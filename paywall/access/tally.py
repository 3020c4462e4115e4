"""Counts that reading leaves behind: kept in memory, and added to their table in batches, each batch once."""

import re
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from multiprocessing.util import Finalize
from typing import Any

import structlog
from flask import Flask, Response
from sqlalchemy import Connection, String, delete, insert, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column

from paywall import clock
from paywall.db import Model, db

# A killed process loses what it has counted for so many seconds at most, if any page is asked for meanwhile.
EVERY = 5.0
# While the database does not answer, so many different counts are kept; new ones are then let go.
MOST = 10_000
BATCHES_KEPT = timedelta(days=2)

PREFETCH = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ")
# Programs: they fetch a page to show its title beside a link in a chat, or for reasons of their own. A count
# may believe what they say of themselves, for nobody is let in by it. (A Cubot is a telephone.)
PROGRAMS = re.compile(
    r"(?<!cu)bot\b|crawler|spider|preview|facebookexternalhit|whatsapp|skypeuripreview|embedly|mattermost"
    r"|^(?:curl|wget|python|go-http-client|java|okhttp|libwww|apache-httpclient|axios|node)\b|scrapy|headless",
    re.IGNORECASE,
)
AGENTS_KEPT = 1000

log = structlog.get_logger()
Count = Callable[[Connection, Mapping[Any, int]], None]


class CountedBatch(Model):
    """A batch that was added, by its name: one whose commit was in doubt is not added twice."""

    __tablename__ = "counted_batch"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)


@dataclass(frozen=True, slots=True)
class _Batch:
    name: str
    counts: Counter[Any]


class Tally:
    """Counts things of one kind; `write` adds so many of each to its table, within the transaction given."""

    def __init__(self, app: Flask, write: Count) -> None:
        self._app = app
        self._write = write
        self._counts: Counter[Any] = Counter()
        self._batch: _Batch | None = None
        self._due = time.monotonic() + EVERY
        self._counting, self._writing = threading.Lock(), threading.Lock()
        self._at_exit: Finalize | None = None
        app.after_request(self._answered)
        app.extensions.setdefault("tallies", []).append(self)

    def add(self, what: Hashable, times: int = 1) -> None:
        """Count one, or as many; asks no database."""
        with self._counting:
            if what in self._counts or len(self._counts) < MOST:
                self._counts[what] += times
            # Not atexit: web processes are children that multiprocessing made, and end without it.
            self._at_exit = self._at_exit or Finalize(None, self.close, exitpriority=1)

    def write(self) -> None:
        """Add to the table what was counted; what the database does not take now is tried again later."""
        with self._writing:
            self._batch = self._batch or self._taken()
            if self._batch is None:
                return
            try:
                self._add_once(self._batch)
            except SQLAlchemyError:
                log.exception("counts_not_written", waiting=len(self._batch.counts))
            else:
                self._batch = None

    def write_when_due(self) -> None:
        """Whoever comes when it is time starts the writing, and does not wait for it."""
        if time.monotonic() >= self._due and (self._counts or self._batch):
            self._due = time.monotonic() + EVERY
            threading.Thread(target=self.write, name="tally", daemon=True).start()

    def close(self) -> None:
        """Write what is left, and no more at the end of the process."""
        if self._at_exit:
            self._at_exit.cancel()
            self.write()

    def _answered(self, response: Response) -> Response:
        self.write_when_due()
        return response

    def _taken(self) -> _Batch | None:
        with self._counting:
            counts, self._counts = self._counts, Counter()
        return _Batch(uuid.uuid4().hex, counts) if counts else None

    def _add_once(self, batch: _Batch) -> None:
        now = clock.wall()
        with self._app.app_context(), db.engine.begin() as connection:
            if connection.scalar(select(CountedBatch.name).where(CountedBatch.name == batch.name)):
                return
            connection.execute(insert(CountedBatch).values(name=batch.name, at=now))
            self._write(connection, batch.counts)
            connection.execute(delete(CountedBatch).where(CountedBatch.at < now - BATCHES_KEPT))


def is_read_by_someone(environ: Mapping[str, Any]) -> bool:
    """Whether a request is somebody's reading: no HEAD, nothing fetched ahead, no program."""
    return environ["REQUEST_METHOD"] == "GET" and is_asked_by_someone(environ)


def is_asked_by_someone(environ: Mapping[str, Any]) -> bool:
    """Whether a person asks, for a page or what a HEAD says of it: nothing fetched ahead, no program."""
    return not is_fetched_ahead(environ) and not _is_program(environ.get("HTTP_USER_AGENT", "")[:300])


def is_fetched_ahead(environ: Mapping[str, Any]) -> bool:
    """Whether a browser asks before anyone has clicked, and will show what it gets only then."""
    if environ.keys().isdisjoint(PREFETCH):
        return False
    said = (environ[name] for name in PREFETCH if name in environ)
    return any("prefetch" in word or "preview" in word for word in said)


@lru_cache(maxsize=AGENTS_KEPT)
def _is_program(agent: str) -> bool:
    return PROGRAMS.search(agent) is not None
