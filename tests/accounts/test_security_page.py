"""A reader looks after the account: password, address, browsers."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from paywall import jobs
from paywall.accounts import readers
from paywall.db import db
from tests.accounts.browser import (
    PASSWORD,
    Letters,
    ask_for_letter,
    is_signed_in,
    link_in,
    press,
    send,
    sign_in,
    sign_out,
    sign_up,
    token_in,
)
from tests.moving import MovingClock

pytestmark = pytest.mark.story

ANA = "ana@example.org"
NEW = "ana.new@example.org"
OTHER = "two trams in the snow"


def ask_for_reset(client: FlaskClient, email: str = ANA) -> str:
    answer = send(client, "/reset", email=email)
    assert (answer.status_code, answer.location) == (303, "/sign-in")
    jobs.drain(client.application)
    return client.get("/sign-in").text


def reset(client: FlaskClient, path: str, password: str = OTHER) -> int:
    return send(client, path, page="/reset", password=password, password_confirm=password).status_code


def test_a_forgotten_password_is_chosen_anew(app: Flask, client: FlaskClient, letters: Letters) -> None:
    sign_up(client, letters, ANA, PASSWORD)
    asking = app.test_client()
    assert "a letter with a link is on its way" in ask_for_reset(asking, "ANA@example.org")
    letter = letters()[-1]
    assert (letter.kind, letter.to) == ("reset", ANA)
    path = link_in(letter)
    assert asking.get(path).status_code == asking.get(path).status_code == 200
    answer = send(asking, path, password=OTHER, password_confirm=OTHER)
    assert answer.location == "/sign-in"
    assert "Your new password is set" in asking.get("/sign-in").text
    assert not is_signed_in(client)
    assert "do not belong together" in sign_in(asking, ANA, PASSWORD).text
    assert sign_in(asking, ANA, OTHER).status_code == 303
    assert letters()[-1].kind == "password_changed"
    assert link_in(letters()[-1]) == "/reset"


def test_a_reset_link_works_once(app: Flask, client: FlaskClient, letters: Letters) -> None:
    sign_up(client, letters, ANA, PASSWORD)
    ask_for_reset(asking := app.test_client())
    path = link_in(letters()[-1])
    assert reset(asking, path) == 302
    answer = asking.get(path)
    assert answer.location == "/reset"
    assert "This link has been used" in asking.get("/reset").text
    reset(asking, path, "a third tram in the snow")
    assert sign_in(asking, ANA, OTHER).status_code == 303


def test_a_reset_gives_a_password_to_who_had_none(app: Flask, client: FlaskClient, letters: Letters) -> None:
    sign_up(client, letters, ANA)
    sign_out(client)
    ask_for_reset(client)
    reset(client, link_in(letters()[-1]))
    assert sign_in(client, ANA, OTHER).status_code == 303


def test_a_reset_voids_the_letters_under_way(app: Flask, client: FlaskClient, letters: Letters) -> None:
    sign_up(client, letters, ANA, PASSWORD)
    ask_for_letter(app.test_client(), ANA)
    signing_in = link_in(letters()[-1])
    sign_out(client)
    ask_for_reset(client)
    reset(client, link_in(letters()[-1]))
    assert client.get(signing_in).status_code == 410


def test_a_reset_link_expires(
    client: FlaskClient, letters: Letters, monkeypatch: pytest.MonkeyPatch, app: Flask
) -> None:
    sign_up(client, letters, ANA, PASSWORD)
    sign_out(client)
    ask_for_reset(client)
    monkeypatch.setitem(app.config, "SECURITY_RESET_PASSWORD_WITHIN", timedelta(seconds=-1))
    assert client.get(link_in(letters()[-1])).location == "/reset"
    assert "This link has expired" in client.get("/reset").text


@pytest.mark.parametrize(
    ("password", "again", "says"),
    [
        ("", "", "Please give your password"),
        ("short one", "short one", "10 characters or more"),
        ("password1234", "password1234", "among the first"),
        (OTHER, OTHER + "!", "The two passwords differ"),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_bad_new_password_is_refused(
    client: FlaskClient, letters: Letters, password: str, again: str, says: str
) -> None:
    sign_up(client, letters, ANA, PASSWORD)
    changed = send(
        client,
        "/account/security/password",
        password=PASSWORD,
        new_password=password,
        new_password_confirm=again,
    )
    assert says in changed.text
    sign_out(client)
    ask_for_reset(client)
    answer = send(client, link_in(letters()[-1]), password=password, password_confirm=again)
    assert says in answer.text
    assert sign_in(client, ANA).status_code == 303


def test_changing_the_password_signs_other_browsers_out(
    app: Flask, client: FlaskClient, letters: Letters
) -> None:
    sign_up(client, letters, ANA, PASSWORD)
    phone = app.test_client()
    sign_in(phone, ANA)
    assert is_signed_in(phone)
    path = "/account/security/password"
    wrong = send(client, path, password="wrong", new_password=OTHER, new_password_confirm=OTHER)
    assert "not your present password" in wrong.text
    same = send(client, path, password=PASSWORD, new_password=PASSWORD, new_password_confirm=PASSWORD)
    assert "the password that you have already" in same.text
    answer = send(client, path, password=PASSWORD, new_password=OTHER, new_password_confirm=OTHER)
    assert answer.location == "/account/security"
    assert "Your password is changed" in client.get("/account/security").text
    assert is_signed_in(client)
    assert not is_signed_in(phone)
    assert letters()[-1].kind == "password_changed"
    assert sign_in(phone, ANA, OTHER).status_code == 303


def test_who_has_no_password_chooses_one(client: FlaskClient, letters: Letters) -> None:
    sign_up(client, letters, ANA)
    assert "Choose a password" in client.get("/account/security").text
    page = client.get("/account/security/password").text
    assert "Present password" not in page
    send(client, "/account/security/password", new_password=OTHER, new_password_confirm=OTHER)
    sign_out(client)
    assert sign_in(client, ANA, OTHER).status_code == 303


def change_address(client: FlaskClient, email: str = NEW, password: str = PASSWORD) -> str:
    path = "/account/security/address"
    answer = send(client, path, page="/account/security", email=email, password=password)
    return client.get(answer.location).text if answer.location else answer.text


def test_the_address_changes_when_the_new_one_is_proven(
    app: Flask, client: FlaskClient, letters: Letters
) -> None:
    sign_up(client, letters, ANA, PASSWORD)
    phone = app.test_client()
    sign_in(phone, ANA)
    ask_for_letter(app.test_client(), ANA)
    old_link = link_in(letters()[-1])
    assert f"We have written to {NEW}" in change_address(client, "Ana.New@Example.org")
    letter = letters()[-1]
    assert (letter.kind, letter.to) == ("email_change", NEW)
    path = link_in(letter)
    client.head(path)
    assert ANA in client.get(path).text
    assert f"Your address is {ANA}" in client.get("/account/security").text
    assert press(client, path).location == "/account/security"
    assert f"Your address is now {NEW}" in client.get("/account/security").text
    notice = letters()[-1]
    assert (notice.kind, notice.to) == ("email_changed_notice", ANA)
    assert NEW in notice.text
    assert not is_signed_in(phone)
    assert client.get(path).status_code == 410
    assert phone.get(old_link).status_code == 410
    assert "do not belong together" in sign_in(phone, ANA).text
    assert sign_in(phone, NEW).status_code == 303


def test_the_new_address_needs_the_present_password(client: FlaskClient, letters: Letters) -> None:
    sign_up(client, letters, ANA, PASSWORD)
    for password in ("", "wrong"):
        assert "not your present password" in change_address(client, password=password)
    assert "does not look like" in change_address(client, email="ana")
    assert letters()[-1].kind == "confirm"


def test_nobody_but_the_reader_who_asked_can_use_the_link(
    app: Flask, client: FlaskClient, letters: Letters
) -> None:
    sign_up(client, letters, ANA)
    change_address(client)
    path = link_in(letters()[-1])
    stranger = app.test_client()
    answer = stranger.get(path)
    assert answer.status_code == 302
    assert answer.location.startswith("/sign-in?next=/account/security/address/")
    sign_up(stranger, letters, "eve@example.org")
    assert stranger.get(path).status_code == 410
    assert send(stranger, path, page="/account/security").status_code == 410
    as_sign_in = path.replace("/account/security/address/", "/sign-in/link/")
    assert stranger.get(as_sign_in).status_code == 410
    assert press(client, path).status_code == 303


def test_the_link_to_a_new_address_expires(client: FlaskClient, letters: Letters, clock: MovingClock) -> None:
    sign_up(client, letters, ANA)
    change_address(client)
    path = link_in(letters()[-1])
    clock.advance(minutes=59)
    assert client.get(path).status_code == 200
    clock.advance(minutes=1)
    assert client.get(path).status_code == 410


def test_an_address_that_has_an_account_stays_where_it_is(
    app: Flask, client: FlaskClient, letters: Letters
) -> None:
    sign_up(app.test_client(), letters, NEW)
    sign_up(client, letters, ANA)
    assert f"We have written to {NEW}" in change_address(client)
    letter = letters()[-1]
    assert (letter.kind, letter.to) == ("address_taken", NEW)
    assert "/address/" not in letter.text


def test_an_address_that_is_taken_meanwhile_stays_where_it_is(
    app: Flask, client: FlaskClient, letters: Letters
) -> None:
    sign_up(client, letters, ANA)
    change_address(client)
    path = link_in(letters()[-1])
    with app.app_context():
        readers.find_or_add(NEW)
        db.session.commit()
    assert press(client, path).status_code == 410
    assert f"Your address is {ANA}" in client.get("/account/security").text


def test_signing_out_everywhere(app: Flask, client: FlaskClient, letters: Letters) -> None:
    sign_up(client, letters, ANA, PASSWORD)
    phone = app.test_client()
    sign_in(phone, ANA)
    answer = send(client, "/account/security/sign-out-everywhere", page="/account/security")
    assert answer.location == "/"
    assert not is_signed_in(client)
    assert not is_signed_in(phone)
    assert sign_in(client, ANA).status_code == 303


def test_signing_out_here(app: Flask, client: FlaskClient, letters: Letters) -> None:
    sign_up(client, letters, ANA, PASSWORD)
    phone = app.test_client()
    sign_in(phone, ANA)
    assert client.get("/sign-out").status_code == 405
    assert client.post("/sign-out").status_code == 400
    assert is_signed_in(client)
    assert sign_out(client).location == "/"
    assert not is_signed_in(client)
    assert is_signed_in(phone)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_links_are_built_from_our_address_whatever_the_request_says(
    client: FlaskClient, letters: Letters
) -> None:
    sign_up(client, letters, ANA, PASSWORD)
    sign_out(client)
    token_page = client.get("/reset", headers={"Host": "evil.example"})
    fields = {"csrf_token": token_in(token_page.text), "email": ANA}
    client.post("/sign-in/letter", data=fields, headers={"Host": "evil.example"})
    client.post("/reset", data=fields, headers={"Host": "evil.example"})
    jobs.drain(client.application)
    assert [letter.kind for letter in letters()[-2:]] == ["sign_in", "reset"]
    assert not any("evil" in letter.text + letter.html for letter in letters())
