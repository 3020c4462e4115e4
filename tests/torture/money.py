"""What money moved: each row of the cash book against Stripe's own document of the same id."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import RowMapping, select

from paywall.db import db
from tests.torture.oracle import DAY, Doc, Oracle

# Of each kind of document at Stripe: our table, and which of its columns says what which field says there.
PAGES: dict[str, tuple[str, dict[str, str]]] = {
    "invoice": (
        "invoice",
        {
            "status": "status",
            "amount": "total",
            "amount_due": "amount_due",
            "amount_paid": "amount_paid",
            "amount_remaining": "amount_remaining",
            "currency": "currency",
        },
    ),
    "charge": (
        "payment",
        {
            "status": "status",
            "amount": "amount",
            "refunded": "amount_refunded",
            "is_disputed": "disputed",
            "currency": "currency",
            "transaction": "balance_transaction",
        },
    ),
    "refund": (
        "refund",
        {
            "status": "status",
            "amount": "amount",
            "charge": "charge",
            "currency": "currency",
            "transaction": "balance_transaction",
        },
    ),
    "dispute": (
        "dispute",
        {"status": "status", "amount": "amount", "charge": "charge", "currency": "currency"},
    ),
    "balance_transaction": (
        "balance_transaction",
        {"amount": "amount", "fee": "fee", "net": "net", "source": "source", "currency": "currency"},
    ),
    "payout": ("payout", {"status": "status", "amount": "amount", "currency": "currency"}),
}


def differences(seen: Oracle) -> Iterator[str]:
    """Where the cash book differs from Stripe: something missing, too much, or other words."""
    for kind, (name, columns) in PAGES.items():
        table = db.metadata.tables[name]
        kept = {row["stripe_id"]: row for row in db.session.execute(select(table)).mappings()}
        known = {doc["id"]: doc for doc in seen.of(kind)}
        yield from (f"{kind} {id} is here and not at Stripe" for id in kept.keys() - known.keys())
        for id, doc in known.items():
            if _is_ours_to_know(seen, doc):
                yield from _differs(doc, kept.get(id), columns)
    yield from _moved(seen)


def _differs(doc: Doc, row: RowMapping | None, columns: dict[str, str]) -> Iterator[str]:
    what = f"{doc['object']} {doc['id']}"
    if row is None:
        yield f"{what} ({doc.get('status')}) is at Stripe and not here"
        return
    for ours, theirs in columns.items():
        here, there = row[ours], doc.get(theirs)
        if here != there:
            yield f"{ours} of {what} is {here} here, {there} at Stripe"


def _is_ours_to_know(seen: Oracle, doc: Doc) -> bool:
    """Whether anybody could still tell us of it."""
    match doc["object"]:
        case "invoice":
            # No bill shows in the account's balance: only its events tell, and Stripe forgets those.
            moved = max([doc["created"], *filter(None, doc.get("status_transitions", {}).values())])
            return doc["status"] != "draft" and seen.has(doc["customer"]) and moved >= seen.now - 30 * DAY
        case "charge":
            # A refused card moves nothing; of whom we know we are told of it with their bills.
            return bool(doc["paid"])
    return True


def _moved(seen: Oracle) -> Iterator[str]:
    """Each dispute has moved what its lines in the balance say."""
    table = db.metadata.tables["dispute"]
    kept = {row.stripe_id: row.moved for row in db.session.execute(select(table))}
    lines: dict[str, Any] = {doc["id"]: doc for doc in seen.of("balance_transaction")}
    for doc in seen.of("dispute"):
        there = sum(lines[id]["amount"] for id in doc["_transactions"])
        if kept.get(doc["id"]) != there:
            yield f"dispute {doc['id']} has moved {kept.get(doc['id'])} here, {there} at Stripe"
