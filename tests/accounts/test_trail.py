"""The audit trail: who acted, what changed, and that it goes with the act or not at all."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask_login import login_user, logout_user
from sqlalchemy import select

from paywall.accounts import readers, trail
from paywall.accounts.models import Reader
from paywall.accounts.trail import StaffAct
from paywall.db import db


@pytest.fixture
def editor(app: Flask, context: None) -> Iterator[Reader]:
    """A reader."""
    found = readers.find_or_add("editor@example.org")
    db.session.commit()
    yield found
    db.session.rollback()


def lines() -> list[StaffAct]:
    """The whole trail, oldest first."""
    return list(db.session.scalars(select(StaffAct).order_by(StaffAct.id)))


def test_who_is_signed_in_is_named(app: Flask, editor: Reader) -> None:
    with app.test_request_context():
        login_user(editor)
        trail.note("gate rule set", "tag free", reason=" an experiment ")
        logout_user()
    db.session.commit()
    (line,) = lines()
    assert (line.actor, line.actor_id) == ("editor@example.org", editor.id)
    assert (line.act, line.about, line.reason) == ("gate rule set", "tag free", "an experiment")


def test_a_program_is_not_taken_for_a_person(app: Flask, editor: Reader) -> None:
    with app.test_request_context():
        trail.note("article published", "article news")
    db.session.commit()
    assert [(line.actor, line.actor_id) for line in lines()] == [("a program with a token", None)]


@pytest.mark.parametrize("nameless", [KeyError, OSError])
def test_in_a_shell_it_is_the_user_of_the_system(
    editor: Reader, monkeypatch: pytest.MonkeyPatch, nameless: type[Exception]
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "maria")
    trail.note("role given", "books@example.org", reason="New here")

    def refuse() -> str:
        raise nameless

    monkeypatch.setattr("getpass.getuser", refuse)
    trail.note("role given", "desk@example.org", reason="New here")
    db.session.commit()
    assert [line.actor for line in lines()] == ["shell (maria)", "shell (unknown)"]


def test_only_what_changed_is_kept_as_values_that_json_knows(editor: Reader) -> None:
    until = datetime(2026, 11, 26, tzinfo=UTC)
    before = {"same": "x", "until": None, "seats": 2, "gone": True}
    trail.note("gate rule set", "a thing", before=before, after={"same": "x", "until": until, "seats": 3})
    db.session.commit()
    (line,) = lines()
    assert line.before == {"until": None, "seats": 2, "gone": True}
    assert line.after == {"until": "2026-11-26 00:00:00+00:00", "seats": 3}


def test_what_is_undone_leaves_no_line(editor: Reader) -> None:
    trail.note("role given", "books@example.org", reason="New here")
    db.session.rollback()
    assert lines() == []


class TestTheCommand:
    """`flask paywall trail`."""

    @pytest.fixture
    def run(self, app: Flask) -> Callable[..., str]:
        """Run a command and hand over what it printed."""

        def run(*words: str) -> str:
            result = app.test_cli_runner().invoke(args=["paywall", *words])
            assert result.exit_code == 0, result.output
            return result.output

        return run

    def test_what_commands_did_is_shown_with_what_changed(self, run: Callable[..., str]) -> None:
        run("staff", "books@example.org", "--role", "bookkeeper", "--why", "New here")
        run("staff", "books@example.org", "--role", "membership", "--role", "bookkeeper", "--why", "New here")
        run("plan", "patron", "--name", "Patron", "--month", "5", "--why", "New here")
        run("plan", "patron", "--name", "Patron", "--month", "6", "--why", "New here")
        found = run("trail")
        assert "plan written, plan patron\n" in found
        assert "prices: €5 a month -> €6 a month" in found
        assert "roles: bookkeeper -> bookkeeper, membership" in found
        assert found.count("role given") == 2
        assert found.count("name:") == 1

    def test_it_can_be_asked_for_one_reader_one_act_one_person(self, run: Callable[..., str]) -> None:
        run("staff", "books@example.org", "--role", "bookkeeper", "--why", "New here")
        run("plan", "patron", "--name", "Patron", "--month", "5", "--why", "New here")
        assert run("trail", "--reader", "Books@example.org").count(": role given, ") == 1
        assert "plan" not in run("trail", "--act", "role given")
        assert run("trail", "--by", "nobody@example.org") == ""
        assert run("trail", "--since", "2099-01-01") == ""
        assert '"act": "plan written"' in run("trail", "--json", "--most", "1")

    def test_unknown_readers_are_told_plainly(self, app: Flask) -> None:
        for email, said in (("nobody@example.org", "There is no reader"), ("x", "is not an address")):
            result = app.test_cli_runner().invoke(args=["paywall", "trail", "--reader", email])
            assert result.exit_code == 1
            assert said in result.output
