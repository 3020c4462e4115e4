"""Proving once more who is signed in, before what a session some minutes old is not enough for."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from paywall.accounts.routes import may_enter
from tests.accounts.browser import PASSWORD, Letters, code_in, send, sign_up, token_in
from tests.staffing import grow_stale

ANA = "ana@example.org"
SITE = "http://localhost"
ASKED = "/sign-in/once-more"
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def till(app: Flask, client: FlaskClient, letters: Letters) -> list[str]:
    """A drawer with a page and a form, for a reader who has just proven who they are; what was taken."""
    taken: list[str] = []

    @may_enter("reader", fresh=True)
    def drawer() -> str:
        return "the drawer"

    @may_enter("reader", fresh=True)
    def take() -> str:
        taken.append("coins")
        return "taken"

    app.add_url_rule("/drawer", "drawer", drawer)
    app.add_url_rule("/drawer/take", "take", take, methods=["POST"])
    return taken


def test_who_has_just_signed_in_is_not_asked(till: list[str], client: FlaskClient, letters: Letters) -> None:
    assert client.get("/drawer").location == "/sign-in?next=/drawer"
    sign_up(client, letters, ANA)
    assert client.get("/drawer").text == "the drawer"


@pytest.mark.parametrize(("seconds", "is_asked"), [(898, False), (900, True), (-60, True)])
def test_a_proof_holds_for_a_quarter_of_an_hour(
    till: list[str],
    client: FlaskClient,
    letters: Letters,
    seconds: int,
    *,
    is_asked: bool,
) -> None:
    sign_up(client, letters, ANA)
    grow_stale(client, seconds=seconds)
    answer = client.get("/drawer?side=left")
    assert answer.location == (f"{ASKED}?next=/drawer?side%3Dleft" if is_asked else None)
    assert ("the drawer" in answer.text) != is_asked


def test_the_password_is_asked_for_and_brings_back(
    till: list[str], client: FlaskClient, letters: Letters
) -> None:
    sign_up(client, letters, ANA, PASSWORD)
    grow_stale(client, minutes=20)
    assert "This is not your present password." in send(client, ASKED, password="wrong", next="/drawer").text
    assert client.get("/drawer").status_code == 302
    assert send(client, ASKED, password=PASSWORD, next="/drawer").location == "/drawer"
    assert client.get("/drawer").text == "the drawer"


def test_who_has_no_password_is_sent_a_code(till: list[str], client: FlaskClient, letters: Letters) -> None:
    sign_up(client, letters, ANA)
    grow_stale(client, minutes=20)
    assert "Your password" not in client.get(ASKED).text
    assert send(client, ASKED, password="").status_code == 200
    assert send(client, f"{ASKED}/letter", page=ASKED, next="/drawer").location == "/sign-in/code"
    assert letters()[-1].to == ANA
    assert send(client, "/sign-in/code", code=code_in(letters()[-1])).location == "/drawer"
    assert client.get("/drawer").text == "the drawer"


@pytest.mark.parametrize(
    ("referrer", "back"),
    [
        (f"{SITE}/drawer?side=left", "?next=/drawer?side%3Dleft"),
        (f"{SITE}/drawer/take", ""),
        ("http://elsewhere.example/drawer", ""),
        (None, ""),
    ],
)
def test_a_form_that_came_too_late_is_not_lost_silently(
    till: list[str],
    client: FlaskClient,
    letters: Letters,
    referrer: str | None,
    back: str,
) -> None:
    sign_up(client, letters, ANA)
    token = token_in(client.get("/account/security").text)
    grow_stale(client, minutes=20)
    headers = {"Referer": referrer} if referrer else {}
    answer = client.post("/drawer/take", data={"csrf_token": token}, headers=headers)
    assert (answer.status_code, answer.location) == (303, ASKED + back)
    assert till == []
    assert "Nothing is done yet." in client.get(answer.location).text
    grow_stale(client, minutes=-20)
    assert client.post("/drawer/take", data={"csrf_token": token}).text == "taken"
