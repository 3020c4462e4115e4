"""Codes and links: scanners cannot use them up, they work once, for a while, and for few tries."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from paywall import jobs
from paywall.accounts import proofs, readers
from paywall.accounts.models import Proof
from paywall.db import db
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
from tests.moving import MovingClock

ANA = "ana@example.org"


def test_a_scanner_that_opens_the_link_changes_nothing(
    app: Flask, client: FlaskClient, letters: Letters
) -> None:
    sign_up(client, letters, ANA)
    sign_out(client)
    ask_for_letter(client, ANA, "/articles/frost")
    path = link_in(letters()[-1])
    scanner = app.test_client()
    for _ in range(8):
        assert scanner.get(path).status_code == 200
        assert scanner.head(path).status_code == 200
    assert scanner.post(path).status_code == 400
    assert not is_signed_in(scanner)
    assert press(client, path).location == "/articles/frost"
    assert is_signed_in(client)


def test_a_link_works_once(app: Flask, client: FlaskClient, letters: Letters) -> None:
    ask_for_letter(client, ANA)
    path = link_in(letters()[-1])
    other = app.test_client()
    page = other.get(path)
    assert page.status_code == 200
    press(client, path)
    assert other.get(path).status_code == 410
    stale = send(other, path, page="/sign-in")
    assert stale.status_code == 410
    assert "no longer works" in stale.text
    assert not is_signed_in(other)


def test_a_code_works_once_and_voids_the_link(app: Flask, client: FlaskClient, letters: Letters) -> None:
    ask_for_letter(client, ANA)
    letter = letters()[-1]
    with client.session_transaction() as session:
        waiting = session["waiting"]
    send(client, "/sign-in/code", code=code_in(letter))
    assert is_signed_in(client)
    other = app.test_client()
    with other.session_transaction() as session:
        session["waiting"] = waiting
    assert "wrong, used or expired" in send(other, "/sign-in/code", code=code_in(letter)).text
    assert other.get(link_in(letter)).status_code == 410
    assert not is_signed_in(other)


def test_success_voids_every_other_letter_to_the_address(
    app: Flask, client: FlaskClient, letters: Letters
) -> None:
    ask_for_letter(app.test_client(), ANA)
    ask_for_letter(client, ANA)
    first, second = letters()
    press(client, link_in(second))
    assert client.get(link_in(first)).status_code == 410


def test_five_wrong_codes_void_the_code_but_not_the_link(client: FlaskClient, letters: Letters) -> None:
    ask_for_letter(client, ANA)
    letter = letters()[-1]
    right = code_in(letter)
    wrong = "000001" if right != "000001" else "000002"
    for _ in range(proofs.TRIES):
        answer = send(client, "/sign-in/code", code=wrong)
        assert answer.status_code == 200
        assert "wrong, used or expired" in answer.text
    assert "wrong, used or expired" in send(client, "/sign-in/code", code=right).text
    assert not is_signed_in(client)
    assert press(client, link_in(letter)).status_code == 303


def test_four_wrong_codes_and_then_the_right_one(client: FlaskClient, letters: Letters) -> None:
    ask_for_letter(client, ANA)
    for wrong in ("", "12345", "abcdef", "١٢٣٤٥٦", "000000 000000"):
        send(client, "/sign-in/code", code=wrong)
    assert send(client, "/sign-in/code", code=code_in(letters()[-1])).status_code == 303


@pytest.mark.parametrize(
    ("kind", "age", "works"),
    [
        ("known", timedelta(minutes=14, seconds=59), {"code", "link"}),
        ("known", timedelta(minutes=15), set()),
        ("new", timedelta(minutes=14, seconds=59), {"code", "link"}),
        ("new", timedelta(minutes=15), {"link"}),
        ("new", timedelta(hours=23, minutes=59), {"link"}),
        ("new", timedelta(days=1), set()),
    ],
)
def test_how_long_a_letter_is_good(
    client: FlaskClient, letters: Letters, clock: MovingClock, kind: str, age: timedelta, works: set[str]
) -> None:
    if kind == "known":
        sign_up(client, letters, ANA)
        sign_out(client)
    clock.advance(seconds=0)
    send(client, "/sign-up", email=ANA)
    letter = letters()[-1]
    clock.advance(seconds=age.total_seconds())
    assert (client.get(link_in(letter)).status_code == 200) is ("link" in works)
    answer = send(client, "/sign-in/code", code=code_in(letter))
    assert (answer.status_code == 303) is ("code" in works)


def test_the_code_works_only_in_the_browser_that_asked(
    app: Flask, client: FlaskClient, letters: Letters
) -> None:
    ask_for_letter(client, ANA)
    other = app.test_client()
    ask_for_letter(other, "eve@example.org")
    assert "wrong, used or expired" in send(other, "/sign-in/code", code=code_in(letters()[0])).text
    assert not is_signed_in(other)


def test_whoever_signs_up_with_a_stranger_s_address_gets_no_key_to_it(
    app: Flask, client: FlaskClient, letters: Letters
) -> None:
    eve = app.test_client()
    send(eve, "/sign-up", email=ANA, password="the key of eve")
    press(client, link_in(letters()[-1]))
    assert is_signed_in(client)
    assert "do not belong together" in sign_in(eve, ANA, "the key of eve").text
    assert not is_signed_in(eve)


@pytest.mark.parametrize("path", ["/confirm/made-up", "/sign-in/link/made-up", "/sign-in/link/" + "x" * 43])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_made_up_link_offers_a_letter(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 410
    assert "no longer works" in answer.text


def test_secrets_are_kept_as_hashes_only(app: Flask, client: FlaskClient, letters: Letters) -> None:
    send(client, "/sign-up", email=ANA, password=PASSWORD)
    letter = letters()[-1]
    with app.app_context():
        proof = db.session.scalars(select(Proof)).one()
        kept = " ".join(str(getattr(proof, column.key)) for column in Proof.__table__.columns)
    assert code_in(letter)[:3] not in letter.subject
    assert code_in(letter) not in kept
    assert link_in(letter).rpartition("/")[2] not in kept
    assert PASSWORD not in kept
    assert "$argon2id$" in kept


def test_expired_proofs_are_forgotten(
    app: Flask, client: FlaskClient, clock: MovingClock, letters: Letters
) -> None:
    sign_up(client, letters, "old@example.org")
    sign_out(client)
    ask_for_letter(client, "old@example.org")
    ask_for_letter(client, "new@example.org")
    clock.advance(minutes=16)
    with app.app_context():
        proofs.forget_expired()
        assert db.session.scalars(select(Proof.email)).all() == ["new@example.org"]
    clock.advance(days=1)
    with app.app_context():
        proofs.forget_expired()
        assert db.session.scalar(select(func.count()).select_from(Proof)) == 0


def test_a_closed_account_opens_neither_by_letter_nor_by_password(
    app: Flask, client: FlaskClient, letters: Letters
) -> None:
    sign_up(client, letters, ANA, PASSWORD)
    with app.app_context():
        reader = readers.find(ANA)
        assert reader is not None
        reader.active = False
        db.session.commit()
    assert not is_signed_in(client)
    ask_for_letter(client, ANA)
    answer = press(client, link_in(letters()[-1]))
    assert answer.location == "/sign-in"
    assert "This account is closed" in client.get("/sign-in").text
    sign_in(client, ANA)
    assert not is_signed_in(client)
    send(client, "/reset", email=ANA)
    jobs.drain(app)
    assert letters()[-1].kind == "sign_in"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_letter_needs_an_address(client: FlaskClient, letters: Letters) -> None:
    answer = send(client, "/sign-in/letter", page="/sign-in", email="ana", next="/articles/frost")
    assert "does not look like" in answer.text
    assert 'value="/articles/frost"' in answer.text
    assert letters() == []
