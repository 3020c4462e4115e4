"""Sessions: fresh at each sign-in, long, signed again once a week, and readable at the door."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.http import dump_cookie

from paywall.accounts import readers
from paywall.accounts.sessions import NOBODY, SessionFacts, reader_key
from tests.accounts.browser import (
    PASSWORD,
    Letters,
    ask_for_letter,
    code_in,
    is_signed_in,
    send,
    sign_in,
    sign_out,
    sign_up,
    token_in,
)
from tests.moving import MovingClock

ANA = "ana@example.org"
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def cookie(client: FlaskClient) -> str:
    found = client.get_cookie("paywall")
    assert found is not None
    return str(found.value)


def environ(value: str) -> dict[str, Any]:
    return {"HTTP_COOKIE": dump_cookie("paywall", value).partition(";")[0]}


def test_signing_in_leaves_nothing_of_the_session_before(
    app: Flask, client: FlaskClient, letters: Letters
) -> None:
    sign_up(client, letters, ANA, PASSWORD)
    sign_out(client)
    ask_for_letter(client, ANA)
    with client.session_transaction() as session:
        session["planted"] = "by an attacker"
    before = cookie(client)
    answer = sign_in(client, ANA)
    assert answer.status_code == 303
    assert cookie(client) != before
    with client.session_transaction() as session:
        known = {"_user_id", "_fresh", "_id", "_permanent", "fs_paa", "since", "proven", "csrf_token"}
        assert set(session) <= known
    assert {name.partition("=")[0] for name in answer.headers.getlist("Set-Cookie")} == {"paywall"}


def test_a_form_from_before_the_sign_in_is_stale(client: FlaskClient, letters: Letters) -> None:
    sign_up(client, letters, ANA, PASSWORD)
    sign_out(client)
    old = token_in(client.get("/sign-in").text)
    sign_in(client, ANA)
    answer = client.post("/account/security/sign-out-everywhere", data={"csrf_token": old})
    assert answer.status_code == 400
    assert "This form had expired" in answer.text
    assert is_signed_in(client)


@pytest.mark.parametrize(
    "path",
    [
        "/sign-up",
        "/sign-in",
        "/sign-in/letter",
        "/sign-in/again",
        "/sign-in/code",
        "/sign-in/once-more",
        "/sign-in/once-more/letter",
        "/sign-in/link/made-up",
        "/sign-out",
        "/reset",
        "/reset/made-up",
        "/account/security/password",
        "/account/security/address",
        "/account/security/address/made-up",
        "/account/security/sign-out-everywhere",
    ],
)
def test_every_form_needs_its_token(client: FlaskClient, path: str) -> None:
    assert client.post(path, data={"email": ANA, "code": "123456"}).status_code == 400
    answer = client.post(path, data={"email": ANA, "csrf_token": "made-up"})
    assert answer.status_code == 400
    assert "This form had expired" in answer.text


def test_a_session_lasts_and_has_no_second_cookie(app: Flask, client: FlaskClient, letters: Letters) -> None:
    sign_up(client, letters, ANA, PASSWORD)
    sign_out(client)
    answer = send(client, "/sign-in", email=ANA, password=PASSWORD, remember="y")
    (header,) = answer.headers.getlist("Set-Cookie")
    assert header.startswith("paywall=")
    assert "Expires=" in header
    assert "HttpOnly" in header
    assert "SameSite=Lax" in header
    assert client.get_cookie("remember_token") is None


def test_a_session_is_signed_again_once_a_week(
    client: FlaskClient, letters: Letters, clock: MovingClock
) -> None:
    sign_up(client, letters, ANA)
    client.get("/account/security")
    first = cookie(client)
    clock.advance(days=6, hours=23)
    client.get("/account/security")
    assert cookie(client) == first
    clock.advance(hours=2)
    client.get("/account/security")
    second = cookie(client)
    assert second != first
    client.get("/account/security")
    assert cookie(client) == second


def test_no_key_but_the_session_opens(app: Flask, client: FlaskClient, letters: Letters) -> None:
    sign_up(client, letters, ANA)
    with app.app_context():
        reader = readers.find(ANA)
        assert reader is not None
        token = str(reader.get_auth_token())
    stranger = app.test_client()
    key = {"Authentication-Token": token}
    assert stranger.get("/account/security", headers=key).status_code == 302
    assert stranger.get(f"/account/security?auth_token={token}").status_code == 302


@pytest.mark.parametrize("path", ["/sign-in", "/sign-up", "/reset"])
def test_answers_are_pages_whatever_is_asked_for(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers={"Accept": "application/json", "Content-Type": "application/json"})
    assert answer.mimetype == "text/html"
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_the_door_knows_whom_a_cookie_names(app: Flask, client: FlaskClient, letters: Letters) -> None:
    facts = reader_key(app)
    sign_up(client, letters, ANA)
    with client.session_transaction() as session:
        named = session["_user_id"]
    assert facts(environ(cookie(client))) == SessionFacts(named, has_flashes=True)
    client.get("/account/security")
    assert facts(environ(cookie(client))) == SessionFacts(named, has_flashes=False)
    with app.app_context():
        reader = readers.find(ANA)
        assert reader is not None
        assert reader.fs_uniquifier == named
    sign_out(client)
    assert facts(environ(cookie(client))).uniquifier is None


@pytest.mark.parametrize("value", ["", "made-up", "eyJfdXNlcl9pZCI6IngifQ.aaaaaa.bbbbbbbb", "a" * 5000, "é"])
def test_a_bad_cookie_is_nobody(app: Flask, value: str) -> None:
    assert reader_key(app)({"HTTP_COOKIE": f"paywall={value}; other"}) == NOBODY


def test_no_cookie_is_nobody(app: Flask) -> None:
    assert reader_key(app)({}) == NOBODY
    assert reader_key(app)({"HTTP_COOKIE": "other=1"}) == NOBODY


def test_an_expired_cookie_is_nobody(app: Flask, client: FlaskClient, letters: Letters) -> None:
    sign_up(client, letters, ANA)
    app.config["PERMANENT_SESSION_LIFETIME"] = timedelta(seconds=-1)
    assert reader_key(app)(environ(cookie(client))) == NOBODY


def test_a_second_sign_in_by_letter_replaces_the_reader(
    app: Flask, client: FlaskClient, letters: Letters
) -> None:
    sign_up(client, letters, ANA)
    sign_up_page = app.test_client()
    sign_up(sign_up_page, letters, "eve@example.org")
    sign_out(sign_up_page)
    ask_for_letter(sign_up_page, ANA)
    send(sign_up_page, "/sign-in/code", code=code_in(letters()[-1]))
    assert f"Your address is {ANA}" in sign_up_page.get("/account/security").text
