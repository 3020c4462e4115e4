"""A visit to the stand-in's pages, as a reader with a browser and no JavaScript makes it."""

import html
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from paywall.sandbox import AfterRetries, Dunning
from tests.sandbox.shop import FAILS_LATER, Shop

CARD = {"number": "4242 4242 4242 4242", "expiry": "12 / 40", "cvc": "123", "name": "Ada"}
BACK = "https://paper.example"


class Visit:
    """Keeps cookies; a POST takes its token from the page that was seen last."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.token = ""

    def get(self, path: str) -> TestResponse:
        return self._seen(self.client.get(path))

    def post(self, path: str, **fields: Any) -> TestResponse:
        return self._seen(self.client.post(path, data={"csrf_token": self.token, **fields}))

    def follow(self, response: TestResponse) -> TestResponse:
        assert response.status_code == 303
        return self.get(response.headers["Location"])

    def _seen(self, response: TestResponse) -> TestResponse:
        found = re.search(r'name="csrf_token" value="([^"]+)"', response.text)
        self.token = found[1] if found else self.token
        return response


@dataclass
class Note:
    """A letter."""

    id: int
    to: str
    subject: str
    text: str
    html: str
    sent_at: datetime | None
    unsent: str | None = None


LETTERS = [
    Note(
        1,
        "ada@example.org",
        "Hello & welcome",
        "See http://127.0.0.1/x",
        "<head></head><p>Hi",
        datetime(2026, 11, 24, tzinfo=UTC),
    ),
    Note(2, "bea@example.org", "Later", "Soon", "<p>Soon", None),
]


def said(response: TestResponse) -> list[str]:
    """What a screen reader is told at once: alerts and states."""
    return [html.unescape(text) for text in re.findall(r'role="(?:alert|status)">([^<]*)<', response.text)]


def where(response: TestResponse) -> str:
    """Where a redirect leads."""
    assert response.status_code == 303
    return response.headers["Location"]


def owing(shop: Shop) -> str:
    """A subscription whose renewal failed; its open invoice."""
    shop.sandbox.dunning = Dunning((3,), AfterRetries.PAST_DUE)
    shop.subscribe(FAILS_LATER)
    shop.sandbox.advance(months=1, by=timedelta(hours=2))
    return str(shop.v1.invoices.list({"status": "open"}).data[0].id)
