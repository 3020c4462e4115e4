"""Who may enter a route: every view states it, and the guard holds visitors and readers to it."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from paywall.accounts.routes import LEVELS, may_enter, stated
from tests.accounts.browser import Letters, sign_up

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def test_every_route_states_who_may_enter(app: Flask) -> None:
    silent = {rule.endpoint for rule in app.url_map.iter_rules() if not stated(app, rule.endpoint)}
    assert silent == set()
    assert {level for rule in app.url_map.iter_rules() for level in stated(app, rule.endpoint)} <= LEVELS


def test_a_view_that_states_nothing_lets_nobody_in(app: Flask, client: FlaskClient, letters: Letters) -> None:
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    assert client.get("/forgotten").location == "/sign-in?next=/forgotten"
    sign_up(client, letters, "ana@example.org")
    answer = client.get("/forgotten")
    assert answer.status_code == 403
    assert "secret" not in answer.text


def test_a_level_that_does_not_exist_cannot_be_stated(app: Flask) -> None:
    for levels in ((), ("anybody",), ("public", "editors")):
        with pytest.raises(ValueError, match="unknown level"):
            may_enter(*levels)


def test_a_reader_without_a_role_does_not_enter_the_staff_s_page(
    client: FlaskClient, letters: Letters
) -> None:
    assert client.get("/staff").location == "/sign-in?next=/staff"
    assert client.post("/account/security/address").status_code == 400
    sign_up(client, letters, "ana@example.org")
    assert client.get("/staff").status_code == 403
