"""How a change becomes an event: the snapshot, what it was before, one delivery per endpoint that asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from paywall.sandbox import destinations
from paywall.sandbox.errors import Doc

if TYPE_CHECKING:
    from paywall.sandbox.books import Books

API_VERSION = "2026-10-28.endive"


def record(books: Books, type: str, snapshot: Doc, before: Doc | None) -> bool:
    """Write the event. True if some endpoint is to hear of it."""
    data: Doc = {"object": snapshot}
    if before is not None:
        data["previous_attributes"] = changes(before, snapshot)
        if not data["previous_attributes"]:
            return False
    event = books.add(
        "event",
        {
            "api_version": API_VERSION,
            "data": data,
            "request": {"id": books.origin.id, "idempotency_key": books.origin.idempotency_key},
            "type": type,
        },
    )
    told = queue(books, event)
    return _queue_thin(books, event) + told > 0


def changes(before: Doc, after: Doc) -> Doc:
    """The old values of what differs; of hashes only what differs, lists whole (as Stripe reports them)."""
    old: Doc = {}
    for name in before.keys() | after.keys():
        was, now = before.get(name), after.get(name)
        if was != now:
            old[name] = _change(was, now)
    return dict(sorted(old.items()))


def listens(endpoint: Doc, type: str) -> bool:
    """Does the endpoint want events of this type, and is it switched on?"""
    wanted = endpoint["enabled_events"]
    return endpoint["status"] == "enabled" and ("*" in wanted or type in wanted)


def _change(was: Any, now: Any) -> Any:
    if isinstance(was, dict) and isinstance(now, dict) and was.get("object") != "list":
        return changes(was, now)
    return was


def queue(books: Books, event: Doc) -> int:
    """One delivery for each endpoint that wants the event. How many that are."""
    return _send(books, event, _listening(books, "webhook_endpoint", event["type"]))


def _queue_thin(books: Books, whole: Doc) -> int:
    """The thin event beside a snapshot one, made only if somebody wants it."""
    wanted = _listening(books, destinations.KIND, f"v1.{whole['type']}")
    facts = destinations.thin(books, whole) if wanted else None
    return _send(books, books.add(destinations.EVENT, facts), wanted) if facts else 0


def _listening(books: Books, kind: str, type: str) -> list[str]:
    endpoints = books.db.execute("SELECT id, body FROM objects WHERE kind = ? ORDER BY seq", (kind,))
    return [row["id"] for row in endpoints.fetchall() if listens(json.loads(row["body"]), type)]


def _send(books: Books, event: Doc, endpoints: list[str]) -> int:
    for endpoint in endpoints:
        books.db.execute(
            "INSERT INTO deliveries (event, endpoint, state, created, due) VALUES (?, ?, 'pending', ?, ?)",
            (event["id"], endpoint, books.now, books.now),
        )
    return len(endpoints)
