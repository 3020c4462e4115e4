"""One SELECT a request: the driver answers as SQLAlchemy does, on a connection kept while it is good."""

import time
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, Engine, bindparam, event, func, select, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from paywall.accounts.models import Reader
from paywall.db import UTCDateTime, db
from paywall.questions import Lines, Question

THEN = datetime(2026, 3, 1, 12, 30, 15, 250, tzinfo=UTC)
QUERY = select(Reader.email, Reader.active.label("is_active"), Reader.confirmed_at).where(
    Reader.email == bindparam("email"), Reader.confirmed_at <= bindparam("now", type_=UTCDateTime())
)
GIVEN = {"email": "ana@example.org", "now": THEN}
ANA = ("ana@example.org", True, THEN)
QUESTION = Question(QUERY)


@pytest.fixture
def engine(app: Flask, context: None) -> Engine:
    db.session.add(Reader(email="ana@example.org", fs_uniquifier="ana", confirmed_at=THEN))
    db.session.commit()
    return db.engine


@pytest.fixture
def lines(engine: Engine) -> Lines:
    return Lines(engine)


def test_the_driver_answers_as_sqlalchemy_does(engine: Engine) -> None:
    question = Question(QUERY)
    with engine.connect() as connection:
        (row,) = question.ask(connection, GIVEN)
        assert row == ANA == tuple(connection.execute(QUERY, GIVEN).one())
        assert (row.email, row.is_active, row.confirmed_at) == ANA
        assert question.ask(connection, GIVEN | {"email": "nobody@example.org"}) == []
    assert [tuple(found) for found in question.ask(db.session, GIVEN)] == [ANA]


def test_who_listens_to_statements_hears_it(engine: Engine, lines: Lines) -> None:
    heard: list[str] = []

    def note(*given: Any) -> None:
        heard.append(given[2])

    event.listen(engine, "before_cursor_execute", note)
    assert ask(lines) == [ANA]
    event.remove(engine, "before_cursor_execute", note)
    assert [one for one in heard if "BEGIN" not in one] == heard[-1:]


def test_an_error_is_sqlalchemys_and_the_next_asks_anew(engine: Engine, lines: Lines) -> None:
    with pytest.raises(OperationalError if engine.dialect.name == "sqlite" else ProgrammingError) as error:
        ask(lines, Question(select(text("no_such_column"))))
    assert "no_such_column" in str(error.value)
    assert ask(lines) == [ANA]


def test_a_connection_is_kept_for_the_next_question_and_sees_what_is_new(lines: Lines) -> None:
    assert ask(lines) == [ANA]
    first = lines.ask(itself)
    db.session.execute(text("DELETE FROM reader"))
    db.session.commit()
    assert ask(lines) == []
    assert lines.ask(itself) is first


def test_what_is_kept_for_a_crowd_goes_back_when_one_comes_alone(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    # SQLite is asked in turn, so that there is no crowd.
    lines._turn = nullcontext()
    first = lines.ask(lambda connection: (connection, lines.ask(itself)))
    assert len(lines._idle) == 2
    now = time.monotonic()
    for later in (0.6, 1.2, 1.8):
        monkeypatch.setattr(time, "monotonic", lambda later=later: now + later)
        lines.ask(itself)
    assert len(lines._idle) == 1
    assert [one.closed for one in first].count(True) == 1


def test_one_that_lay_idle_goes_back_to_the_pool_that_looks_at_it(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = lines.ask(itself)
    monkeypatch.setattr("paywall.questions.STILL_GOOD", -1)
    assert lines.ask(itself) is not first
    assert first.closed


@pytest.mark.parametrize("how", ["dispose", "invalidate"])
def test_one_whose_other_end_is_gone_is_not_kept(engine: Engine, lines: Lines, how: str) -> None:
    first = lines.ask(itself)
    if how == "dispose":
        engine.dispose()
    else:
        lines.ask(lambda connection: connection.invalidate())
    assert lines.ask(itself) is not first
    assert ask(lines) == [ANA]
    assert first.closed


@pytest.mark.postgresql
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_restart_of_the_database_costs_nobody_anything(engine: Engine, lines: Lines) -> None:
    (backend,) = ask(lines, Question(select(func.pg_backend_pid().label("pid"))))
    with engine.connect() as other:
        other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": backend.pid})
    assert ask(lines) == [ANA]


def ask(lines: Lines, question: Question = QUESTION) -> Sequence[Any]:
    """What a question finds, put to a database as the door does."""
    return lines.ask(lambda connection: question.ask(connection, GIVEN))


def itself(connection: Connection) -> Connection:
    """The connection on which is asked."""
    return connection
