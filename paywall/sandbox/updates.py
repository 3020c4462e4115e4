"""What waits for its bill to be paid: a change of items (`pending_update`), or going on after a pause."""

from dataclasses import dataclass

from paywall.sandbox import invoicing
from paywall.sandbox.books import Books
from paywall.sandbox.errors import Doc

LONGEST = 23 * 3600
_ITEM = "subscription_item"


@dataclass(frozen=True)
class Before:
    """A subscription before a change: its items, and from when its periods are counted."""

    items: list[Doc]
    anchor: int
    status: str


def remember(books: Books, subscription: Doc) -> Before:
    """What `hold` puts back."""
    items = books.all(_ITEM, parent=subscription["id"])
    return Before(items, subscription["billing_cycle_anchor"], subscription["status"])


def hold(books: Books, subscription: Doc, before: Before, invoice: Doc) -> None:
    """The bill was not paid: all is as it was `before`, and what was wanted waits, for 23 hours at most."""
    wanted = books.all(_ITEM, parent=subscription["id"])
    waiting = {
        "items": wanted,
        "anchor": subscription["billing_cycle_anchor"],
        "status": subscription["status"],
        "invoice": invoice["id"],
    }
    ends = min(int(item["current_period_end"]) for item in before.items)
    expires = min(ends, books.now + LONGEST) if ends > books.now else books.now + LONGEST
    if before.status == subscription["status"]:
        moved = waiting["anchor"] if waiting["anchor"] != before.anchor else None
        subscription["pending_update"] = {
            "billing_cycle_anchor": moved,
            "expires_at": expires,
            "subscription_items": [books.render(item) for item in wanted],
        }
    _put(books, subscription, before.items, before.anchor, before.status)
    subscription["_waiting"] = waiting
    books.save(subscription)
    books.timer("expire_update", subscription["id"], expires)


def apply(books: Books, subscription: Doc, invoice: Doc) -> None:
    """The bill was paid: what waited for it happens."""
    waiting = subscription.get("_waiting") or {}
    if waiting.get("invoice") != invoice["id"]:
        return
    before, was = books.render(subscription), subscription["status"]
    _forget(books, subscription)
    _put(books, subscription, waiting["items"], waiting["anchor"], waiting["status"])
    if was == "paused":
        subscription["status_details"] = None
    books.save(subscription)
    event = "resumed" if was == "paused" else "pending_update_applied"
    books.emit(f"customer.subscription.{event}", subscription)
    books.emit("customer.subscription.updated", subscription, before)


def drop(books: Books, subscription: Doc) -> None:
    """It is wanted no more: its bill is void."""
    waiting = subscription.get("_waiting")
    if not waiting:
        return
    before = books.render(subscription)
    _forget(books, subscription)
    books.save(subscription)
    invoice = books.find("invoice", waiting["invoice"])
    if invoice["status"] in ("open", "uncollectible"):
        invoicing.close(books, invoice, "void")
    books.emit("customer.subscription.updated", subscription, before)


def expire(books: Books, subscription: Doc) -> None:
    """It was not paid in time."""
    was_change = subscription.get("pending_update") is not None
    drop(books, subscription)
    if was_change:
        books.emit("customer.subscription.pending_update_expired", subscription)


def _forget(books: Books, subscription: Doc) -> None:
    subscription.update(pending_update=None, _waiting=None)
    books.stop(subscription["id"], "expire_update")


def _put(books: Books, subscription: Doc, items: list[Doc], anchor: int, status: str) -> None:
    for item in items:
        books.save(item)
    subscription.update(billing_cycle_anchor=anchor, status=status)
    books.stop(subscription["id"], "renew")
    if status != "paused":
        books.timer("renew", subscription["id"], max(int(item["current_period_end"]) for item in items))
