"""A program that talks to the API; each answer that it gets is held against the document."""

import re
from collections.abc import Callable
from typing import Any, cast

import pytest
from flask import Flask, has_app_context
from werkzeug.test import TestResponse

from paywall.api import document, tokens
from paywall.api.models import Scope
from paywall.api.problems import KIND
from paywall.db import db
from tests.api.fitting import misfits

Json = dict[str, Any]
ROOT = "/api/v1"


class Answer(TestResponse):
    """A response that a test looks into as JSON."""

    json: Any


class Program:
    """Another system: `ask("GET", "/plans")`; with a secret it says so by its header."""

    def __init__(self, app: Flask, secret: str | None = None) -> None:
        self.app = app
        self.secret = secret
        self.client = app.test_client(use_cookies=False)

    def ask(self, method: str, path: str, *, headers: dict[str, str] | None = None, **given: Any) -> Answer:
        """The answer, which fits the document."""
        if has_app_context():
            db.session.rollback()
        own = {"Authorization": f"Bearer {self.secret}"} if self.secret else {}
        answer = self.client.open(f"{ROOT}{path}", method=method, headers={**own, **(headers or {})}, **given)
        assert unforeseen(self.app, method, path.partition("?")[0], answer) == []
        return cast(Answer, answer)

    def get(self, path: str, **given: Any) -> Answer:
        """The answer to a GET."""
        return self.ask("GET", path, **given)

    def put(self, slug: str, article: Json, **given: Any) -> Answer:
        """The answer to an article that is handed in."""
        return self.ask("PUT", f"/articles/{slug}", json=article, **given)


def unforeseen(app: Flask, method: str, path: str, answer: TestResponse) -> list[str]:
    """What of an answer the document does not foresee."""
    told = document.of(app)
    calls = _calls(told, path)
    if method == "HEAD" or calls is None or method.lower() not in calls:
        return [] if answer.status_code < 500 else [f"{method} {path} broke"]
    said = calls[method.lower()]["responses"].get(str(answer.status_code))
    if said is None:
        return [f"{method} {path} answers {answer.status_code}"]
    if "content" not in said:
        return ["there is a body"] if answer.data else []
    if answer.mimetype not in said["content"]:
        return [f"the type is {answer.mimetype}"]
    return misfits(answer.json, said["content"][answer.mimetype]["schema"], told)


def problem(answer: TestResponse, status: int) -> Json:
    """The problem that an answer is."""
    assert (answer.status_code, answer.mimetype) == (status, KIND), answer.text
    assert answer.headers["Cache-Control"] in {"no-store", "private, no-store"}
    said = answer.json
    assert isinstance(said, dict)
    assert said["status"] == status
    return said


def wrong_fields(answer: TestResponse) -> set[str]:
    """The fields that a 400 names."""
    return {one.get("pointer") or one["parameter"] for one in problem(answer, 400)["errors"]}


def _calls(told: Json, path: str) -> Json | None:
    for known, calls in told["paths"].items():
        if re.fullmatch(re.sub(r"{\w+}", "[^/]+", known), path):
            found: Json = calls
            return found
    return None


@pytest.fixture
def program(app: Flask) -> Callable[..., Program]:
    """Programs by what their token may do: `program("articles:write")`, `program(reader=...)`."""

    def make(*scopes: str, reader: str | None = None, days: int | None = None) -> Program:
        if not scopes and not reader:
            return Program(app)
        with app.app_context():
            held = tuple(map(Scope, scopes))
            _, secret = tokens.make("CMS", by="Eva", scopes=held, reader=reader, days=days)
            db.session.commit()
        return Program(app, secret)

    return make


@pytest.fixture
def visitor(program: Callable[..., Program]) -> Program:
    """A program without a token."""
    return program()


@pytest.fixture
def cms(program: Callable[..., Program]) -> Program:
    """The newsroom's CMS."""
    return program("articles:write", "articles:read")
