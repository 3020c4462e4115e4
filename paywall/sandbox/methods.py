"""Cards on file: payment methods and the setup intents that put them there."""

from paywall.sandbox.books import Books
from paywall.sandbox.cards import TOKENS, Card, test_card
from paywall.sandbox.edits import merge, metadata
from paywall.sandbox.errors import Doc, invalid
from paywall.sandbox.pages import page


def new_method(books: Books, card: Card) -> Doc:
    """A payment method made from a card; it belongs to nobody yet."""
    facts = {
        "type": "card",
        "allow_redisplay": "always",
        "billing_details": {"name": card.name or None, "email": card.email},
        "card": _details(card),
        "customer": None,
        "metadata": {},
        "_number": card.digits,
        "_set_up": False,
    }
    return books.add("payment_method", facts)


def resolve(books: Books, id: str, param: str) -> Doc:
    """A payment method by id, or a fresh one for Stripe's test tokens (`pm_card_visa`, ...)."""
    if id in TOKENS:
        return new_method(books, Card(TOKENS[id], 12, 2099, "123", ""))
    return books.find("payment_method", id, param)


def attach_to(books: Books, method: Doc, customer: str) -> Doc:
    """Put a payment method on a customer's file."""
    method["customer"] = customer
    books.save(method)
    books.emit("payment_method.attached", method)
    return method


def create(books: Books, _: str, params: Doc) -> Doc:
    """POST /v1/payment_methods, cards only."""
    given = params.get("card", {})
    if params.get("type") != "card" or "number" not in given:
        raise invalid("The sandbox makes payment methods from a card number only.", "type")
    name = params.get("billing_details", {}).get("name", "")
    card = Card(given["number"], given["exp_month"], given["exp_year"], given.get("cvc", ""), name)
    method = new_method(books, card)
    method["metadata"] = metadata(params.get("metadata"))
    return books.save(method)


def retrieve(books: Books, id: str, _: Doc) -> Doc:
    """GET /v1/payment_methods/:id"""
    return books.find("payment_method", id)


def update(books: Books, id: str, params: Doc) -> Doc:
    """POST /v1/payment_methods/:id"""
    method = books.find("payment_method", id)
    before = books.render(method)
    books.save(merge(method, params, ("allow_redisplay", "billing_details")))
    books.emit("payment_method.updated", method, before)
    return method


def attach(books: Books, id: str, params: Doc) -> Doc:
    """POST /v1/payment_methods/:id/attach"""
    if "customer" not in params:
        raise invalid("Missing required param: customer.", "customer", "parameter_missing")
    books.find("customer", params["customer"], "customer")
    method = resolve(books, id, "payment_method")
    if method["customer"] not in (None, params["customer"]):
        raise invalid(
            "The payment method you provided has already been attached to a customer.", "payment_method"
        )
    return attach_to(books, method, params["customer"])


def detach(books: Books, id: str, _: Doc) -> Doc:
    """POST /v1/payment_methods/:id/detach; the card can never be used again."""
    method = books.find("payment_method", id)
    if method["customer"] is None:
        raise invalid(
            "The payment method you provided is not attached to a customer so detachment is impossible."
        )
    before = books.render(method)
    _forget_default(books, method)
    method["customer"] = None
    books.save(method)
    books.emit("payment_method.detached", method, before)
    return method


def list_methods(books: Books, id: str, params: Doc) -> Doc:
    """GET /v1/payment_methods and GET /v1/customers/:id/payment_methods"""
    customer = id or params.get("customer")
    url = f"/v1/customers/{id}/payment_methods" if id else "/v1/payment_methods"
    if customer:
        books.find("customer", customer, "customer")
    return page(books, "payment_method", url, params, customer=customer, where={"type": params.get("type")})


def set_up(books: Books, customer: str | None, method: Doc, subscription: str | None = None) -> Doc:
    """A succeeded setup intent: the bank knows that the card will be charged without its holder."""
    method["_set_up"] = True
    books.save(method)
    id = books.ids.new("setup_intent")
    facts = {
        "id": id,
        "client_secret": f"{id}_secret_{books.ids.text(25)}",
        "customer": customer,
        "metadata": {},
        "payment_method": method["id"],
        "payment_method_types": ["card"],
        "status": "succeeded",
        "usage": "off_session",
        "_subscription": subscription,
    }
    intent = books.add("setup_intent", facts)
    books.emit("setup_intent.created", intent)
    books.emit("setup_intent.succeeded", intent)
    return intent


def retrieve_setup(books: Books, id: str, _: Doc) -> Doc:
    """GET /v1/setup_intents/:id"""
    return books.find("setup_intent", id)


def list_setups(books: Books, _: str, params: Doc) -> Doc:
    """GET /v1/setup_intents"""
    where = {"payment_method": params.get("payment_method")}
    return page(
        books, "setup_intent", "/v1/setup_intents", params, customer=params.get("customer"), where=where
    )


def _details(card: Card) -> Doc:
    known = test_card(card.digits)
    brand = known.brand
    return {
        "brand": brand,
        "checks": {"cvc_check": "pass"},
        "country": known.country,
        "display_brand": brand,
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
        "fingerprint": f"fp{int(card.digits):x}",
        "funding": "credit",
        "last4": card.digits[-4:],
        "networks": {"available": [brand]},
        "three_d_secure_usage": {"supported": True},
    }


def _forget_default(books: Books, method: Doc) -> None:
    customer = books.find("customer", method["customer"])
    if (customer["invoice_settings"] or {}).get("default_payment_method") == method["id"]:
        customer["invoice_settings"]["default_payment_method"] = None
        books.save(customer)
    for subscription in books.all("subscription", customer=customer["id"]):
        if subscription["default_payment_method"] == method["id"]:
            books.save({**subscription, "default_payment_method": None})
