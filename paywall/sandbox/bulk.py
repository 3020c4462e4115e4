"""A very large account in a minute: one life, copied a million times by the database itself."""

import sqlite3

from paywall.sandbox.books import Books

# The statements name the copies, and nothing of their own comes in but numbers and ids.
_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count) "
_COPY = (
    "INSERT INTO objects (id, kind, customer, parent, created, body) "
    "SELECT {id}, o.kind, {customer}, {parent}, o.created, {body} FROM n, objects o WHERE o.id = :{of}"
)


def copy(books: Books, subscription: str, count: int, *, first_reader: int) -> None:
    """Copy a subscription with its customer and item `count` times; the copies are named by a number.

    Copy number i is `sub_copy<i>` of `cus_copy<i>`, whose metadata names the reader `first_reader` + i - 1.
    A copy stands still: it has no card, no bills and no timers, so the clock does nothing to it.
    """
    item = books.all("subscription_item", parent=subscription)[0]
    given = {
        "count": count,
        "first": first_reader - 1,
        "subscription": subscription,
        "customer": books.find("subscription", subscription)["customer"],
        "item": item["id"],
    }
    own = "json_set(o.body, '$.id', {id}"
    _run(
        books.db,
        given,
        of="customer",
        id=_name("cus"),
        body=own
        + ", '$.metadata.reader_id', CAST(:first + i AS TEXT), '$.email', 'copy' || i || '@example.org')",
    )
    _run(
        books.db,
        given,
        of="subscription",
        id=_name("sub"),
        customer=_name("cus"),
        body=own
        + f", '$.customer', {_name('cus')}, '$.latest_invoice', NULL, '$.default_payment_method', NULL)",
    )
    _run(
        books.db,
        given,
        of="item",
        id=_name("si"),
        parent=_name("sub"),
        body=own + f", '$.subscription', {_name('sub')})",
    )


def _name(prefix: str) -> str:
    return f"'{prefix}_copy' || i"


def _run(
    db: sqlite3.Connection,
    given: dict[str, object],
    *,
    of: str,
    id: str,
    body: str,
    customer: str = "NULL",
    parent: str = "NULL",
) -> None:
    sql = _COPY.format(id=id, customer=customer, parent=parent, of=of, body=body.format(id=id))
    db.execute(_NUMBERS + sql, given)
