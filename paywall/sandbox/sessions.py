"""Checkout Sessions as the API makes them (https://docs.stripe.com/api/checkout/sessions)."""

from paywall.sandbox import catalogue, discounts, session_rules
from paywall.sandbox.books import Books
from paywall.sandbox.edits import merge, metadata
from paywall.sandbox.errors import Doc, invalid
from paywall.sandbox.pages import page
from paywall.sandbox.render import session_lines

# Parameters that the session shows as they were given.
_ECHOED = (
    "allow_promotion_codes",
    "billing_address_collection",
    "cancel_url",
    "client_reference_id",
    "customer",
    "customer_email",
    "locale",
    "payment_method_collection",
    "return_url",
    "submit_type",
    "success_url",
)

# Parameters that are used when the session is paid.
_FOR_LATER = ("discounts", "payment_intent_data", "setup_intent_data", "subscription_data")


def create(books: Books, _: str, params: Doc) -> Doc:
    """POST /v1/checkout/sessions"""
    session_rules.check(books, params)
    items = [_item(books, params, given, i) for i, given in enumerate(params.get("line_items", []))]
    id = books.ids.new("checkout.session")
    facts = {
        "id": id,
        **_defaults(params),
        **merge({}, params, _ECHOED),
        **_money(books, params, items),
        **_address(books, params, id),
        "customer_details": _details(books, params),
        "expires_at": session_rules.expiry(books, params),
        "metadata": metadata(params.get("metadata")),
        "mode": params["mode"],
        "_items": items,
        **{f"_{name}": params.get(name, {}) for name in _FOR_LATER},
    }
    session = books.add("checkout.session", facts)
    books.timer("expire_session", id, session["expires_at"])
    return session


def retrieve(books: Books, id: str, _: Doc) -> Doc:
    """GET /v1/checkout/sessions/:id"""
    return books.find("checkout.session", id)


def update(books: Books, id: str, params: Doc) -> Doc:
    """POST /v1/checkout/sessions/:id, metadata only."""
    return books.save(merge(books.find("checkout.session", id), params, ()))


def expire(books: Books, id: str, _: Doc) -> Doc:
    """POST /v1/checkout/sessions/:id/expire, for an open session only."""
    session = books.find("checkout.session", id)
    if session["status"] != "open":
        raise invalid(
            f'Only Checkout Sessions with a status in ["open"] can be expired. '
            f"This Checkout Session has a status of {session['status']}.",
            "session",
        )
    return expire_now(books, session)


def expire_now(books: Books, session: Doc) -> Doc:
    """Nobody paid in time."""
    books.stop(session["id"])
    session.update(status="expired", url=None)
    books.save(session)
    books.emit("checkout.session.expired", session)
    return session


def line_items(books: Books, id: str, _: Doc) -> Doc:
    """GET /v1/checkout/sessions/:id/line_items"""
    return session_lines(books, books.find("checkout.session", id))


def list_sessions(books: Books, _: str, params: Doc) -> Doc:
    """GET /v1/checkout/sessions"""
    where = {name: params.get(name) for name in ("payment_intent", "status")}
    where["customer_details.email"] = params.get("customer_details", {}).get("email")
    customer, parent = params.get("customer"), params.get("subscription")
    url = "/v1/checkout/sessions"
    return page(books, "checkout.session", url, params, customer=customer, parent=parent, where=where)


def _defaults(params: Doc) -> Doc:
    subscribing = params["mode"] == "subscription"
    return {
        "allow_promotion_codes": None,
        "automatic_tax": {"enabled": params.get("automatic_tax", {}).get("enabled", False)},
        "currency": None,
        "custom_fields": [],
        "custom_text": {},
        "customer": None,
        "customer_creation": params.get("customer_creation", "always" if subscribing else "if_required"),
        "customer_email": None,
        "discounts": [],
        "invoice": None,
        "payment_intent": None,
        "payment_method_collection": "always" if subscribing else "if_required",
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "setup_intent": None,
        "shipping_options": [],
        "status": "open",
        "subscription": None,
    }


def _item(books: Books, params: Doc, given: Doc, index: int) -> Doc:
    at = f"line_items[{index}]"
    price = _price(books, given, at)
    if "quantity" not in given:
        raise invalid(f"Quantity is required. Add `quantity` to `{at}`", f"{at}[quantity]")
    session_rules.check_price(params["mode"], price, first=index == 0)
    amount = price["unit_amount"] * given["quantity"]
    return {
        "id": books.ids.new("item"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": books.find("product", price["product"])["name"],
        "price": price["id"],
        "quantity": given["quantity"],
    }


def _price(books: Books, given: Doc, at: str) -> Doc:
    if "price" in given:
        return catalogue.sellable(books, given["price"], f"{at}[price]")
    if "price_data" in given:
        return catalogue.create_price(books, "", given["price_data"])
    raise invalid(f"You must specify either `price` or `price_data` in {at}.", at)


def _money(books: Books, params: Doc, items: list[Doc]) -> Doc:
    if params["mode"] == "setup":
        return {"currency": params.get("currency"), "amount_subtotal": None, "amount_total": None}
    if len({item["currency"] for item in items}) > 1:
        raise invalid("All prices on a Checkout Session must have the same `currency`.", "line_items")
    trial = _has_trial(params)
    due = [item for item in items if not (trial and books.find("price", item["price"])["recurring"])]
    subtotal = sum(item["amount_subtotal"] for item in due)
    return {
        "amount_subtotal": subtotal,
        "currency": items[0]["currency"],
        **totals(books, items, subtotal, params.get("discounts") or []),
    }


def totals(books: Books, items: list[Doc], subtotal: int, given: list[Doc]) -> Doc:
    """What is left to pay after discounts. Raises for one that cannot be redeemed."""
    products = {books.find("price", item["price"])["product"] for item in items}
    off = 0
    for index, one in enumerate(given):
        coupon, _ = discounts.source_of(books, one, f"discounts[{index}]", products)
        off += discounts.reduction(coupon, subtotal - off)
    details = {"amount_discount": off, "amount_shipping": 0, "amount_tax": 0}
    return {"amount_total": subtotal - off, "total_details": details}


def _has_trial(params: Doc) -> bool:
    data = params.get("subscription_data", {})
    return "trial_period_days" in data or "trial_end" in data


def _address(books: Books, params: Doc, id: str) -> Doc:
    ui = params.get("ui_mode", "hosted_page")
    hosted = ui == "hosted_page"
    return {
        "ui_mode": ui,
        "url": f"{books.public_url}/sandbox/checkout/{id}" if hosted else None,
        "client_secret": None if hosted else f"{id}_secret_{books.ids.text(25)}",
    }


def _details(books: Books, params: Doc) -> Doc | None:
    email = params.get("customer_email")
    if "customer" in params:
        email = books.find("customer", params["customer"])["email"]
    return {"email": email, "tax_exempt": "none"} if email else None
