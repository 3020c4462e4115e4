"""Each error under /api/ is a problem+json; no cookie is believed there."""

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from paywall.accounts.routes import may_enter
from paywall.errors import Conflict
from tests.accounts.browser import Letters, sign_up
from tests.api.conftest import ROOT, Program, problem
from tests.articles.files import SECRET, png, publish

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


NOT_THERE: tuple[str, ...] = (
    "/api/",
    "/api/v2/articles",
    "/api/v1/nothing",
    "/api/v1/articles/a/b",
)


def test_what_is_not_there_is_a_problem(client: FlaskClient) -> None:
    for path in NOT_THERE:
        assert problem(client.get(path), 404)["title"] == "Not Found"


def test_an_odd_slug_is_not_there(client: FlaskClient) -> None:
    for slug in ("%00", "x" * 5000, "%C3%A9", "..%2f..", "%ff"):
        problem(client.get(f"{ROOT}/articles/{slug}"), 404)
    problem(client.get(f"{ROOT}/articles?tag=%00"), 400)


CANNOT: tuple[tuple[str, str, set[str]], ...] = (
    ("POST", "/articles/x", {"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"}),
    ("DELETE", "/articles", {"GET", "HEAD", "OPTIONS"}),
    ("GET", "/pictures", {"POST", "OPTIONS"}),
    ("POST", "/plans", {"GET", "HEAD", "OPTIONS"}),
)


def test_what_cannot_be_done_names_what_can(client: FlaskClient) -> None:
    for method, path, allowed in CANNOT:
        answer = client.open(f"{ROOT}{path}", method=method)
        problem(answer, 405)
        assert set(answer.headers["Allow"].split(", ")) == allowed


UNWANTED: tuple[str, ...] = (
    "text/html",
    "application/xml",
    "application/json;q=0",
    "image/*",
)


def test_an_answer_that_nobody_wants_is_406(app: Flask, visitor: Program) -> None:
    with app.app_context():
        publish(gate="public")
    for accept in UNWANTED:
        answer = visitor.get("/articles/the-house", headers={"Accept": accept})
        problem(answer, 406)
        assert SECRET not in answer.text


WANTED: tuple[str, ...] = (
    "*/*",
    "application/*",
    "text/html, */*;q=0.1",
    "",
    "application/json; charset=utf-8",
)


def test_who_takes_json_gets_it(visitor: Program) -> None:
    for accept in WANTED:
        assert visitor.get("/plans", headers={"Accept": accept}).status_code == 200


OTHER_KINDS: tuple[tuple[str, str, str], ...] = (
    ("PUT", "/articles/x", "text/plain"),
    ("PUT", "/articles/x", "application/x-www-form-urlencoded"),
    ("PUT", "/articles/x", "multipart/form-data; boundary=x"),
    ("PUT", "/articles/x", ""),
    ("PATCH", "/articles/x", "text/html"),
    ("POST", "/pictures?name=a.png", "image/svg+xml"),
    ("POST", "/pictures?name=a.png", "application/json"),
)


def test_another_kind_of_body_is_415(cms: Program) -> None:
    for method, path, kind in OTHER_KINDS:
        given: dict[str, Any] = {"data": png(), "headers": {"Content-Type": kind}}
        problem(cms.ask(method, path, **given), 415)


def test_what_broke_says_nothing_and_a_refusal_its_reason(app: Flask) -> None:
    @app.get(f"{ROOT}/broken")
    @may_enter("public")
    def broken() -> str:
        raise ZeroDivisionError("a secret of ours")

    @app.get(f"{ROOT}/refused")
    @may_enter("public")
    def refused() -> str:
        raise Conflict("It was sold while you were reading.")

    client = app.test_client()
    assert "a secret" not in json.dumps(problem(client.get(f"{ROOT}/broken"), 500))
    assert problem(client.get(f"{ROOT}/refused"), 409)["detail"].startswith("It was sold")


def test_a_session_alone_is_a_visitor_there(app: Flask, client: FlaskClient, letters: Letters) -> None:
    with app.app_context():
        publish(gate="registered")
    sign_up(client, letters, "ana@example.org")
    assert SECRET in client.get("/article/the-house").text
    answer = client.get(f"{ROOT}/articles/the-house")
    assert answer.status_code == 200
    assert SECRET not in answer.text
    assert answer.headers["Cache-Control"] == "public, no-cache"
    for path in ("", "/", "/articles", "/openapi.json", "/nothing"):
        assert "Set-Cookie" not in client.get(f"{ROOT}{path}").headers
    problem(client.put(f"{ROOT}/articles/the-house", json={}), 401)
