"""Invoices and their payments as the API shows them (https://docs.stripe.com/api/invoices)."""

from paywall.sandbox import changes, collection, invoicing, methods, renewal, updates
from paywall.sandbox.books import Books
from paywall.sandbox.edits import merge
from paywall.sandbox.errors import Doc, card_declined, invalid
from paywall.sandbox.pages import Condition, equals, page
from paywall.sandbox.payments import Answer, Attempt, Presence
from paywall.sandbox.shapes import listing


def retrieve(books: Books, id: str, _: Doc) -> Doc:
    """GET /v1/invoices/:id"""
    return books.find("invoice", id)


def list_invoices(books: Books, _: str, params: Doc) -> Doc:
    """GET /v1/invoices"""
    where = {name: params.get(name) for name in ("collection_method", "status")}
    customer, parent = params.get("customer"), params.get("subscription")
    return page(books, "invoice", "/v1/invoices", params, customer=customer, parent=parent, where=where)


def list_lines(books: Books, id: str, params: Doc) -> Doc:
    """GET /v1/invoices/:id/lines"""
    lines = books.render(books.find("invoice", id))["lines"]
    limit = params.get("limit", 10)
    return listing(lines["data"][:limit], lines["url"], has_more=len(lines["data"]) > limit)


def update(books: Books, id: str, params: Doc) -> Doc:
    """POST /v1/invoices/:id"""
    invoice = books.find("invoice", id)
    before = books.render(invoice)
    books.save(merge(invoice, params, ("description", "footer")))
    books.emit("invoice.updated", invoice, before)
    return invoice


def finalize(books: Books, id: str, _: Doc) -> Doc:
    """POST /v1/invoices/:id/finalize"""
    invoice = _in_state(books, id, ("draft",), "finalized")
    invoicing.finalize(books, invoice)
    if invoice["amount_due"] == 0:
        collection.settle(books, invoice)
    else:
        invoicing.ask_for_payment(books, invoice)
    return books.find("invoice", id)


def pay(books: Books, id: str, params: Doc) -> Doc:
    """POST /v1/invoices/:id/pay. Raises a card error when the card is refused."""
    invoice = books.find("invoice", id)
    if invoice["status"] == "paid":
        raise invalid("Invoice is already paid", None, "invoice_already_paid")
    _in_state(books, id, ("draft", "open", "uncollectible"), "paid")
    if invoice["status"] == "draft":
        invoicing.finalize(books, invoice)
    given = params.get("payment_method")
    method = methods.resolve(books, given, "payment_method") if given else None
    attempt = collection.collect(
        books, invoice, method, Presence(on_session=not params.get("off_session", True))
    )
    raise_if_refused(attempt)
    return books.find("invoice", id)


def void(books: Books, id: str, _: Doc) -> Doc:
    """POST /v1/invoices/:id/void"""
    invoice = _in_state(books, id, ("open", "uncollectible"), "voided")
    subscription = books.find("subscription", invoice["_subscription"])
    if (subscription.get("_waiting") or {}).get("invoice") == id:
        updates.drop(books, subscription)
        return books.find("invoice", id)
    return invoicing.close(books, invoice, "void")


def mark_uncollectible(books: Books, id: str, _: Doc) -> Doc:
    """POST /v1/invoices/:id/mark_uncollectible"""
    return invoicing.close(books, _in_state(books, id, ("open",), "marked as uncollectible"), "uncollectible")


def create_preview(books: Books, _: str, params: Doc) -> Doc:
    """POST /v1/invoices/create_preview: the next invoice of a subscription, and after a change of items."""
    if "subscription" not in params:
        raise invalid("The sandbox previews invoices of a subscription only.", "subscription")
    books.db.execute("SAVEPOINT preview")
    rang, now = books.rang, books.now
    try:
        return _preview(books, params)
    finally:
        books.db.execute("ROLLBACK TO preview")
        books.db.execute("RELEASE preview")
        books.rang, books.now = rang, now


def raise_if_refused(attempt: Attempt) -> None:
    """A declined card, or one whose bank asks a question, is a 402; the attempt stays on the books."""
    if attempt.answer is not Answer.PAID and attempt.decline is not None:
        decline = attempt.decline
        raise card_declined(decline.code, decline.decline_code, decline.message, charge=attempt.charge)


def list_payments(books: Books, _: str, params: Doc) -> Doc:
    """GET /v1/invoice_payments, by invoice or by the payment intent behind it."""
    payment = params.get("payment", {})
    where = {"status": params.get("status"), "payment.payment_intent": payment.get("payment_intent")}
    also: list[Condition] = [equals("payment.type", payment["type"])] if "type" in payment else []
    parent = params.get("invoice")
    return page(
        books, "invoice_payment", "/v1/invoice_payments", params, parent=parent, where=where, also=also
    )


def retrieve_payment(books: Books, id: str, _: Doc) -> Doc:
    """GET /v1/invoice_payments/:id"""
    return books.find("invoice_payment", id)


def _in_state(books: Books, id: str, states: tuple[str, ...], verb: str) -> Doc:
    invoice = books.find("invoice", id)
    if invoice["status"] not in states:
        message = f"This invoice is {invoice['status']} and can not be {verb}."
        raise invalid(message, None, "invoice_not_editable")
    return invoice


def _preview(books: Books, params: Doc) -> Doc:
    subscription = books.find("subscription", params["subscription"])
    details = params.get("subscription_details", {})
    id = f"upcoming_{books.ids.new('invoice')}"
    if "items" in details:
        anchored = changes.apply_items(books, subscription, details["items"], details)
        if anchored or details.get("proration_behavior") == "always_invoice":
            return _drafted(books, subscription, "subscription_update", id, period=anchored)
    books.now = renewal.next_turn(books, subscription)
    renewal.set_periods(books, subscription)
    subscription["status"] = "active" if subscription["status"] == "trialing" else subscription["status"]
    return _drafted(books, subscription, "upcoming", id, period=True)


def _drafted(books: Books, subscription: Doc, reason: str, id: str, *, period: bool) -> Doc:
    bill = renewal.bill_for(books, subscription, reason, id, period=period)
    invoice = invoicing.draft(books, bill, automatic=False)
    due = invoicing.due_after_credit(books, invoice)
    credit = books.find("customer", invoice["customer"])["balance"]
    return {**invoice, "amount_due": due, "amount_remaining": due, "starting_balance": credit}
