"""One request's view of the state: objects, timers and events; all of it commits, or nothing does."""

import json
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from paywall.sandbox import journal, render
from paywall.sandbox.errors import Doc, resource_missing
from paywall.sandbox.ids import Ids

# The field that a kind is looked up by, besides its customer.
_PARENT = {
    "balance_transaction": "source",
    "charge": "payment_intent",
    "checkout.session": "subscription",
    "discount": "_owner",
    "dispute": "charge",
    "invoice": "_subscription",
    "invoice_payment": "invoice",
    "invoiceitem": "_subscription",
    "price": "product",
    "promotion_code": "_key",
    "refund": "charge",
    "subscription_item": "subscription",
}
# At one instant, an end comes before a renewal.
_RANK = {
    "cancel": 0,
    "expire_session": 1,
    "expire_incomplete": 1,
    "expire_update": 1,
    "trial_will_end": 2,
    "renew": 3,
}


@dataclass(frozen=True)
class Origin:
    """The request that caused an event; both null when the clock did."""

    id: str | None = None
    idempotency_key: str | None = None


@dataclass
class Books:
    """`now` is the instant at which everything written here happens (Unix seconds)."""

    db: sqlite3.Connection
    now: int
    ids: Ids
    public_url: str
    origin: Origin = field(default_factory=Origin)
    rang: bool = False

    def get(self, id: str) -> Doc | None:
        """The stored document with that id, of whatever kind."""
        row = self.db.execute("SELECT body FROM objects WHERE id = ?", (id,)).fetchone()
        return json.loads(row[0]) if row else None

    def find(self, kind: str, id: str, param: str = "id") -> Doc:
        """The stored document of that kind, not deleted. Raises resource_missing."""
        doc = self.get(id)
        if doc is None or doc["object"] != kind or doc.get("deleted"):
            raise resource_missing(kind, id, param)
        return doc

    def all(self, kind: str, *, customer: str | None = None, parent: str | None = None) -> list[Doc]:
        """What a customer or a parent has of one kind (without either: all there is), oldest first."""
        owned = "AND customer = ?" if customer else "AND parent = ?" if parent else ""
        sql = f"SELECT body FROM objects WHERE kind = ? {owned} ORDER BY created, seq"  # noqa: S608
        return self.rows(sql, filter(None, (kind, customer or parent)))

    def rows(self, sql: str, values: Iterable[object]) -> list[Doc]:
        """The documents of a query that selects `body`."""
        return [json.loads(row[0]) for row in self.db.execute(sql, tuple(values))]

    def add(self, kind: str, facts: Doc) -> Doc:
        """A new document, with id, object, created and livemode."""
        doc = {"id": self.ids.new(kind), "object": kind, "created": self.now, "livemode": False, **facts}
        body = json.dumps(doc)
        columns = (doc["id"], kind, doc.get("customer"), _parent(doc), doc["created"], body)
        self.db.execute(
            "INSERT INTO objects (id, kind, customer, parent, created, body) VALUES (?, ?, ?, ?, ?, ?)",
            columns,
        )
        stored: Doc = json.loads(body)
        return stored

    def save(self, doc: Doc) -> Doc:
        """Write a changed document back."""
        columns = (doc.get("customer"), _parent(doc), json.dumps(doc), doc["id"])
        self.db.execute("UPDATE objects SET customer = ?, parent = ?, body = ? WHERE id = ?", columns)
        return doc

    def remove(self, id: str) -> None:
        """Forget a document."""
        self.db.execute("DELETE FROM objects WHERE id = ?", (id,))

    def render(self, doc: Doc) -> Doc:
        """The document as the API shows it."""
        return render.render(self, doc)

    def emit(self, type: str, doc: Doc, before: Doc | None = None) -> None:
        """Record an event about a document and queue its deliveries.

        `before` is the document as it was rendered before the change; with no difference there is no event.
        """
        self.rang = journal.record(self, type, self.render(doc), before) or self.rang

    def timer(self, action: str, id: str, at: int) -> None:
        """Let something happen to a document at an instant; one timer per action."""
        self.db.execute(
            "INSERT OR REPLACE INTO timers VALUES (?, ?, ?, ?)", (id, action, at, _RANK.get(action, 4))
        )

    def stop(self, id: str, *actions: str) -> None:
        """Drop the named timers of a document, or all of them."""
        for action in actions:
            self.db.execute("DELETE FROM timers WHERE id = ? AND action = ?", (id, action))
        if not actions:
            self.db.execute("DELETE FROM timers WHERE id = ?", (id,))


Work = Callable[[], AbstractContextManager[Books]]


def _parent(doc: Doc) -> str | None:
    value: str | None = doc.get(_PARENT.get(doc["object"], ""))
    return value
