"""Background and periodic work: rooms declare jobs, a commit queues them, one worker process runs them."""

from collections.abc import Callable
from datetime import datetime
from functools import partial, wraps
from typing import Any, ParamSpec
from urllib.parse import urlsplit

import psycopg
import structlog
from flask import Flask, current_app
from huey import MemoryHuey, PostgresHuey, RedisHuey, SqliteHuey
from huey.api import Huey, crontab
from sqlalchemy import String, event, select
from sqlalchemy.orm import Mapped, Session, SessionTransaction, mapped_column

from paywall.config import Settings
from paywall.db import Model, db


class Heartbeat(Model):
    """When a process was last seen to live, by the machine's own clock."""

    __tablename__ = "heartbeat"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    at: Mapped[datetime]


P = ParamSpec("P")
Job = Callable[P, None]
PENDING = "paywall_jobs"
WORKER = "worker"

log = structlog.get_logger()
_declared: dict[str, Job[...]] = {}
_periodic: dict[str, Callable[..., bool]] = {}


def job(function: Job[P]) -> Job[P]:
    """Declare a job: runs in the worker, inside an application context, in a session of its own.

    Its arguments are plain values (ids, words). It must bear being run twice, and not at all.
    """
    _declared[_name(function)] = function
    return function


def every(*, minute: str = "*", hour: str = "*") -> Callable[[Job[[]]], Job[[]]]:
    """Declare a periodic job by crontab words: every(minute="*/5"), every(minute="10", hour="3")."""

    def declare(function: Job[[]]) -> Job[[]]:
        _periodic[_name(function)] = crontab(minute=minute, hour=hour)
        return job(function)

    return declare


def later(function: Job[P], *args: P.args, **kwargs: P.kwargs) -> None:
    """Queue a job when, and only when, the present transaction commits."""
    session = db.session()
    if not session.in_transaction():
        session.begin()
    within = session.get_nested_transaction() or session.get_transaction()
    session.info.setdefault(PENDING, []).append((within, _name(function), args, kwargs))


def soon(app: Flask, function: Job[P], *args: P.args, **kwargs: P.kwargs) -> None:
    """Queue a job now, whatever becomes of any transaction."""
    app.extensions["jobs_bound"][_name(function)](*args, **kwargs)


def init_app(app: Flask, settings: Settings) -> None:
    """Open the queue and bind every declared job to this app."""
    huey = _open(settings.queue_url)
    bound = {name: _bind(app, huey, name, function) for name, function in _declared.items()}
    app.extensions["jobs"] = huey
    app.extensions["jobs_bound"] = bound


def run_worker(app: Flask, *, threads: int = 2) -> None:
    """Run jobs until SIGTERM or SIGINT; a job under way is finished first."""
    huey: Huey = app.extensions["jobs"]
    huey.create_consumer(workers=threads, initial_delay=0.05, max_delay=0.5, graceful_signal="TERM").run()


def worker_seen() -> datetime | None:
    """The worker's last sign of life."""
    return db.session.scalar(select(Heartbeat.at).where(Heartbeat.name == WORKER))


def drain(app: Flask) -> int:
    """Run what is queued now, in this thread, and return how many jobs ran."""
    huey: Huey = app.extensions["jobs"]
    count = 0
    while (task := huey.dequeue()) is not None:
        huey.execute(task)
        count += 1
    return count


def _name(function: Callable[..., object]) -> str:
    return f"{function.__module__.removeprefix('paywall.')}.{function.__name__}"


def _open(url: str) -> Huey:
    scheme = urlsplit(url).scheme.partition("+")[0]
    match scheme:
        case "memory":
            return MemoryHuey("paywall", results=False)
        case "sqlite":
            return SqliteHuey("paywall", results=False, filename=url.partition("///")[2])
        case "redis" | "rediss":
            return RedisHuey("paywall", results=False, url=url)
        case _:
            return PostgresHuey(
                "paywall", results=False, connection=partial(_hasty, url.replace("+psycopg", "", 1))
            )


def _hasty(dsn: str) -> psycopg.Connection:
    """A connection for the queue alone. Who queues a job need not wait for the disk: a job may be lost."""
    connection = psycopg.connect(dsn, autocommit=True)
    connection.execute("SET synchronous_commit TO off")
    return connection


def _bind(app: Flask, huey: Huey, name: str, function: Job[...]) -> Callable[..., Any]:
    @wraps(function)
    def inside(*args: Any, **kwargs: Any) -> None:
        with app.app_context():
            function(*args, **kwargs)

    if name in _periodic:
        bound: Callable[..., Any] = huey.periodic_task(_periodic[name], name=name)(inside)
    else:
        bound = huey.task(name=name)(inside)
    return bound


@event.listens_for(db.session, "after_commit")
def _queue_pending(session: Session) -> None:
    if session.in_nested_transaction():
        return
    for _, name, args, kwargs in session.info.pop(PENDING, []):
        try:
            current_app.extensions["jobs_bound"][name](*args, **kwargs)
        except Exception:
            # The rows are committed and a periodic job looks for what was missed: not worth failing for.
            log.exception("job_not_queued", job=name)


@event.listens_for(db.session, "after_soft_rollback")
def _forget_pending(session: Session, undone: SessionTransaction) -> None:
    # A flush that fails undoes the savepoint, or the whole, in which it took place.
    while undone.parent is not None and not undone.nested:
        undone = undone.parent
    waiting = session.info.get(PENDING, [])
    waiting[:] = [each for each in waiting if not _is_part(each[0], undone)]


def _is_part(inner: SessionTransaction | None, outer: SessionTransaction) -> bool:
    while inner is not None and inner is not outer:
        inner = inner.parent
    return inner is outer
