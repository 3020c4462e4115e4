"""Taking money: payment intents, charges, and what a card answers."""

from dataclasses import dataclass
from enum import StrEnum

from paywall.sandbox import balance, disputes
from paywall.sandbox.books import Books
from paywall.sandbox.cards import (
    AUTHENTICATION_REQUIRED,
    NOT_AUTHENTICATED,
    Authentication,
    Decline,
    test_card,
)
from paywall.sandbox.errors import Doc
from paywall.sandbox.pages import page

_UNTOUCHED: Doc = {
    "amount_capturable": 0,
    "amount_received": 0,
    "capture_method": "automatic",
    "confirmation_method": "automatic",
    "last_payment_error": None,
    "latest_charge": None,
    "metadata": {},
    "next_action": None,
    "payment_method": None,
    "payment_method_types": ["card"],
    "status": "requires_payment_method",
}


class Answer(StrEnum):
    """What came of an attempt to charge."""

    PAID = "paid"
    DECLINED = "declined"
    ACTION = "requires_action"


@dataclass(frozen=True)
class Presence:
    """Is the card's holder there, and has the bank's question been answered?"""

    on_session: bool = False
    authenticated: bool | None = None


@dataclass(frozen=True)
class Attempt:
    """The answer, and why if it was no."""

    answer: Answer
    decline: Decline | None = None
    charge: str | None = None


def new_intent(
    books: Books, customer: str | None, amount: int, currency: str, description: str | None
) -> Doc:
    """A payment intent that waits for a payment method."""
    id = books.ids.new("payment_intent")
    facts = {
        "id": id,
        "amount": amount,
        "client_secret": f"{id}_secret_{books.ids.text(25)}",
        "currency": currency,
        "customer": customer,
        "description": description,
        **_UNTOUCHED,
    }
    intent = books.add("payment_intent", facts)
    books.emit("payment_intent.created", intent)
    return intent


def judge(method: Doc, presence: Presence) -> Attempt:
    """What the bank would say to this card now; nothing is written."""
    card = test_card(method["_number"])
    if card.decline:
        return Attempt(Answer.DECLINED, card.decline)
    if presence.authenticated is False:
        return Attempt(Answer.DECLINED, NOT_AUTHENTICATED)
    if presence.authenticated is None and _asks(card.authentication, set_up=method["_set_up"]):
        return Attempt(Answer.ACTION, AUTHENTICATION_REQUIRED)
    later = card.later if not presence.on_session else None
    refused = later or card.after_authentication
    return Attempt(Answer.DECLINED, refused) if refused else Attempt(Answer.PAID)


def charge(books: Books, intent: Doc, method: Doc, presence: Presence) -> Attempt:
    """Try to take the money of an intent from a card; intent, charge and balance tell the answer."""
    attempt = judge(method, presence)
    intent["payment_method"] = method["id"]
    match attempt.answer:
        case Answer.ACTION:
            _ask(books, intent, method)
            return attempt
        case Answer.DECLINED:
            return _refuse(books, intent, method, attempt)
        case Answer.PAID:
            return _take(books, intent, method)


def cancel_intent(books: Books, intent: Doc, reason: str) -> None:
    """The payment is no longer wanted."""
    before = books.render(intent)
    intent.update(status="canceled", canceled_at=books.now, cancellation_reason=reason, next_action=None)
    books.save(intent)
    books.emit("payment_intent.canceled", intent, before)


def retrieve_intent(books: Books, id: str, _: Doc) -> Doc:
    """GET /v1/payment_intents/:id"""
    return books.find("payment_intent", id)


def list_intents(books: Books, _: str, params: Doc) -> Doc:
    """GET /v1/payment_intents"""
    return page(books, "payment_intent", "/v1/payment_intents", params, customer=params.get("customer"))


def retrieve_charge(books: Books, id: str, _: Doc) -> Doc:
    """GET /v1/charges/:id"""
    return books.find("charge", id)


def list_charges(books: Books, _: str, params: Doc) -> Doc:
    """GET /v1/charges"""
    customer, intent = params.get("customer"), params.get("payment_intent")
    return page(books, "charge", "/v1/charges", params, customer=customer, parent=intent)


def _asks(authentication: Authentication, *, set_up: bool) -> bool:
    match authentication:
        case Authentication.ALWAYS:
            return True
        case Authentication.UNLESS_SET_UP:
            return not set_up
        case Authentication.NEVER:
            return False


def _ask(books: Books, intent: Doc, method: Doc) -> None:
    before = books.render(intent)
    intent["status"] = "requires_action"
    intent["next_action"] = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
    intent["last_payment_error"] = _error(books, AUTHENTICATION_REQUIRED, method)
    books.save(intent)
    books.emit("payment_intent.requires_action", intent, before)


def _refuse(books: Books, intent: Doc, method: Doc, attempt: Attempt) -> Attempt:
    assert attempt.decline is not None  # a declined attempt always says why
    charged = _record(books, intent, method, "failed", attempt.decline)
    books.emit("charge.failed", charged)
    error = {**_error(books, attempt.decline, method), "charge": charged["id"]}
    intent.update(status="requires_payment_method", last_payment_error=error, latest_charge=charged["id"])
    intent.update(payment_method=None, next_action=None)
    books.save(intent)
    books.emit("payment_intent.payment_failed", intent)
    return Attempt(Answer.DECLINED, attempt.decline, charged["id"])


def _take(books: Books, intent: Doc, method: Doc) -> Attempt:
    charged = _record(books, intent, method, "succeeded", None)
    fee = round(intent["amount"] * 0.015) + 25
    taken = balance.book(books, "charge", charged["id"], intent["amount"], intent["currency"], fee)
    books.save({**charged, "balance_transaction": taken["id"]})
    books.emit("charge.succeeded", {**charged, "balance_transaction": taken["id"]})
    intent.update(status="succeeded", amount_received=intent["amount"], latest_charge=charged["id"])
    intent.update(last_payment_error=None, next_action=None)
    books.save(intent)
    books.emit("payment_intent.succeeded", intent)
    card = test_card(method["_number"])
    if card.dispute:
        disputes.open_dispute(books, charged["id"], card.dispute, inquiry=card.inquiry)
    return Attempt(Answer.PAID, None, charged["id"])


def _record(books: Books, intent: Doc, method: Doc, status: str, decline: Decline | None) -> Doc:
    paid = decline is None
    shown = ("brand", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4")
    facts = {
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if paid else 0,
        "amount_refunded": 0,
        "billing_details": method["billing_details"],
        "captured": paid,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_code": decline.code if decline else None,
        "failure_message": decline.message if decline else None,
        "metadata": {},
        "outcome": _outcome(decline),
        "paid": paid,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": {"type": "card", "card": {k: method["card"][k] for k in shown}},
        "refunded": False,
        "status": status,
    }
    return books.add("charge", facts)


def _outcome(decline: Decline | None) -> Doc:
    if decline is None:
        message = "Payment complete."
        return {"network_status": "approved_by_network", "seller_message": message, "type": "authorized"}
    return {
        "network_status": "declined_by_network",
        "reason": decline.decline_code or decline.code,
        "seller_message": decline.message,
        "type": "issuer_declined",
    }


def _error(books: Books, decline: Decline, method: Doc) -> Doc:
    return {
        "code": decline.code,
        "decline_code": decline.decline_code,
        "message": decline.message,
        "payment_method": books.render(method),
        "type": "card_error",
    }
