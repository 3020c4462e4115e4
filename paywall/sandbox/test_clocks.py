"""Test clocks (https://docs.stripe.com/billing/testing/test-clocks): here they all move the one clock."""

from paywall.sandbox import customers
from paywall.sandbox.books import Books
from paywall.sandbox.errors import Doc, invalid

KIND = "test_helpers.test_clock"
_KEPT = 30 * 86400


def create(books: Books, _: str, params: Doc) -> Doc:
    """POST /v1/test_helpers/test_clocks; an instant gone by becomes now."""
    facts: Doc = {
        "deletes_after": books.now + _KEPT,
        "frozen_time": max(int(params["frozen_time"]), books.now),
        "name": params.get("name"),
        "status": "ready",
        "status_details": {"advancing": None},
    }
    return books.add(KIND, facts)


def retrieve(books: Books, id: str, _: Doc) -> Doc:
    """GET /v1/test_helpers/test_clocks/:id"""
    return books.find(KIND, id)


def advance(books: Books, id: str, params: Doc) -> Doc:
    """POST /v1/test_helpers/test_clocks/:id/advance; the sandbox moves its clock after the commit."""
    found, target = books.find(KIND, id), int(params["frozen_time"])
    if target <= found["frozen_time"]:
        raise invalid("frozen_time must be after the test clock's present time.", "frozen_time")
    moved = {"status": "advancing", "status_details": {"advancing": {"target_frozen_time": target}}}
    return books.save({**found, **moved})


def delete(books: Books, id: str, _: Doc) -> Doc:
    """DELETE /v1/test_helpers/test_clocks/:id: its customers go with it."""
    books.find(KIND, id)
    for customer in books.all("customer"):
        if customer.get("test_clock") == id:
            customers.delete(books, customer["id"], {})
    books.remove(id)
    return {"id": id, "object": KIND, "deleted": True}


def waiting(books: Books) -> Doc | None:
    """A clock that was told to advance and has not done so."""
    return next((clock for clock in books.all(KIND) if clock["status"] == "advancing"), None)


def arrive(books: Books, clock: Doc) -> None:
    """Write down that a clock has come where it was sent."""
    target = clock["status_details"]["advancing"]["target_frozen_time"]
    books.save({**clock, "status": "ready", "frozen_time": target, "status_details": {"advancing": None}})
