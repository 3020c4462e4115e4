"""What state a subscription is in, and every change of it with its event."""

from typing import Any

from paywall.sandbox import invoicing, updates
from paywall.sandbox.books import Books
from paywall.sandbox.errors import Doc

ENDED = ("canceled", "incomplete_expired")


def change(books: Books, subscription: Doc, **facts: Any) -> Doc:
    """Write facts and say so: customer.subscription.updated with what they were before."""
    before = books.render(subscription)
    subscription.update(facts)
    books.save(subscription)
    books.emit("customer.subscription.updated", subscription, before)
    return subscription


def recover(books: Books, subscription: Doc) -> None:
    """Its latest invoice is paid: it runs again."""
    latest = books.get(subscription["latest_invoice"] or "")
    settled = latest is None or latest["status"] in ("paid", "void", "uncollectible")
    if subscription["status"] in ("incomplete", "past_due", "unpaid") and settled:
        books.stop(subscription["id"], "expire_incomplete")
        change(books, subscription, status="active")


def fall_behind(books: Books, subscription: Doc) -> None:
    """A renewal was not paid; a first payment that fails leaves it incomplete."""
    if subscription["status"] in ("active", "trialing"):
        change(books, subscription, status="past_due")


def end(books: Books, subscription: Doc, reason: str, **details: Any) -> Doc:
    """Over for good. Its invoices are no longer collected by themselves."""
    updates.drop(books, subscription)
    books.stop(subscription["id"])
    held = subscription["cancellation_details"]
    subscription.update(
        status="canceled",
        ended_at=books.now,
        canceled_at=subscription["canceled_at"] or books.now,
        cancellation_details={**held, "reason": held.get("reason") or reason, **details},
        pause_collection=None,
    )
    books.save(subscription)
    _stop_collecting(books, subscription)
    books.emit("customer.subscription.deleted", subscription)
    return subscription


def give_up_incomplete(books: Books, subscription: Doc) -> None:
    """The first payment was not made within 23 hours."""
    books.stop(subscription["id"])
    for invoice in books.all("invoice", parent=subscription["id"]):
        if invoice["status"] == "open":
            invoicing.close(books, invoice, "void")
    change(books, subscription, status="incomplete_expired", ended_at=books.now)


def pause(books: Books, subscription: Doc, why: str) -> Doc:
    """No invoices and no periods until it is resumed."""
    before = books.render(subscription)
    books.stop(subscription["id"], "renew", "trial_will_end")
    kind = {"subscription": {"type": why}, "transitioned_at": books.now, "type": "subscription"}
    subscription.update(status="paused", status_details={"paused": kind})
    books.save(subscription)
    books.emit("customer.subscription.paused", subscription)
    books.emit("customer.subscription.updated", subscription, before)
    return subscription


def schedule_end(books: Books, subscription: Doc, at: int, **details: Any) -> Doc:
    """It ends at that instant: what the portal does in flexible mode (`cancel_at` set, the boolean false)."""
    books.timer("cancel", subscription["id"], at)
    held = {**subscription["cancellation_details"], "reason": "cancellation_requested", **details}
    return change(
        books,
        subscription,
        cancel_at=at,
        cancel_at_period_end=subscription["billing_mode"]["type"] == "classic",
        canceled_at=books.now,
        cancellation_details=held,
    )


def end_with_period(books: Books, subscription: Doc, **details: Any) -> Doc:
    """The boolean of the API. In flexible mode it comes without `cancel_at`: readers must know both forms."""
    classic = subscription["billing_mode"]["type"] == "classic"
    held = {**subscription["cancellation_details"], "reason": "cancellation_requested", **details}
    return change(
        books,
        subscription,
        cancel_at=period_end(books, subscription) if classic else None,
        cancel_at_period_end=True,
        canceled_at=books.now,
        cancellation_details=held,
    )


def keep(books: Books, subscription: Doc) -> Doc:
    """Take a scheduled end back."""
    books.stop(subscription["id"], "cancel")
    nothing = {"comment": None, "feedback": None, "reason": None}
    return change(
        books,
        subscription,
        cancel_at=None,
        cancel_at_period_end=False,
        canceled_at=None,
        cancellation_details=nothing,
    )


def period_end(books: Books, subscription: Doc) -> int:
    """Paid through (Unix seconds): the latest end of its items' periods."""
    items = books.all("subscription_item", parent=subscription["id"])
    return max(int(item["current_period_end"]) for item in items)


def _stop_collecting(books: Books, subscription: Doc) -> None:
    for invoice in books.all("invoice", parent=subscription["id"]):
        if invoice["status"] in ("draft", "open"):
            before = books.render(invoice)
            books.stop(invoice["id"])
            invoice.update(auto_advance=False, next_payment_attempt=None, automatically_finalizes_at=None)
            books.save(invoice)
            books.emit("invoice.updated", invoice, before)
