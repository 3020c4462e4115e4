"""No secret sentence leaves for who may not read it: by no call, field, format, method or header."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from paywall import clock as ours
from paywall.accounts.models import Reader
from paywall.db import db
from tests.api.conftest import ROOT, Program
from tests.articles.files import SECRET, publish

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
ANA = "ana@example.org"
GATED: dict[str, dict[str, Any]] = {
    "for-patrons": {"gate": "patrons"},
    "for-a-plan": {"gate": "plan:circle"},
    "for-nobody": {"gate": "plan:"},
    "for-members": {"gate": "members"},
    "patrons-first": {"gate": "public", "first_hours": 48},
    "archived": {"gate": "public", "archive_days": 0},
}
PATHS = (
    "/articles",
    "/articles?limit=100&section=city",
    "/articles?tag=floods",
    "/articles?since=2000-01-01T00:00:00Z",
    *(f"/articles/{slug}" for slug in GATED),
    "/articles/draft",
    "/articles/tomorrow",
    "/articles/for-patrons/",
    "/articles/for-patrons.json",
    "/articles/for-patrons?format=html&full=1",
    f"/access?article=for-patrons&reader={ANA}",
    "/access?article=draft",
    "/plans",
    "/openapi.json",
    "/",
    "/nothing",
)
HEADERS: tuple[dict[str, str], ...] = (
    {},
    {"Accept": "text/html"},
    {"Accept": "application/xml"},
    {"Accept": "*/*"},
    {"Range": "bytes=0-"},
    {"If-None-Match": "*"},
    {"If-Modified-Since": "Thu, 01 Jan 2099 00:00:00 GMT"},
    {"X-Original-URL": f"{ROOT}/articles/for-patrons"},
    {"Cookie": "paywall=x; paywall_meter=x"},
    {"User-Agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"},
    {"X-Forwarded-For": "66.249.66.1"},
    {"Referer": "https://www.google.com/"},
    {"Origin": "https://elsewhere.example"},
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@pytest.fixture
def gated(app: Flask) -> None:
    """Articles of which each hides the same sentence, and a reader with an account alone."""
    with app.app_context():
        for slug, terms in GATED.items():
            publish(slug, tags=" floods ", **terms)
        publish("draft", published_at=None, gate="public")
        publish("tomorrow", published_at=ours.now() + timedelta(days=1), gate="public")
        db.session.add(Reader(email=ANA, confirmed_at=ours.now()))
        db.session.commit()


@pytest.mark.usefixtures("gated")
def test_nobody_without_the_right_gets_the_sentence(app: Flask, program: Callable[..., Program]) -> None:
    others = [program("access:read"), program("articles:write"), program(reader=ANA)]
    for secret in (None, "pw_wrong", *(other.secret for other in others)):
        for path in PATHS:
            assert _is_silent(app, "GET", path, secret, {}), path


@pytest.mark.usefixtures("gated")
def test_no_header_brings_it_out(app: Flask, program: Callable[..., Program]) -> None:
    for secret in (None, program(reader=ANA).secret):
        for path in ("/articles", "/articles/for-patrons", "/articles/draft"):
            for headers in HEADERS:
                assert _is_silent(app, "GET", path, secret, headers), headers


@pytest.mark.usefixtures("gated")
@pytest.mark.parametrize("method", METHODS)
def test_no_method_brings_it_out(app: Flask, method: str, program: Callable[..., Program]) -> None:
    for secret in (None, program("access:read").secret):
        for path in (
            "/articles",
            "/articles/for-patrons?_method=GET",
            "/articles/draft",
            "/access",
            "/pictures",
        ):
            assert _is_silent(app, method, path, secret, {"X-HTTP-Method-Override": "GET"}), path


@pytest.mark.usefixtures("gated")
def test_the_sentence_is_there_for_who_may_read_it(program: Callable[..., Program]) -> None:
    cms = program("articles:read")
    for slug in (*GATED, "draft", "tomorrow"):
        answer = cms.get(f"/articles/{slug}")
        assert SECRET in answer.text
        assert answer.headers["Cache-Control"] == "private, no-store"
    assert cms.get("/articles").text.count(SECRET) == len(GATED)
    assert cms.ask("HEAD", "/articles/for-patrons").data == b""


@pytest.mark.usefixtures("gated")
def test_a_kept_answer_is_not_confirmed_to_somebody_else(app: Flask, program: Callable[..., Program]) -> None:
    whole = program("articles:read").get("/articles/for-patrons").headers["ETag"]
    answer = Program(app).get("/articles/for-patrons", headers={"If-None-Match": whole})
    assert answer.status_code == 200
    assert SECRET not in answer.text


def _is_silent(app: Flask, method: str, path: str, secret: str | None, headers: dict[str, str]) -> bool:
    token = {"Authorization": f"Bearer {secret}"} if secret else {}
    answer = Program(app).client.open(f"{ROOT}{path}", method=method, headers={**headers, **token})
    return SECRET not in answer.text and answer.status_code < 500
