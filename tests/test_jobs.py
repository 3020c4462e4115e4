"""Jobs: queued by a commit and by nothing else, kept in every kind of store, run inside an application."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, current_app
from huey import MemoryHuey, PostgresHuey, RedisHuey, SqliteHuey
from sqlalchemy.exc import IntegrityError

from paywall import create_app, jobs
from paywall.db import db
from paywall.mail import Letter
from tests.conftest import dispose, make_settings

ONE_DATABASE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
ran: list[tuple[str, object]] = []


@jobs.job
def note(what: str, *, loudly: bool = False) -> None:
    """Write down that it ran, and where."""
    ran.append((what.upper() if loudly else what, current_app.name))


@jobs.job
def fail() -> None:
    """Break."""
    raise RuntimeError("as told")


@jobs.job
def go_on() -> None:
    """Queue another job."""
    jobs.later(note, "second")
    db.session.commit()


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    """Begin with an empty list."""
    ran.clear()


@pytest.fixture
def stored(database: str, tmp_path: Path) -> Iterator[Flask]:
    """An app whose queue is beside its database, as on a server."""
    app = create_app(make_settings(data_dir=tmp_path, database_url=database, queue_url=""))
    yield app
    close(app)


def close(app: Flask) -> None:
    """Let go of the queue's connection and of the database's."""
    app.extensions["jobs"].storage.close()
    dispose(app)


def words() -> list[str]:
    """What was noted."""
    return [str(what) for what, _ in ran]


def test_a_job_is_queued_by_the_commit(app: Flask, work: Callable[[], int]) -> None:
    with app.app_context():
        jobs.later(note, "done", loudly=True)
        assert work() == 0
        db.session.commit()
    assert work() == 1
    assert ran == [("DONE", "paywall")]


def test_each_job_is_queued_once_and_in_order(app: Flask, work: Callable[[], int]) -> None:
    with app.app_context():
        jobs.later(note, "first")
        jobs.later(note, "second")
        db.session.commit()
        db.session.commit()
    assert work() == 2
    assert words() == ["first", "second"]


def test_a_rollback_forgets_the_job(app: Flask, work: Callable[[], int]) -> None:
    with app.app_context():
        jobs.later(note, "never")
        db.session.rollback()
        jobs.later(note, "later")
        db.session.commit()
    work()
    assert words() == ["later"]


def test_the_end_of_a_request_without_a_commit_forgets_the_job(app: Flask, work: Callable[[], int]) -> None:
    with app.app_context():
        jobs.later(note, "never")
    with app.app_context():
        db.session.commit()
    assert work() == 0


def test_a_savepoint_does_not_queue_before_the_whole_is_committed(
    app: Flask, work: Callable[[], int]
) -> None:
    with app.app_context():
        with db.session.begin_nested():
            jobs.later(note, "inside")
        assert work() == 0
        db.session.commit()
    assert work() == 1


def test_what_surrounds_a_savepoint_that_is_rolled_back_keeps_its_jobs(
    app: Flask, work: Callable[[], int]
) -> None:
    with app.app_context():
        jobs.later(note, "outside")
        savepoint = db.session.begin_nested()
        savepoint.rollback()
        db.session.commit()
    work()
    assert words() == ["outside"]


def test_what_was_queued_in_a_savepoint_goes_with_it(app: Flask, work: Callable[[], int]) -> None:
    with app.app_context():
        jobs.later(note, "outside")
        savepoint = db.session.begin_nested()
        jobs.later(note, "undone")
        with db.session.begin_nested():
            jobs.later(note, "undone with it")
        savepoint.rollback()
        jobs.later(note, "afterwards")
        db.session.commit()
    work()
    assert words() == ["outside", "afterwards"]


def test_a_clash_in_a_savepoint_leaves_the_rest_to_be_done(app: Flask, work: Callable[[], int]) -> None:
    with app.app_context(), app.test_request_context():
        for _ in range(2):
            with suppress(IntegrityError), db.session.begin_nested():
                letter = Letter(cause="same", kind="k", to="a@example.org", subject="", text="", html="")
                db.session.add(letter)
                jobs.later(note, "written")
                db.session.flush()
        db.session.commit()
    work()
    assert words() == ["written"]


def test_soon_does_not_wait_for_a_commit(app: Flask, work: Callable[[], int]) -> None:
    with app.app_context():
        jobs.soon(app, note, "at once")
        db.session.rollback()
    work()
    assert words() == ["at once"]


def test_a_broken_queue_does_not_fail_what_is_committed(
    app: Flask, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_args: object, **_kwargs: object) -> None:
        raise OSError("the queue's disk is full")

    monkeypatch.setattr(app.extensions["jobs"].storage, "enqueue", broken)
    with app.app_context():
        jobs.later(note, "lost")
        jobs.later(note, "lost as well")
        db.session.commit()
        jobs.later(note, "and this")
        db.session.commit()
    assert ran == []
    assert capsys.readouterr().err.count("job_not_queued") == 3


def test_a_job_may_queue_another(app: Flask, work: Callable[[], int]) -> None:
    jobs.soon(app, go_on)
    assert work() == 2
    assert words() == ["second"]


def test_a_job_that_breaks_does_not_stop_the_others(app: Flask, work: Callable[[], int]) -> None:
    with app.app_context():
        jobs.later(fail)
        jobs.later(note, "after it")
        db.session.commit()
    assert work() == 2
    assert words() == ["after it"]


def test_jobs_outlive_the_process_that_queued_them(stored: Flask, database: str, tmp_path: Path) -> None:
    with stored.app_context():
        jobs.later(note, "kept")
        db.session.commit()
    assert isinstance(stored.extensions["jobs"], SqliteHuey if "sqlite" in database else PostgresHuey)
    worker = create_app(make_settings(data_dir=tmp_path, database_url=database, queue_url=""))
    assert jobs.drain(worker) == 1
    assert jobs.drain(stored) == 0
    assert words() == ["kept"]
    close(worker)


def test_two_workers_share_the_work(stored: Flask) -> None:
    for number in range(20):
        jobs.soon(stored, note, str(number))
    counts: list[int] = []

    def worker() -> None:
        counts.append(jobs.drain(stored))
        stored.extensions["jobs"].storage.close()

    workers = [threading.Thread(target=worker) for _ in range(2)]
    for one in workers:
        one.start()
    for one in workers:
        one.join(30)
    assert sum(counts) == 20
    assert sorted(words(), key=int) == [str(number) for number in range(20)]


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("memory:", MemoryHuey),
        ("sqlite:///{folder}/other.sqlite3", SqliteHuey),
        ("redis://127.0.0.1:9/0", RedisHuey),
        ("rediss://127.0.0.1:9/0", RedisHuey),
    ],
)
@ONE_DATABASE
def test_the_store_is_chosen_by_its_address(database: str, tmp_path: Path, url: str, kind: type[Any]) -> None:
    address = url.format(folder=tmp_path)
    app = create_app(make_settings(data_dir=tmp_path, database_url=database, queue_url=address))
    assert isinstance(app.extensions["jobs"], kind)
    if kind is SqliteHuey:
        assert (tmp_path / "other.sqlite3").exists()
    dispose(app)


@ONE_DATABASE
def test_what_comes_again_by_itself(app: Flask) -> None:
    periodic = {task.name: task for task in app.extensions["jobs"]._registry.periodic_tasks}
    assert set(periodic) == {
        "access.crawlers.lists.keep_fresh",
        "access.free_reads.forget",
        "access.gift_links.forgetting.forget",
        "access.journey.paying.forget",
        "accounts.proofs.forget_expired",
        "billing.cashbook.walk.hourly",
        "billing.first_payments.look",
        "billing.gifts.giving.settle_open",
        "billing.gifts.giving.settle_paid",
        "billing.gifts.letters.deliver_due",
        "billing.gifts.redeeming.keep_running",
        "billing.groups.inviting.forget_invited",
        "billing.groups.letters.announce_ends",
        "billing.groups.seats.put_right",
        "billing.inbox.handle_waiting",
        "billing.inbox.prune",
        "billing.reconcile.backfill.hourly",
        "billing.reconcile.walk.nightly",
        "billing.reminders.look_at_cards",
        "billing.reminders.remind",
        "billing.repricing.moving.carry_out",
        "mail.send_waiting",
        "membership.applied.apply_if_changed",
        "membership.comps.end_due",
        "office.money.letter.monthly",
        "reports.rollup.roll_up_hourly",
        "sandbox.delivery.deliver_again",
        "watch.still_alive",
    }
    noon = datetime(2026, 3, 1, 12, 0)  # noqa: DTZ001  # as the queue's crontab is asked
    assert periodic["mail.send_waiting"].validate_datetime(noon)
    assert not periodic["accounts.proofs.forget_expired"].validate_datetime(noon)
    assert periodic["accounts.proofs.forget_expired"].validate_datetime(noon.replace(minute=17))
