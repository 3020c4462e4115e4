"""Counts in memory: written in batches, each once, and never in the way of who reads."""

import threading
from collections.abc import Mapping
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, select, update
from sqlalchemy.exc import OperationalError

from paywall import clock
from paywall.access import tally as tallies
from paywall.access.tally import CountedBatch, Tally
from paywall.db import db

pytestmark = pytest.mark.usefixtures("context")


class Written:
    """A table that adds up what it is told, and can break before or after its commit."""

    def __init__(self) -> None:
        self.counts: list[Mapping[str, int]] = []
        self.broken = 0

    def __call__(self, _connection: Connection, counts: Mapping[str, int]) -> None:
        if self.broken:
            self.broken -= 1
            raise OperationalError("insert", {}, Exception("gone"))
        self.counts.append(dict(counts))


@pytest.fixture
def written() -> Written:
    return Written()


@pytest.fixture
def tally(app: Flask, written: Written) -> Tally:
    return Tally(app, written)


def test_what_was_counted_is_written_in_one_batch(tally: Tally, written: Written) -> None:
    for what in "aab":
        tally.add(what)
    assert written.counts == []
    for _ in range(2):
        tally.write()
    assert written.counts == [{"a": 2, "b": 1}]


def test_what_the_database_did_not_take_is_written_later(tally: Tally, written: Written) -> None:
    written.broken = 2
    tally.add("a")
    tally.write()
    tally.add("b")
    tally.write()
    assert written.counts == []
    for _ in range(2):
        tally.write()
    assert written.counts == [{"a": 1}, {"b": 1}]


def test_a_batch_whose_commit_was_in_doubt_is_not_added_twice(
    tally: Tally, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_once = tally._add_once

    def lose_the_answer(batch: object) -> None:
        add_once(batch)  # type: ignore[arg-type]
        raise OperationalError("commit", {}, Exception("the line was cut"))

    tally.add("a")
    monkeypatch.setattr(tally, "_add_once", lose_the_answer)
    tally.write()
    monkeypatch.undo()
    tally.write()
    assert written.counts == [{"a": 1}]
    tally.add("a")
    tally.write()
    assert written.counts == [{"a": 1}, {"a": 1}]


def test_names_of_old_batches_are_forgotten(tally: Tally) -> None:
    tally.add("a")
    tally.write()
    db.session.execute(update(CountedBatch).values(at=clock.wall() - timedelta(days=3)))
    db.session.commit()
    tally.add("b")
    tally.write()
    assert len(db.session.scalars(select(CountedBatch)).all()) == 1


def test_what_waits_is_bounded(tally: Tally, written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "MOST", 2)
    for what in "abca":
        tally.add(what)
    tally.write()
    assert written.counts == [{"a": 2, "b": 1}]


def test_whichever_request_comes_when_it_is_time_starts_the_writing_and_does_not_wait(
    app: Flask, client: FlaskClient, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallies, "EVERY", 0.0)
    go_on, tally = threading.Event(), Tally(app, written)
    writes = tally._add_once
    monkeypatch.setattr(tally, "_add_once", lambda batch: go_on.wait(10) and writes(batch))
    tally.add("a")
    assert client.get("/healthz").status_code == 200
    assert written.counts == []
    go_on.set()
    for thread in threading.enumerate():
        if thread.name == "tally":
            thread.join(10)
    assert written.counts == [{"a": 1}]


def test_a_request_before_it_is_time_starts_nothing(
    client: FlaskClient, tally: Tally, written: Written
) -> None:
    tally.add("a")
    client.get("/healthz")
    assert [one for one in threading.enumerate() if one.name == "tally"] == []
    tally.write()
    assert written.counts == [{"a": 1}]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_web_process_that_ends_writes_what_is_left(app: Flask, tmp_path: Path) -> None:
    place = tmp_path / "written"

    def write(_connection: Connection, counts: Mapping[str, int]) -> None:
        place.write_text(f"{dict(counts)}")

    tally = Tally(app, write)
    child = get_context("fork").Process(target=lambda: tally.add("a"))
    child.start()
    child.join(20)
    assert place.read_text() == "{'a': 1}"
    tally.write()
    assert place.read_text() == "{'a': 1}"


def test_none_is_lost_or_doubled_between_threads(tally: Tally, written: Written) -> None:
    def add() -> None:
        for number in range(500):
            tally.add("a")
            if number % 100 == 0:
                tally.write()

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tally.write()
    assert sum(one["a"] for one in written.counts) == 2000
