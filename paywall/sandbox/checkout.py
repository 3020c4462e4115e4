"""The payment page's side of a Checkout Session: what it shows, and what happens when a reader pays."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from paywall.sandbox import collection, customers, invoicing, methods, payments, renewal, sessions
from paywall.sandbox.books import Books, Work
from paywall.sandbox.cards import Card, Decline, refusal
from paywall.sandbox.errors import Doc, SandboxError, invalid
from paywall.sandbox.payments import Answer, Presence
from paywall.sandbox.render import expand, session_lines
from paywall.sandbox.renewal import Opening


class PaymentState(StrEnum):
    """What the page does next: go on, show the message, or show the bank's question."""

    COMPLETE = "complete"
    DECLINED = "declined"
    REQUIRES_ACTION = "requires_action"


@dataclass(frozen=True)
class Payment:
    """The outcome of a click on Pay; `code` is Stripe's error or decline code, empty when all is well."""

    state: PaymentState
    message: str
    redirect_url: str | None = None
    code: str = ""


class Checkout:
    """Paying a session. Two clicks at once pay once."""

    def __init__(self, work: Work, look: Work) -> None:
        self._work = work
        self._look = look

    def open(self, session_id: str) -> Doc:
        """The session with its line items and their products, and the `trial_end` that paying now would give.

        Raises `SandboxError` for an unknown id.
        """
        with self._look() as books:
            stored = books.find("checkout.session", session_id)
            shown = {**books.render(stored), "line_items": session_lines(books, stored)}
            shown = expand(books, shown, ["line_items.data.price.product"])
            return {**shown, "trial_end": _trial_end(books, stored["_subscription_data"])}

    def take_code(self, session_id: str, code: str) -> bool:
        """Use a promotion code that the reader types in, if the session takes one; False if it is no good."""
        with self._work() as books:
            session = books.find("checkout.session", session_id)
            known = books.all("promotion_code", parent=code.strip().lower()) if code.strip() else []
            given = [{"promotion_code": one["id"]} for one in known if one["active"]]
            if session["status"] != "open" or not session["allow_promotion_codes"] or not given:
                return False
            try:
                totals = sessions.totals(books, session["_items"], session["amount_subtotal"], given)
            except SandboxError:
                return False
            books.save({**session, **totals, "_discounts": given})
            return True

    def pay(self, session_id: str, card: Card | None) -> Payment:
        """Pay with a card; None where nothing is due and no card is collected.

        Raises `SandboxError` for an unknown or expired session.
        """
        with self._work() as books:
            session = books.find("checkout.session", session_id)
            done = _already(session)
            if done:
                return done
            if card is None:
                return _without_card(books, session)
            bad = refusal(card, datetime.fromtimestamp(books.now, UTC))
            if bad:
                return declined(bad)
            return _pay(books, session, methods.new_method(books, card), Presence(on_session=True))

    def authenticate(self, session_id: str, *, passed: bool) -> Payment:
        """The bank's answer to 3-D Secure. Raises `SandboxError` if nothing was asked."""
        with self._work() as books:
            session = books.find("checkout.session", session_id)
            done = _already(session)
            if done:
                return done
            method = books.get(session.get("_pending") or "")
            if method is None:
                raise invalid("This Checkout Session does not wait for authentication.", "session")
            session["_pending"] = None
            books.save(session)
            return _pay(books, session, method, Presence(on_session=True, authenticated=passed))


def declined(decline: Decline | None) -> Payment:
    """No, in the card's words."""
    assert decline is not None  # a declined attempt always says why
    return Payment(PaymentState.DECLINED, decline.message, code=decline.decline_code or decline.code)


def _already(session: Doc) -> Payment | None:
    if session["status"] == "expired":
        raise SandboxError("This Checkout Session has expired.", status=410, code="checkout_session_expired")
    return _complete(session) if session["status"] == "complete" else None


def _complete(session: Doc) -> Payment:
    url = session.get("success_url") or session.get("return_url")
    return Payment(PaymentState.COMPLETE, "", (url or "").replace("{CHECKOUT_SESSION_ID}", session["id"]))


def _without_card(books: Books, session: Doc) -> Payment:
    if session["amount_total"] or session["payment_method_collection"] == "always":
        raise invalid("This Checkout Session needs a payment method.", "payment_method")
    _fulfil(books, session, None, None)
    return _complete(session)


def _pay(books: Books, session: Doc, method: Doc, presence: Presence) -> Payment:
    attempt = payments.judge(method, presence)
    intent = None
    due = _due(books, session)
    if attempt.answer is not Answer.ACTION and due:
        intent = _intent(books, session, due)
        attempt = payments.charge(books, intent, method, presence)
    match attempt.answer:
        case Answer.ACTION:
            session["_pending"] = method["id"]
            books.save(session)
            return Payment(PaymentState.REQUIRES_ACTION, "Your bank asks you to confirm this payment.")
        case Answer.DECLINED:
            return declined(attempt.decline)
        case Answer.PAID:
            _fulfil(books, session, method, intent)
            return _complete(session)


def _due(books: Books, session: Doc) -> int:
    """What the card is charged now, in minor units: credit that a customer has pays first."""
    total = int(session["amount_total"] or 0)
    if session["mode"] != "subscription" or session["customer"] is None:
        return total
    return max(total + int(books.find("customer", session["customer"])["balance"]), 0)


def _intent(books: Books, session: Doc, due: int) -> Doc:
    known = books.get(session.get("_intent") or "")
    if known:
        return known
    data = session["_payment_intent_data"]
    description = data.get("description") or session["mode"].capitalize()
    intent = payments.new_intent(books, session["customer"], due, session["currency"], description)
    intent["metadata"] = data.get("metadata", {})
    session["_intent"] = intent["id"]
    books.save(session)
    return books.save(intent)


def _fulfil(books: Books, session: Doc, method: Doc | None, intent: Doc | None) -> None:
    before = books.render(session)
    customer = _customer(books, session, method)
    if method and customer and session["mode"] != "payment":
        books.save({**method, "_set_up": True})
        methods.attach_to(books, books.find("payment_method", method["id"]), customer)
    if intent and customer and intent["customer"] != customer:
        _give_to_customer(books, intent, customer)
    match session["mode"]:
        case "subscription":
            _subscribe(books, session, customer or "", method, intent)
        case "payment":
            session.update(payment_intent=intent["id"] if intent else None, payment_status="paid")
        case _:
            assert method is not None  # a setup session always collects a card
            session.update(setup_intent=methods.set_up(books, customer, method)["id"])
            session["payment_status"] = "no_payment_required"
    session.update(status="complete", customer=customer, url=None, _pending=None)
    session["customer_details"] = _details(before, method)
    books.save(session)
    books.stop(session["id"])
    books.emit("checkout.session.completed", session)


def _customer(books: Books, session: Doc, method: Doc | None) -> str | None:
    known: str | None = session["customer"]
    if known or (session["mode"] == "payment" and session["customer_creation"] == "if_required"):
        return known
    billing = method["billing_details"] if method else {}
    facts = {"email": session["customer_email"] or billing.get("email"), "name": billing.get("name")}
    return str(customers.create(books, "", {k: v for k, v in facts.items() if v})["id"])


def _give_to_customer(books: Books, intent: Doc, customer: str) -> None:
    intent["customer"] = customer
    books.save(intent)
    charge = books.find("charge", intent["latest_charge"])
    books.save({**charge, "customer": customer})


def _subscribe(books: Books, session: Doc, customer: str, method: Doc | None, intent: Doc | None) -> None:
    opening = _opening(books, session, customer, method)
    subscription, invoice = renewal.open_subscription(books, opening)
    if intent:
        invoicing.ask_for_payment(books, invoice, intent)
    collection.settle(books, invoice)
    if method and not intent:
        methods.set_up(books, customer, method, subscription["id"])
    session.update(subscription=subscription["id"], invoice=invoice["id"])
    session["payment_status"] = "paid" if session["amount_total"] else "no_payment_required"
    session["discounts"] = [_discount(books, id) for id in subscription["discounts"]]


def _opening(books: Books, session: Doc, customer: str, method: Doc | None) -> Opening:
    data = session["_subscription_data"]
    trial_end = _trial_end(books, data)
    echoed = ("description", "trial_settings", "metadata")
    return Opening(
        customer=customer,
        items=_priced(books, session, "recurring"),
        once=_priced(books, session, "one_time"),
        status="trialing" if trial_end else "active",
        trial_end=trial_end,
        anchor=data.get("billing_cycle_anchor"),
        method=method["id"] if method else None,
        billing_mode=data.get("billing_mode", {}).get("type", "flexible"),
        discounts=session["_discounts"] or [],
        facts={name: data[name] for name in echoed if name in data},
        session=session["id"],
    )


def _priced(books: Books, session: Doc, type: str) -> list[Doc]:
    return [item for item in session["_items"] if books.find("price", item["price"])["type"] == type]


def _discount(books: Books, id: str) -> Doc:
    discount = books.find("discount", id)
    return {"coupon": discount["source"]["coupon"], "promotion_code": discount["promotion_code"]}


def _trial_end(books: Books, data: Doc) -> int | None:
    if "trial_period_days" in data:
        return books.now + int(data["trial_period_days"]) * collection.DAY
    end: int | None = data.get("trial_end")
    return end


def _details(session: Doc, method: Doc | None) -> Doc:
    billing = method["billing_details"] if method else {}
    known = session["customer_details"] or {}
    return {
        "address": {"country": "DE"},
        "email": known.get("email") or billing.get("email"),
        "name": billing.get("name"),
        "tax_exempt": "none",
        "tax_ids": [],
    }
