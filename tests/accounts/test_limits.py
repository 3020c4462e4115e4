"""Forms that write letters or check a secret give way after some tries: by client, and by person."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from paywall import jobs
from paywall.accounts import limits
from paywall.errors import WrongSetting
from tests.accounts.browser import (
    PASSWORD,
    Letters,
    ask_for_letter,
    link_in,
    send,
    sign_in,
    sign_out,
    sign_up,
    token_in,
)

pytestmark = [
    pytest.mark.story,
    pytest.mark.settings(rate_limits=True),
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
]


@pytest.fixture(autouse=True)
def counted_anew(app: Flask) -> Iterator[None]:
    """Each test starts from zero, and leaves zero behind."""
    limits.limiter.reset()
    yield
    limits.limiter.reset()


def test_five_letters_to_one_address_in_a_quarter_of_an_hour(app: Flask, letters: Letters) -> None:
    for path in ("/sign-up", "/sign-up", "/reset", "/sign-in/letter", "/sign-in/letter"):
        page = "/sign-in" if path == "/sign-in/letter" else path
        assert send(app.test_client(), path, page=page, email="Ana@example.org").status_code in {200, 303}
    for path in ("/sign-up", "/reset", "/sign-in/letter"):
        page = "/sign-in" if path == "/sign-in/letter" else path
        answer = send(app.test_client(), path, page=page, email=" ana@EXAMPLE。org")
        assert answer.status_code == 429
        assert "many attempts" in answer.text
    assert ask_for_letter(app.test_client(), "other@example.org").status_code == 303
    assert len(letters()) == 5


def test_the_limit_is_the_same_for_an_address_with_an_account(app: Flask, letters: Letters) -> None:
    sign_up(app.test_client(), letters, "ana@example.org")
    assert [ask_for_letter(app.test_client(), "ana@example.org").status_code for _ in range(5)] == [
        303
    ] * 4 + [429]


def test_asking_for_another_letter_counts_too(client: FlaskClient, letters: Letters) -> None:
    ask_for_letter(client, "ana@example.org")
    seen = []
    for number in range(5):
        # Naming another address in the form changes neither who is written to nor what is counted.
        other = f"{number}@example.org"
        seen.append(send(client, "/sign-in/again", page="/sign-in/code", email=other).status_code)
    assert seen == [303] * 4 + [429]
    assert {letter.to for letter in letters()} == {"ana@example.org"}


def test_ten_tries_at_a_password_from_wherever(app: Flask, letters: Letters) -> None:
    sign_up(app.test_client(), letters, "ana@example.org", PASSWORD)
    limits.limiter.reset()
    for number in range(10):
        browser = app.test_client()
        browser.environ_base["REMOTE_ADDR"] = f"192.0.2.{number}"
        assert sign_in(browser, "ana@example.org", "a wrong guess").status_code == 200
    refused = sign_in(app.test_client(), "ana@example.org")
    assert refused.status_code == 429
    assert 14 * 60 < int(refused.headers["Retry-After"]) <= 15 * 60 + 1
    assert sign_in(app.test_client(), "other@example.org").status_code == 200


def test_one_client_gives_way_whatever_it_tries(app: Flask) -> None:
    client = app.test_client()
    token = token_in(client.get("/sign-in").text)
    made_up = [f"/sign-in/link/made-up-{number}" for number in range(61)]
    seen = [client.post(path, data={"csrf_token": token}).status_code for path in made_up]
    assert seen == [410] * 60 + [429]
    for number in range(2):
        assert sign_in(client, f"{number}@example.org", "a guess").status_code == 429
    client.environ_base["REMOTE_ADDR"] = "192.0.2.1"
    assert sign_in(client, "2@example.org", "a guess").status_code == 200


def test_letters_from_one_home_are_counted_together(app: Flask) -> None:
    client = app.test_client()
    for number in range(31):
        client.environ_base["REMOTE_ADDR"] = f"2001:db8::{number + 1:x}"
        answer = ask_for_letter(client, f"{number}@example.org")
        assert answer.status_code == (303 if number < 30 else 429)
    client.environ_base["REMOTE_ADDR"] = "2001:db8:0:1::1"
    assert ask_for_letter(client, "31@example.org").status_code == 303


def test_codes_are_limited_by_the_address_that_they_were_sent_to(app: Flask) -> None:
    seen = []
    for _ in range(3):
        client = app.test_client()
        ask_for_letter(client, "ana@example.org")
        seen += [send(client, "/sign-in/code", code="no", email=f"{n}@x.org").status_code for n in range(4)]
    assert seen == [200] * 10 + [429] * 2


def test_the_present_password_is_limited_by_its_owner(client: FlaskClient, letters: Letters) -> None:
    sign_up(client, letters, "ana@example.org", PASSWORD)
    limits.limiter.reset()
    seen = []
    for number in range(11):
        path, email = "/account/security/address", f"{number}@example.org"
        seen.append(
            send(client, path, page="/account/security", email=email, password="a wrong guess").status_code
        )
    assert seen == [200] * 10 + [429]


def test_reading_a_page_is_never_limited(client: FlaskClient) -> None:
    assert {client.get("/sign-in").status_code for _ in range(80)} == {200}


def test_a_reset_link_is_limited_by_its_client(client: FlaskClient, letters: Letters) -> None:
    sign_up(client, letters, "ana@example.org", PASSWORD)
    sign_out(client)
    send(client, "/reset", email="ana@example.org")
    jobs.drain(client.application)
    path = link_in(letters()[-1])
    limits.limiter.reset()
    fields = {"csrf_token": token_in(client.get(path).text), "password": "short", "password_confirm": "short"}
    seen = [client.post(path, data=fields).status_code for _ in range(61)]
    assert seen == [200] * 60 + [429]


def test_a_client_without_an_address_is_counted_as_unknown(app: Flask) -> None:
    with app.test_request_context(environ_base={"REMOTE_ADDR": ""}):
        assert limits.client() == "unknown"
    with app.test_request_context(environ_base={"REMOTE_ADDR": "192.0.2.7"}):
        assert limits.client() == "192.0.2.7"


@pytest.mark.settings(rate_limits=False)
def test_limits_can_be_switched_off(app: Flask) -> None:
    assert {ask_for_letter(app.test_client(), "ana@example.org").status_code for _ in range(8)} == {303}


def test_an_unknown_place_to_count_in_stops_the_start(app: Flask) -> None:
    settings = app.extensions["settings"].model_copy(update={"rate_limit_url": "carrier-pigeon://"})
    with pytest.raises(WrongSetting, match="PAYWALL_RATE_LIMIT_URL: unknown storage scheme"):
        limits.init_app(Flask("another"), settings)
