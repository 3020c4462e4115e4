"""Money that goes back: refunds and disputes (https://docs.stripe.com/api/refunds, /api/disputes)."""

from paywall.sandbox import balance
from paywall.sandbox.books import Books
from paywall.sandbox.edits import merge, metadata
from paywall.sandbox.errors import Doc, invalid
from paywall.sandbox.pages import page

DISPUTE_FEE = 2000
_DAYS_TO_ANSWER = 9


def refund(books: Books, _: str, params: Doc) -> Doc:
    """POST /v1/refunds: all that is left of a charge, or `amount` of it."""
    charge = _charge_of(books, params)
    left = charge["amount_captured"] - charge["amount_refunded"]
    amount = params.get("amount", left)
    _check_refund(charge, amount, left)
    facts = {
        "amount": amount,
        "charge": charge["id"],
        "currency": charge["currency"],
        "destination_details": {"type": "card", "card": {"type": "refund", "reference_status": "pending"}},
        "metadata": metadata(params.get("metadata")),
        "payment_intent": charge["payment_intent"],
        "reason": params.get("reason"),
        "status": "succeeded",
    }
    made = books.add("refund", facts)
    given = balance.book(books, "refund", made["id"], -amount, charge["currency"])
    made["balance_transaction"] = given["id"]
    books.save(made)
    _mark_refunded(books, charge, amount)
    books.emit("refund.created", made)
    return made


def update_refund(books: Books, id: str, params: Doc) -> Doc:
    """POST /v1/refunds/:id, metadata only."""
    found = books.find("refund", id)
    before = books.render(found)
    books.save(merge(found, params, ()))
    books.emit("refund.updated", found, before)
    return found


def retrieve_refund(books: Books, id: str, _: Doc) -> Doc:
    """GET /v1/refunds/:id"""
    return books.find("refund", id)


def list_refunds(books: Books, _: str, params: Doc) -> Doc:
    """GET /v1/refunds"""
    where = {"payment_intent": params.get("payment_intent")}
    return page(books, "refund", "/v1/refunds", params, parent=params.get("charge"), where=where)


def open_dispute(books: Books, charge_id: str, reason: str = "fraudulent") -> Doc:
    """A card holder's bank takes the money of a charge back."""
    charge = books.find("charge", charge_id)
    if charge["disputed"] or not charge["paid"]:
        raise invalid(f"Charge {charge_id} cannot be disputed.", "charge")
    taken = balance.book(books, "adjustment", charge_id, -charge["amount"], charge["currency"], DISPUTE_FEE)
    facts = {
        "amount": charge["amount"],
        "_transactions": [taken["id"]],
        "charge": charge_id,
        "currency": charge["currency"],
        "evidence_details": _evidence_details(books.now),
        "is_charge_refundable": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {"type": "card", "card": _card(charge)},
        "reason": reason,
        "status": "needs_response",
    }
    dispute = books.add("dispute", facts)
    books.save({**charge, "disputed": True})
    books.emit("charge.dispute.created", dispute)
    books.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def close_dispute(books: Books, id: str, *, won: bool) -> Doc:
    """The bank decides; a won dispute brings the money back, the fee stays."""
    dispute = books.find("dispute", id)
    if dispute["status"] in ("won", "lost"):
        raise invalid("This dispute is already closed.", "dispute")
    dispute["status"] = "won" if won else "lost"
    if won:
        back = balance.book(books, "adjustment", dispute["charge"], dispute["amount"], dispute["currency"])
        dispute["_transactions"].append(back["id"])
    books.save(dispute)
    if won:
        books.emit("charge.dispute.funds_reinstated", dispute)
    books.emit("charge.dispute.closed", dispute)
    return dispute


def close(books: Books, id: str, _: Doc) -> Doc:
    """POST /v1/disputes/:id/close: accept it as lost."""
    return close_dispute(books, id, won=False)


def retrieve(books: Books, id: str, _: Doc) -> Doc:
    """GET /v1/disputes/:id"""
    return books.find("dispute", id)


def list_disputes(books: Books, _: str, params: Doc) -> Doc:
    """GET /v1/disputes"""
    where = {"payment_intent": params.get("payment_intent")}
    return page(books, "dispute", "/v1/disputes", params, parent=params.get("charge"), where=where)


def _card(charge: Doc) -> Doc:
    brand = charge["payment_method_details"]["card"]["brand"]
    return {"brand": brand, "case_type": "chargeback", "network": brand}


def _evidence_details(now: int) -> Doc:
    return {
        "due_by": now + _DAYS_TO_ANSWER * 86_400,
        "has_evidence": False,
        "past_due": False,
        "submission_count": 0,
        "submission_method": "not_submitted",
    }


def _charge_of(books: Books, params: Doc) -> Doc:
    if "charge" in params:
        return books.find("charge", params["charge"], "charge")
    if "payment_intent" not in params:
        raise invalid(
            "One of the following params should be provided for this request: payment_intent or charge."
        )
    intent = books.find("payment_intent", params["payment_intent"], "payment_intent")
    if not intent["latest_charge"]:
        raise invalid("This PaymentIntent does not have a successful charge to refund.", "payment_intent")
    return books.find("charge", intent["latest_charge"])


def _check_refund(charge: Doc, amount: int, left: int) -> None:
    if charge["disputed"]:
        raise invalid(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.", None, "charge_disputed"
        )
    if left <= 0:
        message = f"Charge {charge['id']} has already been refunded."
        raise invalid(message, None, "charge_already_refunded")
    if not 0 < amount <= left:
        raise invalid(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", "amount"
        )


def _mark_refunded(books: Books, charge: Doc, amount: int) -> None:
    before = books.render(charge)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    books.save(charge)
    books.emit("charge.refunded", charge, before)
