"""Jobs: queued by a commit and by nothing else, run once each, and never a reason to fail a request."""

from collections.abc import Callable

import pytest
from flask import Flask
from huey import MemoryHuey, PostgresHuey, RedisHuey, SqliteHuey

from paywall import jobs
from paywall.db import db
from paywall.mail import Letter
from tests.conftest import dispose, make_settings

Work = Callable[[], int]


class Noted:
    """A job that notes the words it is given, in order; "first" also queues "second"."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def __call__(self, word: str) -> None:
        self.words.append(word)
        if word == "first":
            jobs.later(self, "second")
            db.session.commit()


@pytest.fixture
def note(monkeypatch: pytest.MonkeyPatch) -> Noted:
    """A declared job; ask for it before `app`, which binds what is declared."""
    noted = Noted()
    noted.__name__ = "note"  # type: ignore[attr-defined]  # jobs are named as functions are
    monkeypatch.setattr(jobs, "_declared", jobs._declared | {jobs._name(noted): noted})
    return noted


def test_a_commit_queues_what_was_said_before_it(note: Noted, app: Flask, work: Work) -> None:
    with app.app_context():
        jobs.later(note, "one")
        assert work() == 0
        db.session.commit()
        assert work() == 1
    assert note.words == ["one"]
    assert work() == 0


def test_a_rollback_forgets_it(note: Noted, app: Flask, work: Work) -> None:
    with app.app_context():
        db.session.add(Letter(kind="k", to="a@b.example", subject="s", text="t", html="h"))
        db.session.flush()
        jobs.later(note, "one")
        db.session.rollback()
        db.session.commit()
    assert work() == 0
    assert note.words == []


def test_a_savepoint_queues_nothing_by_itself(note: Noted, app: Flask, work: Work) -> None:
    with app.app_context():
        with db.session.begin_nested():
            jobs.later(note, "one")
        assert work() == 0
        db.session.commit()
        assert work() == 1


def test_a_job_may_queue_another(note: Noted, app: Flask, work: Work) -> None:
    jobs.soon(app, note, "first")
    assert work() == 2
    assert note.words == ["first", "second"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_broken_queue_fails_no_request(
    note: Noted, app: Flask, work: Work, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_given: object) -> None:
        raise OSError("no queue")

    with app.app_context():
        app.extensions["jobs_bound"][jobs._name(note)] = broken
        jobs.later(note, "one")
        db.session.commit()
    assert "job_not_queued" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("memory:", MemoryHuey),
        ("sqlite:///{folder}/queue.sqlite3", SqliteHuey),
        ("redis://127.0.0.1:6399/0", RedisHuey),
    ],
)
def test_the_url_chooses_the_queue(url: str, kind: type, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert isinstance(jobs._open(url.format(folder=tmp_path_factory.mktemp("queue"))), kind)


@pytest.mark.parametrize(
    "database", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)
def test_a_queue_beside_postgresql(
    note: Noted, database: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from paywall import create_app

    app = create_app(
        make_settings(data_dir=tmp_path_factory.mktemp("pg"), database_url=database, queue_url=database)
    )
    assert isinstance(app.extensions["jobs"], PostgresHuey)
    with app.app_context():
        jobs.later(note, "one")
        db.session.commit()
    assert jobs.drain(app) == 1
    assert note.words == ["one"]
    app.extensions["jobs"].storage.close()
    dispose(app)
