"""The product put together: with real settings nothing of the stand-in is left, and errors speak plainly."""

import gc
import weakref
from pathlib import Path

import pytest
from flask import Flask, request
from flask.testing import FlaskClient

from paywall import clock, create_app
from paywall.accounts.routes import may_enter
from paywall.billing.remote import Mode
from paywall.config import Settings
from paywall.errors import Conflict
from tests.accounts.browser import token_in
from tests.conftest import dispose, make_settings
from tests.databases import SQLiteCopies

REAL = {"sandbox": False, "stripe_secret_key": "sk_test_not_a_key", "smtp_url": "smtp://127.0.0.1:9"}


@pytest.fixture
def real(database: str, tmp_path: Path) -> Settings:
    """Settings as on a server, with Stripe's test mode."""
    return make_settings(data_dir=tmp_path, database_url=database, **REAL)


def test_with_a_key_nothing_of_the_stand_in_is_left(real: Settings) -> None:
    app = create_app(real)
    assert not [rule.rule for rule in app.url_map.iter_rules() if "sandbox" in rule.rule]
    assert "sandbox" not in app.extensions
    assert app.extensions["gateway"].mode is Mode.TEST
    assert "https://checkout.stripe.com" in app.test_client().get("/").headers["Content-Security-Policy"]
    assert app.test_client().post("/webhooks/stripe", data="{}").status_code == 404
    dispose(app)


def test_a_live_key_is_another_mode(database: str, tmp_path: Path) -> None:
    settings = make_settings(
        data_dir=tmp_path, database_url=database, **{**REAL, "stripe_secret_key": "sk_live_not_a_key"}
    )
    app = create_app(settings)
    assert app.extensions["gateway"].mode is Mode.LIVE
    dispose(app)


def test_demo_mode_and_a_key_do_not_go_together(tmp_path: Path) -> None:
    from paywall.errors import WrongSetting

    with pytest.raises(WrongSetting, match="PAYWALL_SANDBOX is on beside PAYWALL_STRIPE_SECRET_KEY"):
        make_settings(data_dir=tmp_path, **{**REAL, "sandbox": True})


def test_nothing_keeps_an_app_that_is_let_go(tmp_path: Path, sqlite_copies: SQLiteCopies) -> None:
    with sqlite_copies.fresh(tmp_path) as url:
        app = create_app(make_settings(data_dir=tmp_path, database_url=url))
        assert app.test_client().get("/").status_code == 200
        clock.use(None)
        dispose(app)
    kept = weakref.ref(app)
    del app
    gc.collect()
    assert kept() is None


@pytest.mark.settings(proxies=1, site_url="https://news.example")
def test_behind_a_proxy_the_reader_is_who_the_proxy_says(app: Flask) -> None:
    @app.get("/whoami")
    @may_enter("public")
    def whoami() -> str:
        return f"{request.remote_addr} {request.scheme}"

    headers = {"X-Forwarded-For": "192.0.2.7, 198.51.100.9", "X-Forwarded-Proto": "https"}
    answer = app.test_client().get("/whoami", headers=headers)
    assert answer.text == "198.51.100.9 https"
    assert answer.headers["Strict-Transport-Security"]


def test_a_forwarded_address_is_not_believed_without_a_proxy(app: Flask) -> None:
    @app.get("/whoami")
    @may_enter("public")
    def whoami() -> str:
        return str(request.remote_addr)

    assert app.test_client().get("/whoami", headers={"X-Forwarded-For": "192.0.2.7"}).text == "127.0.0.1"


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/nothing-here", 404, "There is no such page"),
        ("GET", "/join/checkout", 405, ""),
        ("POST", "/join/checkout", 400, ""),
    ],
)
def test_an_error_is_a_page_with_a_way_on(
    client: FlaskClient, method: str, path: str, status: int, words: str
) -> None:
    answer = client.open(path, method=method)
    assert answer.status_code == status
    assert words in answer.text
    assert "To the front page" in answer.text


def test_what_broke_is_logged_and_not_shown(app: Flask) -> None:
    @app.get("/broken")
    @may_enter("public")
    def broken() -> str:
        raise ZeroDivisionError("a secret of ours")

    @app.get("/refused")
    @may_enter("public")
    def refused() -> str:
        raise Conflict("It was sold while you were reading.")

    client = app.test_client()
    answer = client.get("/broken")
    assert answer.status_code == 500
    assert "a secret of ours" not in answer.text
    refusal = client.get("/refused")
    assert (refusal.status_code, "It was sold while you were reading." in refusal.text) == (409, True)


def test_a_view_that_states_nobody_lets_nobody_in(app: Flask) -> None:
    @app.get("/forgotten")
    def forgotten() -> str:
        return "secret"

    assert "secret" not in app.test_client().get("/forgotten").text


def test_the_clock_is_the_stand_ins_in_demo_mode(app: Flask) -> None:
    before = clock.now()
    app.extensions["sandbox"].advance(months=1)
    assert (clock.now() - before).days >= 28


@pytest.mark.settings(proxies=1, site_url="https://news.example")
def test_a_form_works_on_https_from_a_browser_that_sends_no_referer(app: Flask) -> None:
    client = app.test_client()
    secure = {"X-Forwarded-Proto": "https"}
    token = token_in(client.get("/sign-up", headers=secure).text)
    fields = {"csrf_token": token, "email": "vera@example.org"}
    assert client.post("/sign-up", data=fields, headers=secure).status_code == 303


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/join?plan=%00", 400),
        ("/sign-in?next=%00", 400),
        ("/article/%00", 404),
        (f"/article/{'x' * 5000}", 404),
        (f"/article/{'%C3%A9' * 300}", 404),
    ],
)
def test_an_odd_address_is_an_answer_and_not_a_crash(client: FlaskClient, path: str, status: int) -> None:
    assert client.get(path).status_code == status
