"""Checkout Sessions as the API makes them (https://docs.stripe.com/api/checkout/sessions)."""

from paywall.sandbox import catalogue, discounts
from paywall.sandbox.books import Books
from paywall.sandbox.edits import merge, metadata
from paywall.sandbox.errors import Doc, invalid
from paywall.sandbox.pages import page
from paywall.sandbox.render import session_lines

_HALF_HOUR, _DAY = 1800, 86_400
# Parameters that the session shows as they were given.
_ECHOED = (
    "adaptive_pricing",
    "allow_promotion_codes",
    "allowed_payment_method_types",
    "billing_address_collection",
    "cancel_url",
    "client_reference_id",
    "consent_collection",
    "custom_fields",
    "customer",
    "customer_email",
    "excluded_payment_method_types",
    "integration_identifier",
    "locale",
    "managed_payments",
    "origin_context",
    "payment_method_collection",
    "phone_number_collection",
    "return_url",
    "submit_type",
    "success_url",
    "tax_id_collection",
)


def create(books: Books, _: str, params: Doc) -> Doc:
    """POST /v1/checkout/sessions"""
    _check_mode(params)
    _check_customer(books, params)
    _check_urls(params)
    items = [_item(books, params, given, i) for i, given in enumerate(params.get("line_items", []))]
    _check_trial(books, params.get("subscription_data", {}))
    id = books.ids.new("checkout.session")
    ui = params.get("ui_mode", "hosted_page")
    facts = {
        "id": id,
        **_defaults(params),
        **merge({}, {name: params[name] for name in _ECHOED if name in params}),
        **_money(books, params, items),
        "customer_details": _details(books, params),
        "expires_at": _expiry(books, params),
        "metadata": metadata(params.get("metadata")),
        "mode": params["mode"],
        "ui_mode": ui,
        "url": f"{books.public_url}/sandbox/checkout/{id}" if ui == "hosted_page" else None,
        "client_secret": None if ui == "hosted_page" else f"{id}_secret_{books.ids.text(25)}",
        "_discounts": params.get("discounts") or [],
        "_items": items,
        "_payment_intent_data": params.get("payment_intent_data", {}),
        "_setup_intent_data": params.get("setup_intent_data", {}),
        "_subscription_data": params.get("subscription_data", {}),
    }
    session = books.add("checkout.session", facts)
    books.timer("expire_session", id, session["expires_at"])
    return session


def retrieve(books: Books, id: str, _: Doc) -> Doc:
    """GET /v1/checkout/sessions/:id"""
    return books.find("checkout.session", id)


def update(books: Books, id: str, params: Doc) -> Doc:
    """POST /v1/checkout/sessions/:id, metadata only."""
    return books.save(merge(books.find("checkout.session", id), {"metadata": params.get("metadata", {})}))


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
    where = {name: params.get(name) for name in ("payment_intent", "status", "subscription")}
    where["customer_details.email"] = params.get("customer_details", {}).get("email")
    customer = params.get("customer")
    return page(books, "checkout.session", "/v1/checkout/sessions", params, customer=customer, where=where)


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


def _check_mode(params: Doc) -> None:
    mode = params.get("mode")
    if mode is None:
        raise invalid("Missing required param: mode.", "mode", "parameter_missing")
    if mode != "setup" and not params.get("line_items"):
        raise invalid("Missing required param: line_items.", "line_items", "parameter_missing")
    for name, owner in (("subscription_data", "subscription"), ("payment_intent_data", "payment")):
        if name in params and mode != owner:
            raise invalid(f"You can not pass `{name}` in `{mode}` mode.", name)
    if "payment_method_collection" in params and mode != "subscription":
        raise invalid(
            "You can only set `payment_method_collection` in `subscription` mode.",
            "payment_method_collection",
        )


def _check_customer(books: Books, params: Doc) -> None:
    if "customer" in params and "customer_email" in params:
        raise invalid("You may only specify one of these parameters: customer, customer_email.", "customer")
    if "customer" in params:
        books.find("customer", params["customer"], "customer")
    if "customer_creation" in params and (params["mode"] == "subscription" or "customer" in params):
        raise invalid(
            "`customer_creation` can only be used in `payment` mode without a customer.", "customer_creation"
        )


def _check_urls(params: Doc) -> None:
    hosted = params.get("ui_mode", "hosted_page") == "hosted_page"
    needed, refused = ("success_url", "return_url") if hosted else ("return_url", "success_url")
    if needed not in params:
        raise invalid(f"Missing required param: {needed}.", needed, "parameter_missing")
    if refused in params:
        raise invalid(f"`{refused}` can not be used with this `ui_mode`.", refused)
    for name in ("success_url", "cancel_url", "return_url"):
        if name in params and not params[name].startswith(("http://", "https://")):
            raise invalid("Not a valid URL", name, "url_invalid")


def _check_trial(books: Books, data: Doc) -> None:
    if "trial_end" in data and data["trial_end"] < books.now + 2 * _DAY:
        at = "subscription_data[trial_end]"
        raise invalid("The `trial_end` date has to be at least 2 days in the future.", at)
    if data.get("trial_period_days", 1) < 1:
        raise invalid(
            "This value must be greater than or equal to 1.", "subscription_data[trial_period_days]"
        )


def _item(books: Books, params: Doc, given: Doc, index: int) -> Doc:
    at = f"line_items[{index}]"
    if "price" in given:
        price = catalogue.sellable(books, given["price"], f"{at}[price]")
    elif "price_data" in given:
        price = catalogue.create_price(books, "", given["price_data"])
    else:
        raise invalid(f"You must specify either `price` or `price_data` in {at}.", at)
    if "quantity" not in given:
        raise invalid(f"Quantity is required. Add `quantity` to `{at}`", f"{at}[quantity]")
    _check_price(params["mode"], price, first=index == 0)
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
        "discounts": [],
        "price": price["id"],
        "quantity": given["quantity"],
        "taxes": [],
    }


def _check_price(mode: str, price: Doc, *, first: bool) -> None:
    if mode == "payment" and price["type"] == "recurring":
        raise invalid(
            "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode "
            "or use only one-time prices.",
            "line_items",
        )
    if mode == "subscription" and first and price["type"] == "one_time":
        raise invalid(
            "You must provide at least one recurring price in `subscription` mode when using prices.",
            "line_items",
        )


def _money(books: Books, params: Doc, items: list[Doc]) -> Doc:
    if params["mode"] == "setup":
        return {"currency": params.get("currency"), "amount_subtotal": None, "amount_total": None}
    if len({item["currency"] for item in items}) > 1:
        raise invalid("All prices on a Checkout Session must have the same `currency`.", "line_items")
    trial = _has_trial(params)
    due = [item for item in items if not (trial and books.find("price", item["price"])["recurring"])]
    subtotal = sum(item["amount_subtotal"] for item in due)
    off = 0
    for index, given in enumerate(params.get("discounts") or []):
        coupon, _ = discounts.source_of(books, given, f"discounts[{index}]")
        off += discounts.reduction(coupon, subtotal - off)
    totals = {"amount_discount": off, "amount_shipping": 0, "amount_tax": 0}
    return {
        "amount_subtotal": subtotal,
        "amount_total": subtotal - off,
        "currency": items[0]["currency"],
        "total_details": totals,
    }


def _has_trial(params: Doc) -> bool:
    data = params.get("subscription_data", {})
    return "trial_period_days" in data or "trial_end" in data


def _details(books: Books, params: Doc) -> Doc | None:
    email = params.get("customer_email")
    if "customer" in params:
        email = books.find("customer", params["customer"])["email"]
    return {"email": email, "tax_exempt": "none"} if email else None


def _expiry(books: Books, params: Doc) -> int:
    at = int(params.get("expires_at", books.now + _DAY))
    if at < books.now + _HALF_HOUR - 60:
        raise invalid(
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.",
            "expires_at",
        )
    if at > books.now + _DAY + 60:
        raise invalid(
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.",
            "expires_at",
        )
    return at
