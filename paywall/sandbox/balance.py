"""The account's balance: what came in, what went out, and Stripe's fee (1.5 % + 25 minor units)."""

from paywall.sandbox.books import Books
from paywall.sandbox.errors import Doc
from paywall.sandbox.pages import page

_DAY = 86_400


def book(books: Books, type: str, source: str, amount: int, currency: str, fee: int = 0) -> Doc:
    """A line of the account's balance, in minor units; negative when money leaves."""
    details = [
        {"amount": fee, "currency": currency, "description": "Stripe processing fees", "type": "stripe_fee"}
    ]
    facts = {
        "amount": amount,
        "available_on": books.now + 2 * _DAY,
        "balance_type": "payments",
        "currency": currency,
        "fee": fee,
        "fee_details": details if fee else [],
        "net": amount - fee,
        "reporting_category": {"adjustment": "dispute"}.get(type, type),
        "source": source,
        "status": "pending",
        "type": type,
    }
    return books.add("balance_transaction", facts)


def retrieve_transaction(books: Books, id: str, _: Doc) -> Doc:
    """GET /v1/balance_transactions/:id"""
    return _shown(books, books.find("balance_transaction", id))


def list_transactions(books: Books, _: str, params: Doc) -> Doc:
    """GET /v1/balance_transactions"""
    where = {name: params.get(name) for name in ("type", "currency")}
    source = params.get("source")
    found = page(books, "balance_transaction", "/v1/balance_transactions", params, parent=source, where=where)
    return {**found, "data": [_shown(books, doc) for doc in found["data"]]}


def _shown(books: Books, transaction: Doc) -> Doc:
    available = transaction["available_on"] <= books.now
    return {**transaction, "status": "available" if available else "pending"}
