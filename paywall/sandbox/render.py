"""How a stored document is shown: parts that live elsewhere are put in, and `expand` is followed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from paywall.sandbox import shapes
from paywall.sandbox.errors import Doc, invalid

if TYPE_CHECKING:
    from paywall.sandbox.books import Books


def render(books: Books, doc: Doc) -> Doc:
    """Every field that Stripe would show, private ones dropped. A deleted object is only its id."""
    if doc.get("deleted"):
        return doc
    put_in = _PARTS.get(doc["object"])
    return shapes.complete(put_in(books, doc) if put_in else doc)


def expand(books: Books, doc: Doc, paths: list[str]) -> Doc:
    """Replace ids by objects along each path (`latest_invoice.payments`, `data.customer`), in place."""
    for path in paths:
        steps = path.split(".")
        if len(steps) > 4:
            raise invalid(f"You cannot expand more than 4 levels of a property ({path}).", param="expand")
        _follow(books, doc, steps, path)
    return doc


def _follow(books: Books, node: Any, steps: list[str], path: str) -> None:
    if not steps or node is None or node.get("deleted"):
        return
    step = steps[0]
    provide = _ON_DEMAND.get((node.get("object", ""), step))
    if step not in node and provide:
        node[step] = provide(books, node)
    if step not in node:
        raise invalid(f"This property cannot be expanded ({path}).", param="expand")
    if isinstance(node[step], list):
        node[step] = [_opened(books, value, steps[1:], path) for value in node[step]]
    else:
        node[step] = _opened(books, node[step], steps[1:], path)


def _opened(books: Books, value: Any, steps: list[str], path: str) -> Any:
    if isinstance(value, str):
        found = books.get(value)
        if found is None:
            raise invalid(f"This property cannot be expanded ({path}).", param="expand")
        value = render(books, found)
    if not isinstance(value, dict | None):
        raise invalid(f"This property cannot be expanded ({path}).", param="expand")
    _follow(books, value, steps, path)
    return value


def _with_items(books: Books, doc: Doc) -> Doc:
    items = [render(books, item) for item in books.all("subscription_item", parent=doc["id"])]
    url = f"/v1/subscription_items?subscription={doc['id']}"
    return {**doc, "items": shapes.listing(items, url)}


def _with_price(books: Books, doc: Doc) -> Doc:
    price = render(books, books.find("price", doc["price"]))
    return {**doc, "price": price, "plan": _plan(price)}


def _plan(price: Doc) -> Doc:
    same = (
        "id",
        "active",
        "billing_scheme",
        "created",
        "currency",
        "livemode",
        "metadata",
        "nickname",
        "product",
    )
    recurring = price["recurring"]
    facts = {
        "object": "plan",
        **{name: price[name] for name in same},
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "usage_type": recurring["usage_type"],
    }
    return shapes.complete(facts)


def _with_lines(books: Books, doc: Doc) -> Doc:
    lines = [shapes.complete(line) for line in doc["_lines"]]
    return {**doc, "lines": shapes.listing(lines, f"/v1/invoices/{doc['id']}/lines")}


def _with_transactions(books: Books, doc: Doc) -> Doc:
    moved = [render(books, books.find("balance_transaction", id)) for id in doc["_transactions"]]
    return {**doc, "balance_transactions": moved}


def _with_status(books: Books, doc: Doc) -> Doc:
    return {**doc, "status": "available" if doc["available_on"] <= books.now else "pending"}


def _with_pending(books: Books, doc: Doc) -> Doc:
    row = books.db.execute(
        "SELECT count(*) FROM deliveries WHERE event = ? AND state = 'pending'", (doc["id"],)
    ).fetchone()
    return {**doc, "pending_webhooks": row[0]}


def session_lines(books: Books, session: Doc) -> Doc:
    """The line items of a Checkout Session, as a list object."""
    stored = books.find("checkout.session", session["id"])
    items = [
        {**item, "price": render(books, books.find("price", item["price"]))} for item in stored["_items"]
    ]
    url = f"/v1/checkout/sessions/{session['id']}/line_items"
    return shapes.listing([shapes.complete(item) for item in items], url)


def _payments(books: Books, invoice: Doc) -> Doc:
    payments = [render(books, payment) for payment in books.all("invoice_payment", parent=invoice["id"])]
    return shapes.listing(payments, f"/v1/invoice_payments?invoice={invoice['id']}")


def _confirmation_secret(books: Books, invoice: Doc) -> Doc | None:
    for payment in books.all("invoice_payment", parent=invoice["id"]):
        intent = books.find("payment_intent", payment["payment"]["payment_intent"])
        return {"client_secret": intent["client_secret"], "type": "payment_intent"}
    return None


def _subscriptions(books: Books, customer: Doc) -> Doc:
    live = [s for s in books.all("subscription", customer=customer["id"]) if s["status"] != "canceled"]
    return shapes.listing([render(books, s) for s in live], f"/v1/customers/{customer['id']}/subscriptions")


def _refunds(books: Books, charge: Doc) -> Doc:
    refunds = [render(books, refund) for refund in books.all("refund", parent=charge["id"])]
    return shapes.listing(refunds, f"/v1/charges/{charge['id']}/refunds")


def is_redeemable(doc: Doc, now: int) -> bool:
    """Is a coupon or a code neither used up nor out of date?"""
    most, until = doc.get("max_redemptions"), doc.get("redeem_by") or doc.get("expires_at")
    return (most is None or doc["times_redeemed"] < most) and (until is None or until > now)


def _with_validity(books: Books, doc: Doc) -> Doc:
    name = "valid" if doc["object"] == "coupon" else "active"
    return {**doc, name: doc[name] and is_redeemable(doc, books.now)}


_PARTS = {
    "balance_transaction": _with_status,
    "coupon": _with_validity,
    "dispute": _with_transactions,
    "event": _with_pending,
    "invoice": _with_lines,
    "promotion_code": _with_validity,
    "subscription": _with_items,
    "subscription_item": _with_price,
}
_ON_DEMAND = {
    ("charge", "refunds"): _refunds,
    ("checkout.session", "line_items"): session_lines,
    ("customer", "subscriptions"): _subscriptions,
    ("invoice", "confirmation_secret"): _confirmation_secret,
    ("invoice", "payments"): _payments,
}
