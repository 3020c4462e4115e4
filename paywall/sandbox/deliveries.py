"""Webhook deliveries: what is due, signed and sent, tried again for three days (https://docs.stripe.com/webhooks)."""

import json
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass

from stripe import WebhookSignature

from paywall.sandbox import destinations, webhooks
from paywall.sandbox.books import Books
from paywall.sandbox.clock import Clock
from paywall.sandbox.errors import Doc
from paywall.sandbox.faults import FaultKind, Faults
from paywall.sandbox.store import Store

Post = Callable[[str, bytes, dict[str, str]], int]
# Seconds from one failed attempt to the next. Stripe says "up to three days with an exponential back off".
BACKOFF = (60, 300, 1800, 7200, 18_000, 36_000, 86_400, 105_000)
GIVE_UP = 3 * 86_400
_LEASE = 60.0
_RENDER = Callable[[sqlite3.Connection], Books]


@dataclass(frozen=True)
class Delivery:
    """One event on its way to one endpoint; `last_status` is of the latest attempt (0: no answer).

    `state` is pending, delivered, failed or dropped (by a fault).
    """

    id: int
    event: str
    type: str
    endpoint: str
    url: str
    created: int
    due: float
    attempts: int
    last_status: int | None
    state: str


class Deliveries:
    """The queue of deliveries. Several processes may deliver at once; each delivery is claimed by one."""

    def __init__(self, store: Store, clock: Clock, faults: Faults, books: _RENDER) -> None:
        self._store = store
        self._clock = clock
        self._faults = faults
        self._books = books

    def due(self, limit: int = 100) -> list[Delivery]:
        """What could be sent now, oldest first."""
        rows = self._store.connection().execute(_DUE, (self._clock.timestamp(), time.time(), limit))
        return [_delivery(row) for row in rows.fetchall()]

    def deliver_due(self, post: Post, limit: int = 1000) -> int:
        """Send what is due; `post(url, body, headers)` returns the HTTP status or raises OSError.

        Returns how many endpoints answered with 2xx. A redirect is a failure.
        """
        turned = self._faults.take("*", FaultKind.REORDER) is not None
        waiting = self.due(limit)
        return sum(self._deliver(delivery, post) for delivery in (waiting[::-1] if turned else waiting))

    def of_event(self, event_id: str) -> list[Delivery]:
        """Every delivery of an event, whatever its state."""
        return [_delivery(row) for row in self._store.connection().execute(_OF_EVENT, (event_id,)).fetchall()]

    def _deliver(self, delivery: Delivery, post: Post) -> bool:
        if not self._claim(delivery) or self._meddled(delivery):
            return False
        twice = self._faults.take(delivery.type, FaultKind.DUPLICATE) is not None
        url, body, secrets = self._message(delivery)
        status = _send(post, url, body, secrets)
        if twice:
            status = _send(post, url, body, secrets)
        self._note(delivery, status)
        return 200 <= status < 300

    def _claim(self, delivery: Delivery) -> bool:
        """Ours for a minute, unless another process was quicker."""
        now = time.time()
        with self._store.write() as db:
            taken = db.execute(
                "UPDATE deliveries SET claimed_until = ? WHERE id = ? AND state = 'pending' AND attempts = ? "
                "AND claimed_until <= ?",
                (now + _LEASE, delivery.id, delivery.attempts, now),
            )
            return taken.rowcount == 1

    def _meddled(self, delivery: Delivery) -> bool:
        """Is a fault set that keeps this delivery from being made now?"""
        late = delivery.due > delivery.created
        kinds = (FaultKind.DROP,) if late else (FaultKind.DROP, FaultKind.DELAY)
        fault = self._faults.take(delivery.type, *kinds)
        if fault is None:
            return False
        state = "dropped" if fault.kind is FaultKind.DROP else "pending"
        due = self._clock.timestamp() + fault.seconds
        with self._store.write() as db:
            sql = "UPDATE deliveries SET state = ?, due = ?, claimed_until = 0 WHERE id = ?"
            db.execute(sql, (state, due, delivery.id))
        return True

    def _message(self, delivery: Delivery) -> tuple[str, bytes, list[str]]:
        with self._store.read() as db:
            books = self._books(db)
            endpoint = webhooks.listener(books, delivery.endpoint)
            if endpoint["object"] == destinations.KIND:
                event = destinations.message(books.find(destinations.EVENT, delivery.event))
            else:
                event = books.render(books.find("event", delivery.event))
                event["api_version"] = endpoint["api_version"] or event["api_version"]
        return endpoint["url"], json.dumps(event, indent=2).encode(), secrets_of(endpoint, books.now)

    def _note(self, delivery: Delivery, status: int) -> None:
        now = self._clock.timestamp()
        wait = BACKOFF[min(delivery.attempts, len(BACKOFF) - 1)]
        state = "pending"
        if 200 <= status < 300:
            state = "delivered"
        elif now + wait > delivery.created + GIVE_UP:
            state = "failed"
        with self._store.write() as db:
            db.execute(
                "UPDATE deliveries SET state = ?, attempts = attempts + 1, last_status = ?, due = ?, "
                "claimed_until = 0 WHERE id = ?",
                (state, status, now + wait, delivery.id),
            )


def signature(body: bytes, *secrets: str) -> str:
    """The Stripe-Signature header: the real time, and a v1 for each secret (two while one is rolled)."""
    now = int(time.time())
    headers = [WebhookSignature.generate_signature_header(body.decode(), secret, now) for secret in secrets]
    return ",".join([headers[0], *(header.split(",", 1)[1] for header in headers[1:])])


def secrets_of(endpoint: Doc, now: int) -> list[str]:
    """The secrets that sign for an endpoint now, newest first."""
    rolled = endpoint.get("_rolled")
    old = [rolled["secret"]] if rolled and rolled["until"] > now else []
    return [endpoint["_secret"], *old]


_SELECT = """SELECT deliveries.*, json_extract(event.body, '$.type') AS type,
    coalesce(json_extract(endpoint.body, '$.url'), '') AS url
    FROM deliveries JOIN objects AS event ON event.id = deliveries.event
    LEFT JOIN objects AS endpoint ON endpoint.id = deliveries.endpoint"""
_DUE = f"""{_SELECT} WHERE deliveries.state = 'pending' AND deliveries.due <= ?
    AND deliveries.claimed_until <= ?
    AND json_extract(endpoint.body, '$.status') = 'enabled' ORDER BY deliveries.due, deliveries.id LIMIT ?"""
_OF_EVENT = f"{_SELECT} WHERE deliveries.event = ? ORDER BY deliveries.id"


def _delivery(row: sqlite3.Row) -> Delivery:
    return Delivery(**{name: row[name] for name in Delivery.__dataclass_fields__})


def _send(post: Post, url: str, body: bytes, secrets: list[str]) -> int:
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": signature(body, *secrets),
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    }
    try:
        return post(url, body, headers)
    except OSError:
        return 0
