"""List calls: filters, cursors and `has_more`, done in SQL on an index."""

from collections.abc import Mapping
from typing import Any

from paywall.sandbox.books import Books
from paywall.sandbox.errors import Doc, invalid, resource_missing
from paywall.sandbox.shapes import listing

Condition = tuple[str, tuple[object, ...]]
_COMPARE = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def page(
    books: Books,
    kind: str,
    url: str,
    params: Doc,
    *,
    customer: str | None = None,
    parent: str | None = None,
    where: Mapping[str, Any] | None = None,
    also: list[Condition] | None = None,
) -> Doc:
    """One page, newest first. `where` maps a field (`recurring.interval`) to its value, None meaning any."""
    # The kind stands in the text, so that SQLite can use the indexes that are for one kind only.
    conditions: list[Condition] = [(f"kind = '{kind}'", ()), *(also or [])]
    conditions += [
        (f"{name} = ?", (key,)) for name, key in (("customer", customer), ("parent", parent)) if key
    ]
    conditions += [equals(field, value) for field, value in (where or {}).items() if value is not None]
    conditions += _created(params.get("created"))
    return _cut(books, kind, url, params, conditions)


def equals(field: str, value: Any) -> Condition:
    """A field of the document has this value."""
    return (f"json_extract(body, '$.{field}') = ?", (int(value) if isinstance(value, bool) else value,))


def _created(wanted: int | dict[str, int] | None) -> list[Condition]:
    if wanted is None:
        return []
    if isinstance(wanted, int):
        return [("created = ?", (wanted,))]
    return [(f"created {_COMPARE[name]} ?", (value,)) for name, value in wanted.items()]


def _cut(books: Books, kind: str, url: str, params: Doc, conditions: list[Condition]) -> Doc:
    limit = _limit(params.get("limit", 10))
    backwards = "ending_before" in params
    conditions = conditions + _cursor(books, kind, params)
    order = "created, seq" if backwards else "created DESC, seq DESC"
    test = " AND ".join(sql for sql, _ in conditions)
    values = [value for _, some in conditions for value in some]
    sql = f"SELECT body FROM objects WHERE {test} ORDER BY {order} LIMIT {limit + 1}"  # noqa: S608
    found = books.rows(sql, values)
    data = [books.render(doc) for doc in found[:limit]]
    return listing(data[::-1] if backwards else data, url, has_more=len(found) > limit)


def _limit(value: int) -> int:
    if not 1 <= value <= 100:
        edge = "less than or equal to 100" if value > 100 else "greater than or equal to 1"
        raise invalid(f"This value must be {edge}.", "limit", "parameter_invalid_integer")
    return value


def _cursor(books: Books, kind: str, params: Doc) -> list[Condition]:
    if "starting_after" in params and "ending_before" in params:
        raise invalid("You may only specify one of these parameters: ending_before, starting_after.")
    for name, sign in (("starting_after", "<"), ("ending_before", ">")):
        if name in params:
            row = books.db.execute(
                "SELECT created, seq FROM objects WHERE id = ?", (params[name],)
            ).fetchone()
            if row is None:
                raise resource_missing(kind, params[name], name)
            return [(f"(created, seq) {sign} (?, ?)", tuple(row))]
    return []
