"""A stand-in of its own for each test, spoken to by the real stripe package, both sides checked."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import stripe
from flask import Flask
from flask_babel import Babel
from flask_wtf.csrf import CSRFProtect

from paywall.sandbox import Sandbox
from paywall.sandbox.views import SentLetter, blueprint
from tests.sandbox.conformance import object_problems
from tests.sandbox.shop import Shop
from tests.sandbox.visit import LETTERS, Note, Visit
from tests.sandbox.wire import CheckedClient


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    """An empty account."""
    return Sandbox(tmp_path / "stripe.db", public_url="http://127.0.0.1:8000/")


@pytest.fixture
def shop(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """A shop; when the test ends, every call and every event must have agreed with the SDK's annotations."""
    monkeypatch.setattr(stripe, "enable_telemetry", False)
    checked = CheckedClient(sandbox.http_client())
    yield Shop(sandbox, stripe.StripeClient(sandbox.api_key, http_client=checked))
    asked_on_purpose = [e for e in checked.exchanges if e.status not in (400, 404)]
    assert [f"{e.method} {e.path}: {p}" for e in asked_on_purpose for p in e.problems] == []
    assert event_problems(sandbox) == []


@pytest.fixture
def notes() -> list[Note]:
    """The letters that the console shows."""
    return list(LETTERS)


@pytest.fixture
def visit(sandbox: Sandbox, notes: Sequence[SentLetter]) -> Visit:
    """A visit to the pages, on a small app of their own."""
    app = Flask("paywall", template_folder="../templates")
    app.config.update(SECRET_KEY="for tests only", TESTING=True)
    Babel(app)
    CSRFProtect(app)
    app.register_blueprint(blueprint(sandbox, merchant="The Courier", letters=lambda: notes))
    return Visit(app.test_client())


def event_problems(sandbox: Sandbox) -> list[str]:
    """What is wrong with the snapshots of all events in the file."""
    rows = sandbox._store.connection().execute("SELECT body FROM objects WHERE kind = 'event'")
    events = [json.loads(row[0]) for row in rows]
    return [
        f"{event['type']}: {problem}"
        for event in events
        for problem in object_problems(event["data"]["object"])
    ]
