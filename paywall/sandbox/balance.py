"""The account's balance: what came in, what went out, and Stripe's fee (1.5 % + 25 minor units)."""

from collections import defaultdict

from paywall.sandbox import payouts
from paywall.sandbox.books import Books
from paywall.sandbox.errors import Doc
from paywall.sandbox.pages import Condition, equals, page

_DAY = 86_400


def book(
    books: Books,
    type: str,
    source: str,
    amount: int,
    currency: str,
    fee: int = 0,
    category: str | None = None,
) -> Doc:
    """A line of the account's balance, in minor units; negative when money leaves.

    `category` is what accountants call it, if that is another word than `type`.
    """
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
        "reporting_category": category or type,
        "source": source,
        "status": "pending",
        "type": type,
    }
    booked = books.add("balance_transaction", facts)
    payouts.plan(books, currency)
    return booked


def retrieve_balance(books: Books, _: str, __: Doc) -> Doc:
    """GET /v1/balance"""
    sums: dict[str, dict[str, int]] = {"available": defaultdict(int), "pending": defaultdict(int)}
    for line in books.all("balance_transaction"):
        sums[books.render(line)["status"]][line["currency"]] += line["net"]
    currencies = sorted({currency for part in sums.values() for currency in part})
    shown = {
        name: [_amount(part[currency], currency) for currency in currencies] for name, part in sums.items()
    }
    return {"object": "balance", "livemode": False, **shown}


def retrieve_transaction(books: Books, id: str, _: Doc) -> Doc:
    """GET /v1/balance_transactions/:id"""
    return books.find("balance_transaction", id)


def list_transactions(books: Books, _: str, params: Doc) -> Doc:
    """GET /v1/balance_transactions; by payout, that payout's own line is among them."""
    where = {name: params.get(name) for name in ("type", "currency")}
    also: list[Condition] = [equals("_payout", params["payout"])] if "payout" in params else []
    source, url = params.get("source"), "/v1/balance_transactions"
    return page(books, "balance_transaction", url, params, parent=source, where=where, also=also)


def _amount(amount: int, currency: str) -> Doc:
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}
