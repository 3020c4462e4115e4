"""Customers (https://docs.stripe.com/api/customers)."""

from paywall.sandbox import methods, standing
from paywall.sandbox.books import Books
from paywall.sandbox.edits import merge
from paywall.sandbox.errors import Doc, resource_missing
from paywall.sandbox.pages import equals, page

_MODELLED = (
    "address",
    "balance",
    "business_name",
    "description",
    "email",
    "individual_name",
    "invoice_prefix",
    "invoice_settings",
    "name",
    "next_invoice_sequence",
    "phone",
    "preferred_locales",
    "shipping",
    "tax_exempt",
    "test_clock",
)


def create(books: Books, _: str, params: Doc) -> Doc:
    """POST /v1/customers"""
    facts: Doc = {
        "balance": 0,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": books.ids.text(8).upper(),
        "invoice_settings": {"default_payment_method": None},
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "preferred_locales": [],
        "tax_exempt": "none",
        "test_clock": None,
    }
    customer = books.add("customer", merge(facts, params, _MODELLED))
    books.emit("customer.created", customer)
    if "payment_method" in params:
        methods.attach_to(
            books, methods.resolve(books, params["payment_method"], "payment_method"), customer["id"]
        )
    return customer


def retrieve(books: Books, id: str, _: Doc) -> Doc:
    """GET /v1/customers/:id; a deleted one answers with its id and `deleted: true`."""
    customer = books.get(id)
    if customer is None or customer["object"] != "customer":
        raise resource_missing("customer", id)
    return customer


def update(books: Books, id: str, params: Doc) -> Doc:
    """POST /v1/customers/:id"""
    customer = books.find("customer", id)
    before = books.render(customer)
    chosen = (params.get("invoice_settings") or {}).get("default_payment_method")
    if chosen and books.find("payment_method", chosen)["customer"] != id:
        raise resource_missing("PaymentMethod", chosen, "invoice_settings[default_payment_method]")
    books.save(merge(customer, params, _MODELLED))
    books.emit("customer.updated", customer, before)
    return customer


def delete(books: Books, id: str, _: Doc) -> Doc:
    """DELETE /v1/customers/:id: its subscriptions end at once; the id stays known as deleted."""
    customer = books.find("customer", id)
    for subscription in books.all("subscription", customer=id):
        if subscription["status"] not in standing.ENDED:
            standing.end(books, subscription, "cancellation_requested")
    for method in books.all("payment_method", customer=id):
        books.save({**method, "customer": None})
    books.emit("customer.deleted", customer)
    gone = {"id": id, "object": "customer", "deleted": True}
    books.save(gone)
    books.db.execute("UPDATE objects SET kind = 'deleted customer' WHERE id = ?", (id,))
    return gone


def list_customers(books: Books, _: str, params: Doc) -> Doc:
    """GET /v1/customers; `email` is case-sensitive."""
    also = [equals("email", params["email"])] if "email" in params else []
    return page(books, "customer", "/v1/customers", params, also=also)
