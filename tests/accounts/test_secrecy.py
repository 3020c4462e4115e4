"""Nobody can find out who has an account: the whole answers for a known and an unknown address are equal."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from paywall import jobs
from paywall.db import db
from tests.accounts.browser import (
    PASSWORD,
    Letters,
    ask_for_letter,
    code_in,
    link_in,
    send,
    sign_in,
    sign_out,
    sign_up,
)

KNOWN, UNKNOWN = "known@example.org", "other@example.org"
Asking = Callable[[FlaskClient, str], list[TestResponse]]


def sign_up_again(client: FlaskClient, email: str) -> list[TestResponse]:
    return [send(client, "/sign-up", email=email, password="another long one"), client.get("/sign-in/code")]


def ask_for_code(client: FlaskClient, email: str) -> list[TestResponse]:
    return [ask_for_letter(client, email, "/articles/frost"), client.get("/sign-in/code")]


def ask_again(client: FlaskClient, email: str) -> list[TestResponse]:
    ask_for_letter(client, email)
    return [send(client, "/sign-in/again", page="/sign-in/code"), client.get("/sign-in/code")]


def enter_wrong_code(client: FlaskClient, email: str) -> list[TestResponse]:
    ask_for_letter(client, email)
    return [send(client, "/sign-in/code", code="no code") for _ in range(6)]


def reset(client: FlaskClient, email: str) -> list[TestResponse]:
    return [send(client, "/reset", email=email), client.get("/sign-in")]


def guess(client: FlaskClient, email: str) -> list[TestResponse]:
    return [sign_in(client, email, "not the password"), client.get("/sign-in")]


def bare(answer: TestResponse, client: FlaskClient, email: str) -> tuple[object, ...]:
    """All that an onlooker sees, without the address itself and without what is random."""
    text = re.sub(r'(name="csrf_token"[^>]*value=")[^"]+', r"\1", answer.text).replace(email, "EMAIL")
    headers = [
        (name, value)
        for name, value in answer.headers
        if name not in {"Date", "Set-Cookie", "Content-Length", "X-Request-ID"}
    ]
    with client.session_transaction() as session:
        kept = sorted(session)
    cookies = [value.partition("=")[0] for value in answer.headers.getlist("Set-Cookie")]
    return answer.status_code, headers, cookies, kept, text


@pytest.mark.parametrize(
    "asking",
    [sign_up_again, ask_for_code, ask_again, enter_wrong_code, reset, guess],
    ids=lambda ask: ask.__name__,
)
@pytest.mark.parametrize("password", [PASSWORD, ""], ids=["with password", "without"])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_answers_do_not_tell_who_has_an_account(
    app: Flask, client: FlaskClient, letters: Letters, asking: Asking, password: str
) -> None:
    sign_up(client, letters, KNOWN, password)
    seen = []
    for email in (KNOWN, UNKNOWN):
        browser = app.test_client()
        seen.append([bare(answer, browser, email) for answer in asking(browser, email)])
    assert seen[0] == seen[1]


@pytest.mark.parametrize("asking", [sign_up_again, ask_for_code, reset], ids=lambda ask: ask.__name__)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_same_work_is_done_for_a_known_and_an_unknown_address(
    app: Flask, client: FlaskClient, letters: Letters, asking: Asking
) -> None:
    sign_up(client, letters, KNOWN, PASSWORD)
    statements: list[str] = []
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *seen: statements.append(seen[2]))
    counts = []
    for email in (KNOWN, UNKNOWN):
        statements.clear()
        asking(app.test_client(), email)
        counts.append(list(statements))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_address_without_an_account_gets_no_reset_letter(client: FlaskClient, letters: Letters) -> None:
    assert "does not look like" in send(client, "/reset", email="not an address").text
    reset(client, UNKNOWN)
    jobs.drain(client.application)
    assert letters() == []


@pytest.mark.parametrize("email", ["not an address", "", "ana@localhost"])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_signing_in_with_what_is_no_address_is_answered_like_a_wrong_password(
    client: FlaskClient, email: str
) -> None:
    assert "do not belong together" in sign_in(client, email).text


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_no_secret_is_logged(
    client: FlaskClient,
    letters: Letters,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level("DEBUG")
    sign_up(client, letters, KNOWN, PASSWORD)
    sign_out(client)
    sign_in(client, KNOWN)
    written = caplog.text + "".join(capsys.readouterr())
    letter = letters()[0]
    for secret in (PASSWORD, code_in(letter), link_in(letter).rpartition("/")[2]):
        assert secret not in written
