"""Portal sessions and configurations as the API makes them (https://docs.stripe.com/api/customer_portal)."""

from paywall.sandbox.books import Books
from paywall.sandbox.edits import merge, metadata
from paywall.sandbox.errors import Doc, invalid
from paywall.sandbox.pages import page

_FIVE_MINUTES = 300
_FEATURES: Doc = {
    "customer_update": {"allowed_updates": [], "enabled": False},
    "invoice_history": {"enabled": False},
    "payment_method_update": {"enabled": False},
    "subscription_cancel": {
        "cancellation_reason": {"enabled": False, "options": []},
        "enabled": False,
        "mode": "at_period_end",
        "proration_behavior": "none",
    },
    "subscription_pause": {"duration": {"interval_options": [], "type": "indefinite"}, "enabled": False},
    "subscription_update": {
        "default_allowed_updates": [],
        "enabled": False,
        "products": [],
        "proration_behavior": "none",
        "schedule_at_period_end": {"conditions": []},
        "trial_update_behavior": "end_trial",
    },
}
_FLOW_NEEDS = {
    "subscription_cancel": "subscription_cancel",
    "subscription_update": "subscription_update",
    "subscription_update_confirm": "subscription_update",
    "payment_method_update": "payment_method_update",
}


def create_session(books: Books, _: str, params: Doc) -> Doc:
    """POST /v1/billing_portal/sessions"""
    customer = books.find("customer", params.get("customer", ""), "customer")
    configuration = _configuration(books, params.get("configuration"))
    flow = _flow(books, customer, configuration, params.get("flow_data"))
    id = books.ids.new("billing_portal.session")
    facts = {
        "id": id,
        "configuration": configuration["id"],
        "customer": customer["id"],
        "flow": flow,
        "locale": params.get("locale"),
        "return_url": params.get("return_url") or configuration["default_return_url"],
        "url": f"{books.public_url}/sandbox/portal/{id}",
        "_ends": books.now + _FIVE_MINUTES,
    }
    session = books.add("billing_portal.session", facts)
    books.emit("billing_portal.session.created", session)
    return session


def create_configuration(books: Books, _: str, params: Doc) -> Doc:
    """POST /v1/billing_portal/configurations; the first one is the default."""
    first = (
        books.db.execute("SELECT 1 FROM objects WHERE kind = 'billing_portal.configuration'").fetchone()
        is None
    )
    facts: Doc = {
        "active": True,
        "business_profile": params.get("business_profile") or {},
        "default_return_url": params.get("default_return_url") or None,
        "features": merge({"features": _FEATURES}, params, ("features",))["features"],
        "is_default": first,
        "login_page": {"enabled": False, "url": None},
        "metadata": metadata(params.get("metadata")),
        "name": params.get("name") or None,
        "updated": books.now,
    }
    _settle(books, facts["features"])
    configuration = books.add("billing_portal.configuration", facts)
    books.emit("billing_portal.configuration.created", configuration)
    return configuration


def retrieve_configuration(books: Books, id: str, _: Doc) -> Doc:
    """GET /v1/billing_portal/configurations/:id"""
    return books.find("billing_portal.configuration", id)


def update_configuration(books: Books, id: str, params: Doc) -> Doc:
    """POST /v1/billing_portal/configurations/:id"""
    configuration = books.find("billing_portal.configuration", id)
    before = books.render(configuration)
    merge(configuration, params, ("active", "business_profile", "default_return_url", "features", "name"))
    configuration["updated"] = books.now
    _settle(books, configuration["features"])
    books.save(configuration)
    books.emit("billing_portal.configuration.updated", configuration, before)
    return configuration


def list_configurations(books: Books, _: str, params: Doc) -> Doc:
    """GET /v1/billing_portal/configurations"""
    where = {name: params.get(name) for name in ("active", "is_default")}
    url = "/v1/billing_portal/configurations"
    return page(books, "billing_portal.configuration", url, params, where=where)


def _configuration(books: Books, id: str | None) -> Doc:
    if id:
        configuration = books.find("billing_portal.configuration", id, "configuration")
        if not configuration["active"]:
            raise invalid("This portal configuration is not active.", "configuration")
        return configuration
    sql = """SELECT body FROM objects WHERE kind = 'billing_portal.configuration'
        AND json_extract(body, '$.is_default') ORDER BY seq LIMIT 1"""
    found = books.rows(sql, ())
    if not found:
        raise invalid(
            "No configuration provided and your test mode default configuration has not been created. "
            "Provide a configuration or create your default by saving your customer portal settings in test "
            "mode."
        )
    return found[0]


def _flow(books: Books, customer: Doc, configuration: Doc, data: Doc | None) -> Doc | None:
    if not data:
        return None
    kind = data["type"]
    needed = _FLOW_NEEDS.get(kind)
    if needed and not configuration["features"][needed]["enabled"]:
        raise invalid(f"This flow needs {needed} to be enabled in the configuration.", "flow_data[type]")
    details = data.get(kind, {})
    if "subscription" in details:
        at = f"flow_data[{kind}][subscription]"
        if books.find("subscription", details["subscription"], at)["customer"] != customer["id"]:
            raise invalid("The subscription belongs to another customer.", at)
    elif kind.startswith("subscription_"):
        raise invalid(
            f"Missing required param: flow_data[{kind}].", f"flow_data[{kind}]", "parameter_missing"
        )
    after = {"type": "portal_homepage", **data.get("after_completion", {})}
    about = {kind: details} if kind.startswith("subscription_") else {}
    return {"type": kind, "after_completion": after, **about}


def _settle(books: Books, features: Doc) -> None:
    """Fill in what Stripe fills in, and refuse what it refuses."""
    for option in features["subscription_pause"]["duration"]["interval_options"]:
        option.setdefault("interval_count", 1)
    products = features["subscription_update"]["products"]
    if len(products) > 10:
        raise invalid("You can list up to 10 products.", "features[subscription_update][products]")
    for index, product in enumerate(products):
        quantity = product.get("adjustable_quantity", {})
        product["adjustable_quantity"] = {"enabled": False, "minimum": 1, **quantity}
        _check_prices(books, product, f"features[subscription_update][products][{index}][prices]")


def _check_prices(books: Books, product: Doc, at: str) -> None:
    """Two prices of one product with the same rhythm cannot be on offer together."""
    rhythms = []
    for id in product["prices"]:
        price = books.find("price", id, at)
        if price["product"] != product["product"] or price["recurring"] is None:
            raise invalid("Each price must be a recurring price of its product.", at)
        rhythm = price["recurring"]
        rhythms.append((price["currency"], rhythm["interval"], rhythm["interval_count"]))
    if len(set(rhythms)) < len(rhythms):
        raise invalid("Prices of one product must have different billing intervals.", at)
