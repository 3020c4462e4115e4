"""A stand-in of its own for each test, spoken to by the real stripe package, both sides checked."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import stripe

from paywall.sandbox import Sandbox
from tests.sandbox.conformance import object_problems
from tests.sandbox.shop import Shop
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


def event_problems(sandbox: Sandbox) -> list[str]:
    """What is wrong with the snapshots of all events in the file."""
    rows = sandbox._store.connection().execute("SELECT body FROM objects WHERE kind = 'event'")
    events = [json.loads(row[0]) for row in rows]
    return [
        f"{event['type']}: {problem}"
        for event in events
        for problem in object_problems(event["data"]["object"])
    ]
