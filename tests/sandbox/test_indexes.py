"""A large account stays quick: what is asked often is answered from an index."""

import sqlite3
from typing import Any

import pytest

from tests.sandbox.shop import Shop

ASKED: list[tuple[str, dict[str, Any], str]] = [
    ("customers", {}, "objects_kind"),
    ("customers", {"email": "ada@example.org"}, "objects_email"),
    ("customers", {"created": {"gte": 1}}, "objects_kind"),
    ("subscriptions", {"customer": "*", "status": "all"}, "objects_customer"),
    ("subscriptions", {"status": "active"}, "objects_kind"),
    ("invoices", {"customer": "*"}, "objects_customer"),
    ("invoices", {"subscription": "sub_1"}, "objects_parent"),
    ("invoice_payments", {"invoice": "in_1"}, "objects_parent"),
    ("invoice_payments", {"payment": {"type": "payment_intent", "payment_intent": "pi_1"}}, "objects_intent"),
    ("balance_transactions", {"payout": "po_1"}, "objects_payout"),
    ("events", {"types": ["invoice.paid"]}, "objects_kind"),
]


@pytest.mark.parametrize(("resource", "params", "index"), ASKED)
def test_lists_use_an_index(shop: Shop, resource: str, params: dict[str, Any], index: str) -> None:
    given = {name: shop.customer() if value == "*" else value for name, value in params.items()}
    assert index in plan_of(shop, lambda: getattr(shop.v1, resource).list(given))


def test_what_is_due_is_found_by_an_index(shop: Shop) -> None:
    assert "deliveries_due" in plan_of(shop, shop.sandbox.deliveries.due)


def plan_of(shop: Shop, ask: Any) -> str:
    """How SQLite answered the queries of a call."""
    db: sqlite3.Connection = shop.sandbox._store.connection()
    heard: list[str] = []
    db.set_trace_callback(heard.append)
    ask()
    db.set_trace_callback(None)
    asked = [
        sql for sql in heard if sql.startswith(("SELECT body FROM objects WHERE kind", "SELECT deliveries"))
    ]
    return " ".join(row["detail"] for sql in asked for row in db.execute(f"EXPLAIN QUERY PLAN {sql}"))
