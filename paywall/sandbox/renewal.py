"""A subscription through time: how it opens, turns its period, ends its trial, and what each period costs."""

from dataclasses import dataclass, field

from paywall.sandbox import collection, discounts, invoicing, pending, standing, terms
from paywall.sandbox.books import Books
from paywall.sandbox.edits import merge
from paywall.sandbox.errors import Doc
from paywall.sandbox.invoicing import Bill, Line
from paywall.sandbox.payments import Presence

_WARNING = 3 * 86_400
_INCOMPLETE = 23 * 3600

_UNTOUCHED: Doc = {
    "automatic_tax": {"enabled": False},
    "cancel_at": None,
    "cancel_at_period_end": False,
    "canceled_at": None,
    "cancellation_details": {"comment": None, "feedback": None, "reason": None},
    "collection_method": "charge_automatically",
    "discounts": [],
    "invoice_settings": {"issuer": {"type": "self"}},
    "metadata": {},
    "pause_collection": None,
    "payment_settings": {"save_default_payment_method": "off"},
    "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
}


@dataclass(frozen=True)
class Opening:
    """What a new subscription starts with. `items`, and what is bought `once`, are {price, quantity}."""

    customer: str
    items: list[Doc]
    status: str
    trial_end: int | None = None
    anchor: int | None = None
    method: str | None = None
    billing_mode: str = "flexible"
    discounts: list[Doc] = field(default_factory=list)
    once: list[Doc] = field(default_factory=list)
    facts: Doc = field(default_factory=dict)
    session: str | None = None


def open_subscription(books: Books, opening: Opening) -> tuple[Doc, Doc]:
    """A new subscription and its first invoice, finalised; nothing is charged here."""
    invoice_id = books.ids.new("invoice")
    subscription = books.add("subscription", _facts(books, opening, invoice_id))
    for item in opening.items:
        _add_item(books, subscription, item)
    for item in opening.once:
        pending.add(books, subscription, _once(books, item))
    subscription["discounts"] = [
        discounts.grant(books, subscription, given, opening.session) for given in opening.discounts
    ]
    books.save(subscription)
    books.emit("customer.subscription.created", subscription)
    _set_timers(books, subscription)
    bill = bill_for(books, subscription, "subscription_create", invoice_id)
    invoice = invoicing.finalize(books, invoicing.draft(books, bill, automatic=False))
    discounts.used(books, subscription)
    return subscription, invoice


def turn(books: Books, subscription: Doc) -> None:
    """The end of a period or of a trial: end, pause, or begin the next period with a draft invoice."""
    if subscription["cancel_at_period_end"]:
        standing.end(books, subscription, "cancellation_requested")
        return
    if subscription["status"] == "trialing" and not has_method(books, subscription):
        behavior = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
        if behavior == "cancel":
            standing.end(books, subscription, "cancellation_requested")
            return
        if behavior == "pause":
            standing.pause(books, subscription, "trial_end_without_payment_method")
            return
    begin_period(books, subscription)


def begin_period(books: Books, subscription: Doc) -> Doc:
    """The next period starts now, with a draft invoice for it."""
    before = books.render(subscription)
    discounts.running(books, subscription)
    set_periods(books, subscription)
    if subscription["status"] == "trialing":
        subscription["status"] = "active"
    subscription["latest_invoice"] = books.ids.new("invoice")
    books.save(subscription)
    bill = bill_for(books, subscription, "subscription_cycle", subscription["latest_invoice"])
    collected = subscription["status"] != "unpaid" and not _kept_as_draft(subscription)
    invoice = invoicing.draft(books, bill, automatic=collected)
    discounts.used(books, subscription)
    books.emit("customer.subscription.updated", subscription, before)
    return invoice


def set_periods(books: Books, subscription: Doc) -> None:
    """Let the period of every item start now."""
    for item in books.all("subscription_item", parent=subscription["id"]):
        books.save({**item, **_period(books, subscription, item["price"], books.now)})
    books.timer("renew", subscription["id"], standing.period_end(books, subscription))


def finalize_and_collect(books: Books, invoice: Doc) -> None:
    """What happens to a draft an hour after it was made: opened and charged, unless collection is paused."""
    invoicing.finalize(books, invoice)
    paused = _paused_collection(books, invoice)
    if paused in ("void", "mark_uncollectible"):
        status = "void" if paused == "void" else "uncollectible"
        invoicing.close(books, invoice, status, "subscription_paused")
    else:
        collection.collect(books, invoice)


def bill_now(
    books: Books, subscription: Doc, reason: str, *, period: bool, presence: Presence | None = None
) -> Doc:
    """An invoice for pending prorations (and for the period that began this instant), collected at once.

    Without a presence it is dunned if it is not paid.
    """
    subscription["latest_invoice"] = books.ids.new("invoice")
    books.save(subscription)
    bill = bill_for(books, subscription, reason, subscription["latest_invoice"], period=period)
    invoice = invoicing.finalize(books, invoicing.draft(books, bill, automatic=False))
    collection.collect(books, invoice, presence=presence)
    return books.find("invoice", invoice["id"])


def bill_for(books: Books, subscription: Doc, reason: str, id: str, *, period: bool = True) -> Bill:
    """What is to be paid: what is pending and, with `period`, the items for the period that starts now."""
    items = books.all("subscription_item", parent=subscription["id"])
    lines = pending.take(books, subscription, id)
    if period:
        lines += [_item_line(books, subscription, item) for item in items]
    return Bill(
        customer=subscription["customer"],
        reason=reason,
        lines=lines,
        currency=subscription["currency"],
        start=min(item["current_period_start"] for item in items),
        end=max(item["current_period_end"] for item in items),
        subscription=subscription,
        discounts=discounts.running(books, subscription),
        id=id,
    )


def next_turn(books: Books, subscription: Doc) -> int:
    """When the next period starts (Unix seconds)."""
    items = books.all("subscription_item", parent=subscription["id"])
    return min(int(item["current_period_end"]) for item in items)


def has_method(books: Books, subscription: Doc) -> bool:
    """Is there a card that a renewal would be charged to?"""
    customer = books.find("customer", subscription["customer"])
    default = (customer["invoice_settings"] or {}).get("default_payment_method")
    return bool(subscription["default_payment_method"] or default)


def _facts(books: Books, opening: Opening, invoice_id: str) -> Doc:
    price = books.find("price", opening.items[0]["price"])
    mode: Doc = {"type": opening.billing_mode}
    if opening.billing_mode == "flexible":
        mode["flexible"] = {"proration_discounts": "included"}
    facts = {
        **_UNTOUCHED,
        "billing_cycle_anchor": opening.anchor or opening.trial_end or books.now,
        "billing_mode": mode,
        "currency": price["currency"],
        "customer": opening.customer,
        "default_payment_method": opening.method,
        "latest_invoice": invoice_id,
        "start_date": books.now,
        "status": opening.status,
        "trial_end": opening.trial_end,
        "trial_start": books.now if opening.trial_end else None,
    }
    return merge(facts, opening.facts, opening.facts)


def _add_item(books: Books, subscription: Doc, given: Doc) -> Doc:
    facts = {
        "discounts": [],
        "metadata": given.get("metadata") or {},
        "price": given["price"],
        "quantity": given.get("quantity", 1),
        "subscription": subscription["id"],
        "tax_rates": [],
        **_period(books, subscription, given["price"], subscription["start_date"]),
    }
    if subscription["trial_end"] and subscription["status"] == "trialing":
        facts["current_period_end"] = subscription["trial_end"]
    return books.add("subscription_item", facts)


def _once(books: Books, given: Doc) -> Line:
    price, quantity = books.find("price", given["price"]), given.get("quantity", 1)
    return Line(price, quantity, price["unit_amount"] * quantity, books.now, books.now)


def _period(books: Books, subscription: Doc, price_id: str, start: int) -> Doc:
    rhythm = books.find("price", price_id)["recurring"]
    anchor = subscription["billing_cycle_anchor"]
    end = terms.period_end(anchor, start, rhythm["interval"], rhythm["interval_count"])
    return {"current_period_start": start, "current_period_end": end}


def _set_timers(books: Books, subscription: Doc) -> None:
    if subscription["status"] == "incomplete":
        books.timer("expire_incomplete", subscription["id"], books.now + _INCOMPLETE)
    if subscription["trial_end"]:
        books.timer(
            "trial_will_end", subscription["id"], max(books.now, subscription["trial_end"] - _WARNING)
        )
    books.timer("renew", subscription["id"], standing.period_end(books, subscription))


def _item_line(books: Books, subscription: Doc, item: Doc) -> Line:
    price = books.find("price", item["price"])
    trial = subscription["status"] == "trialing"
    name = books.find("product", price["product"])["name"]
    return Line(
        price=price,
        quantity=item["quantity"],
        amount=0 if trial else price["unit_amount"] * item["quantity"],
        start=item["current_period_start"],
        end=item["current_period_end"],
        item=item["id"],
        description=f"Trial period for {name}" if trial else None,
    )


def _kept_as_draft(subscription: Doc) -> bool:
    return (subscription["pause_collection"] or {}).get("behavior") == "keep_as_draft"


def _paused_collection(books: Books, invoice: Doc) -> str | None:
    subscription = books.find("subscription", invoice["_subscription"])
    behavior: str | None = (subscription["pause_collection"] or {}).get("behavior")
    return behavior
