"""The second factor of staff: set up at the first sign-in, asked for after each, with no way around it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from paywall import clock, jobs
from paywall.accounts import factors, readers, sessions
from paywall.accounts import staff as roles
from paywall.accounts.models import Factor, StaffRole
from paywall.accounts.trail import StaffAct
from paywall.db import db
from tests.accounts.browser import (
    PASSWORD,
    Letters,
    ask_for_letter,
    code_in,
    link_in,
    press,
    send,
    sign_in,
    sign_out,
    sign_up,
    token_in,
)
from tests.staffing import SET_UP, Phone, grow_stale, key_in, set_up

VERA = "vera@example.org"
ASK, PAGE = "/sign-in/factor", "/staff/simulate"
one_database = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def vera(app: Flask, client: FlaskClient, letters: Letters) -> FlaskClient:
    """A browser in which a new editor, who has a password, is signed in with nothing but that."""
    sign_up(client, letters, VERA, PASSWORD)
    with app.app_context():
        roles.appoint(VERA, StaffRole.EDITOR, "For the test")
        db.session.commit()
    return client


def salt(app: Flask) -> str:
    with app.app_context():
        return str(db.session.scalars(select(Factor.salt)).one())


def acts(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(StaffAct.act).order_by(StaffAct.id)))


def test_it_is_set_up_before_any_page_of_the_staff_opens(app: Flask, vera: FlaskClient) -> None:
    assert vera.get(PAGE).location == f"{ASK}?next={PAGE}"
    assert vera.get(f"{ASK}?next={PAGE}").location == f"{SET_UP}?next={PAGE}"
    page = vera.get(f"{SET_UP}?next={PAGE}")
    assert "data:image/svg+xml;base64," in page.text
    assert "This is not the code that belongs to the picture." in send(vera, SET_UP, code="000000").text
    assert key_in(vera.get(SET_UP)) == key_in(page)
    done = send(vera, SET_UP, code=Phone(key_in(page)).shows(), next=PAGE)
    assert f'href="{PAGE}"' in done.text
    assert vera.get(PAGE).status_code == 200
    assert acts(app) == ["role given", "second factor set up"]


def test_what_is_stored_shows_no_code_without_our_key(app: Flask, vera: FlaskClient) -> None:
    phone, codes = set_up(vera)
    before = salt(app)
    with app.app_context():
        app.config["SECRET_KEY"] = "another key"
        assert factors.shared(before, VERA).key != phone.key
        held = db.session.scalars(select(Factor)).one()
        assert not factors.check(readers.by_id(held.reader_id), held, codes[0])


@pytest.mark.parametrize(
    "way", ["password", "letter's code", "letter's link", "new password", "other browser"]
)
@one_database
def test_no_way_to_sign_in_goes_around_it(app: Flask, vera: FlaskClient, letters: Letters, way: str) -> None:
    phone, codes = set_up(vera)
    browser = app.test_client() if way == "other browser" else vera
    if browser is vera:
        sign_out(vera)
    match way:
        case "password" | "other browser":
            sign_in(browser, VERA)
        case "letter's code":
            ask_for_letter(browser, VERA)
            send(browser, "/sign-in/code", code=code_in(letters()[-1]))
        case "letter's link":
            ask_for_letter(browser, VERA)
            press(browser, link_in(letters()[-1]))
        case "new password":
            _reset_password(app, browser, letters)
            sign_in(browser, VERA, "a bridge in the fog")
    assert browser.get("/account/security").status_code == 200
    assert browser.get(PAGE).location == f"{ASK}?next={PAGE}"
    assert browser.post("/staff/plans", data={"csrf_token": "x"}).status_code >= 400
    refused = send(browser, SET_UP, page="/account/security", code=codes[0])
    assert refused.location == f"{ASK}?next={SET_UP}"
    assert send(browser, ASK, code=phone.shows(), next=PAGE).location == PAGE
    assert browser.get(PAGE).status_code == 200


def _reset_password(app: Flask, browser: FlaskClient, letters: Letters) -> None:
    send(browser, "/reset", email=VERA)
    jobs.drain(app)
    new = "a bridge in the fog"
    path = link_in(letters()[-1])
    send(browser, path, password=new, password_confirm=new)


def test_a_code_is_good_once(app: Flask, vera: FlaskClient) -> None:
    set_up(vera)
    shown = _newer_digits(app)
    assert send(vera, ASK, code=shown, next=PAGE).status_code == 303
    again = send(vera, ASK, code=shown)
    assert "This code is wrong, or was used before." in again.text


def _newer_digits(app: Flask) -> str:
    """What the app shows once the half-minute of the set-up is over."""
    with app.app_context():
        held = db.session.scalars(select(Factor)).one()
        held.last_step -= 2
        db.session.commit()
        return factors.digits(held.salt, clock.wall())


@one_database
def test_what_is_no_code_does_not_open(app: Flask, vera: FlaskClient) -> None:
    set_up(vera)
    grow_stale(vera, hours=13)
    for given in ("", "12345", "1234567", "abcdef", "000000", "ffff-ffff-ffff", "٣٤٥٦٧٨", "x" * 50):
        assert send(vera, ASK, code=given).status_code == 200
        assert vera.get(PAGE).status_code == 302


def test_a_recovery_code_opens_once_and_is_told(app: Flask, vera: FlaskClient, letters: Letters) -> None:
    _phone, codes = set_up(vera)
    for used, code in enumerate(codes[:8], start=1):
        grow_stale(vera, hours=13)
        assert vera.get(PAGE).status_code == 302
        assert send(vera, ASK, code=code.upper().replace("-", " "), next=PAGE).location == PAGE
        assert letters()[-1].kind == "second_factor"
        assert ("You have 2 recovery codes left." in vera.get(PAGE).text) == (used == 8)
    assert "wrong, or was used before" in send(vera, ASK, code=codes[0]).text
    assert "<b>2</b> of your recovery codes" in vera.get("/account/factor").text
    assert acts(app)[2:] == ["recovery code used"] * 8


def test_new_recovery_codes_end_the_old(app: Flask, vera: FlaskClient) -> None:
    _phone, codes = set_up(vera)
    page = send(vera, "/account/factor/codes", page="/account/factor")
    assert page.text.count("<code>") == factors.RECOVERY_CODES
    assert codes[0] not in page.text
    assert page.headers["Cache-Control"] == "private, no-store"
    assert send(vera, ASK, code=codes[0]).status_code == 200


@pytest.mark.parametrize(
    ("age", "opens", "opens_fresh"),
    [
        (timedelta(minutes=14), True, True),
        (timedelta(minutes=15), True, False),
        (timedelta(hours=11, minutes=59), True, False),
        (timedelta(hours=12), False, False),
        (timedelta(hours=-1), False, False),
    ],
)
@one_database
def test_it_holds_for_a_day_s_work_and_for_what_cannot_be_undone_a_quarter_of_an_hour(
    vera: FlaskClient, age: timedelta, *, opens: bool, opens_fresh: bool
) -> None:
    set_up(vera)
    grow_stale(vera, seconds=age.total_seconds())
    assert (vera.get(PAGE).status_code == 200) == opens
    assert (vera.get("/account/factor").status_code == 200) == opens_fresh


@one_database
def test_a_stolen_session_does_not_change_it(app: Flask, vera: FlaskClient) -> None:
    phone, _codes = set_up(vera)
    token = token_in(vera.get("/account/factor").text)
    before = salt(app)
    grow_stale(vera, minutes=20)
    assert vera.post("/account/factor/codes", data={"csrf_token": token}).location.startswith(ASK)
    assert vera.get(SET_UP).location == "/sign-in/once-more?next=/account/factor/set-up"
    send(vera, "/sign-in/once-more", password=PASSWORD, next=SET_UP)
    assert vera.get(SET_UP).location == f"{ASK}?next={SET_UP}"
    assert (
        vera.post(SET_UP, data={"csrf_token": token, "code": phone.shows()}).location
        == f"{ASK}?next={SET_UP}"
    )
    assert salt(app) == before


@one_database
def test_an_old_session_of_a_reader_who_is_appointed_sets_nothing_up(vera: FlaskClient) -> None:
    grow_stale(vera, minutes=20)
    assert vera.get(SET_UP).location == "/sign-in/once-more?next=/account/factor/set-up"


@one_database
def test_another_phone_ends_what_the_first_opened(app: Flask, vera: FlaskClient) -> None:
    phone, codes = set_up(vera)
    elsewhere = app.test_client()
    sign_in(elsewhere, VERA)
    assert send(elsewhere, ASK, code=phone.shows(), next=PAGE).location == PAGE
    new, _codes = set_up(vera)
    assert new.key != phone.key
    assert vera.get(PAGE).status_code == 200
    assert elsewhere.get(PAGE).status_code == 302
    for old in (phone.shows(), codes[1]):
        assert "This code is wrong" in send(elsewhere, ASK, code=old).text
    assert acts(app)[-1] == "second factor changed"


@one_database
def test_a_reader_is_never_asked(client: FlaskClient, letters: Letters) -> None:
    sign_up(client, letters, "ana@example.org")
    for path in (ASK, SET_UP, "/account/factor"):
        assert client.get(path).status_code == 403
    assert "Second factor" not in client.get("/account/security").text


@one_database
def test_whoever_lost_all_sets_it_up_anew_once_it_is_reset(
    app: Flask, vera: FlaskClient, letters: Letters
) -> None:
    set_up(vera)
    run: Callable[..., object] = app.test_cli_runner().invoke
    run(args=["paywall", "staff-factor-reset", VERA, "--why", "Lost the phone"])
    assert letters()[-1].kind == "second_factor"
    assert vera.get(PAGE).location == f"/sign-in?next={PAGE}"
    sign_in(vera, VERA)
    assert vera.get(f"{ASK}?next={PAGE}").location == f"{SET_UP}?next={PAGE}"
    set_up(vera)
    assert vera.get(PAGE).status_code == 200
    with app.app_context():
        line = db.session.scalars(select(StaffAct).where(StaffAct.act == "second factor reset")).one()
        assert line.reason == "Lost the phone"
        assert line.actor.startswith("shell (")


@one_database
def test_the_mark_in_a_session_is_of_no_use_elsewhere(app: Flask, vera: FlaskClient) -> None:
    set_up(vera)
    with vera.session_transaction() as held:
        assert salt(app) not in str(dict(held))
        held[sessions.FACTOR] = ["", held[sessions.FACTOR][1]]
    assert vera.get(PAGE).status_code == 302


@pytest.mark.settings(rate_limits=True)
@one_database
def test_who_guesses_is_stopped(app: Flask, vera: FlaskClient) -> None:
    set_up(vera)
    token = token_in(vera.get(ASK).text)
    said = [vera.post(ASK, data={"csrf_token": token, "code": f"{n:06}"}).status_code for n in range(11)]
    assert said[0] == 200
    assert said[-1] == 429
