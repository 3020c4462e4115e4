"""A newcomer signs up, with a password or without, and is back where they came from."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from paywall.accounts import readers
from tests.accounts.browser import (
    PASSWORD,
    Letters,
    ask_for_letter,
    code_in,
    is_signed_in,
    link_in,
    press,
    send,
    sign_in,
    sign_out,
    sign_up,
)


def test_an_address_alone_is_enough(client: FlaskClient, letters: Letters) -> None:
    answer = send(client, "/sign-up", email=" Ana@Example.ORG ", next="/articles/frost?from=front")
    assert (answer.status_code, answer.location) == (303, "/sign-in/code")
    letter = letters()[-1]
    assert (letter.kind, letter.to) == ("confirm", "ana@example.org")
    code = code_in(letter)
    assert "ana@example.org" in client.get("/sign-in/code").text
    assert not is_signed_in(client)
    answer = send(client, "/sign-in/code", code=f" {code[:3]} {code[3:]} ")
    assert (answer.status_code, answer.location) == (303, "/articles/frost?from=front")
    assert is_signed_in(client)


def test_a_password_chosen_at_sign_up_signs_in_later(client: FlaskClient, letters: Letters) -> None:
    sign_up(client, letters, "ana@example.org", PASSWORD)
    sign_out(client)
    assert not is_signed_in(client)
    answer = sign_in(client, "ANA@example.org", next_path="/articles/frost")
    assert (answer.status_code, answer.location) == (303, "/articles/frost")
    assert is_signed_in(client)


def test_the_link_confirms_when_its_button_is_pressed(
    app: Flask, client: FlaskClient, letters: Letters
) -> None:
    send(client, "/sign-up", email="ana@example.org", password=PASSWORD, next="/articles/frost")
    path = link_in(letters()[-1])
    assert path.startswith("/confirm/")
    assert "Sign in to The Vitosha Courier" in client.get(path).text
    assert not is_signed_in(client)
    answer = press(client, path)
    assert (answer.status_code, answer.location) == (303, "/articles/frost")
    assert is_signed_in(client)
    with app.app_context():
        reader = readers.find("ana@example.org")
        assert reader is not None
        assert reader.confirmed_at is not None


def test_until_the_address_is_proven_there_is_no_account(app: Flask, client: FlaskClient) -> None:
    send(client, "/sign-up", email="ana@example.org", password=PASSWORD)
    with app.app_context():
        assert readers.find("ana@example.org") is None
    answer = sign_in(client, "ana@example.org")
    assert "do not belong together" in answer.text
    assert not is_signed_in(client)


def test_who_opens_the_link_in_another_browser_is_in_but_chooses_the_password_again(
    app: Flask, client: FlaskClient, letters: Letters
) -> None:
    send(client, "/sign-up", email="ana@example.org", password=PASSWORD, next="/articles/frost")
    phone = app.test_client()
    answer = press(phone, link_in(letters()[-1]))
    assert answer.location == "/account/security?next=/articles/frost"
    page = phone.get(answer.location).text
    assert "choose your password again" in page
    assert 'href="/articles/frost"' in page
    assert "do not belong together" in sign_in(client, "ana@example.org").text
    send(phone, "/account/security/password", new_password=PASSWORD, new_password_confirm=PASSWORD)
    assert sign_in(client, "ana@example.org").status_code == 303


def test_a_reader_who_signs_up_again_gets_a_letter_that_says_so(
    client: FlaskClient, letters: Letters
) -> None:
    sign_up(client, letters, "ana@example.org", PASSWORD)
    sign_out(client)
    answer = send(
        client, "/sign-up", email="ana@example.org", password="another long one", next="/articles/frost"
    )
    assert answer.location == "/sign-in/code"
    letter = letters()[-1]
    assert letter.kind == "already_registered"
    assert "already have an account" in letter.subject
    answer = press(client, link_in(letter))
    assert answer.location == "/articles/frost"
    sign_out(client)
    assert "do not belong together" in sign_in(client, "ana@example.org", "another long one").text
    assert sign_in(client, "ana@example.org").status_code == 303


def test_who_asks_to_sign_in_without_an_account_is_offered_one(client: FlaskClient, letters: Letters) -> None:
    ask_for_letter(client, "new@example.org", "/articles/frost")
    letter = letters()[-1]
    assert letter.kind == "no_account"
    assert "no account" in letter.text
    assert press(client, link_in(letter)).location == "/articles/frost"
    assert is_signed_in(client)


def test_another_letter_keeps_what_was_chosen(client: FlaskClient, letters: Letters) -> None:
    send(client, "/sign-up", email="ana@example.org", password=PASSWORD, next="/articles/frost")
    answer = send(client, "/sign-in/again", page="/sign-in/code")
    assert answer.location == "/sign-in/code"
    assert "Another letter" in client.get("/sign-in/code").text
    first, second = letters()
    assert first.kind == second.kind == "confirm"
    assert send(client, "/sign-in/code", code=code_in(second)).location == "/articles/frost"
    sign_out(client)
    assert sign_in(client, "ana@example.org").status_code == 303
    assert press_gone(client, link_in(first))


def press_gone(client: FlaskClient, path: str) -> bool:
    """Whether a link says that it no longer works, and offers a new letter."""
    page = client.get(path)
    return page.status_code == 410 and "/sign-in/letter" in page.text


def test_without_a_letter_on_its_way_there_is_no_code_to_enter(client: FlaskClient) -> None:
    assert client.get("/sign-in/code").location == "/sign-in"
    answer = send(client, "/sign-in/again", page="/sign-in")
    assert (answer.status_code, answer.location) == (303, "/sign-in")


def test_another_letter_after_the_first_is_forgotten(
    app: Flask, client: FlaskClient, letters: Letters
) -> None:
    from paywall.accounts import proofs
    from paywall.db import db

    send(client, "/sign-up", email="ana@example.org", password=PASSWORD, next="/articles/frost")
    with app.app_context():
        proofs.void("ana@example.org")
        db.session.commit()
    send(client, "/sign-in/again", page="/sign-in/code")
    assert send(client, "/sign-in/code", code=code_in(letters()[-1])).location == "/articles/frost"


@pytest.mark.parametrize(
    ("email", "password", "says"),
    [
        ("", "", "Please give your e-mail address."),
        ("ana", "", "does not look like an e-mail address"),
        ("ana@", "", "does not look like an e-mail address"),
        ("ana@example.org\r\nBcc: x@example.org", "", "does not look like an e-mail address"),
        ("ana@example.org", "short one", "10 characters or more"),
        ("ana@example.org", "x" * 129, "at most 128"),
        ("ana@example.org", "Password123", "among the first"),
        ("ana@example.org", "ana@example.org", "among the first"),
        ("ana@example.org", "The Vitosha Courier", "among the first"),
        ("ana@example.org", "ababababababab", "among the first"),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_slip_is_said_and_no_letter_is_written(
    client: FlaskClient, letters: Letters, email: str, password: str, says: str
) -> None:
    answer = send(client, "/sign-up", email=email, password=password, next="/articles/frost")
    assert answer.status_code == 200
    assert says in answer.text
    assert 'value="/articles/frost"' in answer.text
    assert re.search(r'type="password" value=""', answer.text)
    assert letters() == []


def test_who_is_signed_in_is_taken_on(client: FlaskClient, letters: Letters) -> None:
    sign_up(client, letters, "ana@example.org")
    assert client.get("/sign-up?next=/articles/frost").location == "/articles/frost"
    assert client.get("/sign-in?next=/articles/frost").location == "/articles/frost"
    assert client.get("/sign-in").location == "/"
