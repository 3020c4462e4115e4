"""Disputes: a bank takes money back, or asks about it first (https://docs.stripe.com/api/disputes)."""

from paywall.sandbox import balance
from paywall.sandbox.books import Books
from paywall.sandbox.errors import Doc, invalid
from paywall.sandbox.pages import page

DISPUTE_FEE = 2000
_DAYS_TO_ANSWER = 9


def open_dispute(books: Books, charge_id: str, reason: str = "fraudulent", *, inquiry: bool = False) -> Doc:
    """A card holder's bank takes the money of a charge back; in an inquiry it only asks."""
    charge = books.find("charge", charge_id)
    if charge["disputed"] or not charge["paid"]:
        raise invalid(f"Charge {charge_id} cannot be disputed.", "charge")
    facts = {
        "amount": charge["amount"],
        "_transactions": [],
        "charge": charge_id,
        "currency": charge["currency"],
        "evidence_details": _evidence_details(books.now),
        "is_charge_refundable": inquiry,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {"type": "card", "card": _card(charge, inquiry=inquiry)},
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }
    dispute = books.add("dispute", facts)
    if not inquiry:
        _move(books, dispute, -charge["amount"], DISPUTE_FEE, "dispute")
    books.save({**charge, "disputed": True})
    books.emit("charge.dispute.created", dispute)
    if not inquiry:
        books.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def close_dispute(books: Books, id: str, *, won: bool) -> Doc:
    """The bank decides; a won dispute brings the money back, the fee stays. An inquiry just ends."""
    dispute = books.find("dispute", id)
    if dispute["status"] in ("won", "lost", "warning_closed"):
        raise invalid("This dispute is already closed.", "dispute")
    inquiry = dispute["status"].startswith("warning")
    dispute["status"] = "warning_closed" if inquiry else "won" if won else "lost"
    if won and not inquiry:
        _move(books, dispute, dispute["amount"], 0, "dispute_reversal")
        books.emit("charge.dispute.funds_reinstated", dispute)
    books.save(dispute)
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


def _move(books: Books, dispute: Doc, amount: int, fee: int, category: str) -> None:
    line = balance.book(
        books, "adjustment", dispute["id"], amount, dispute["currency"], fee, category=category
    )
    dispute["_transactions"].append(line["id"])
    books.save(dispute)


def _card(charge: Doc, *, inquiry: bool) -> Doc:
    brand = charge["payment_method_details"]["card"]["brand"]
    return {"brand": brand, "case_type": "inquiry" if inquiry else "chargeback", "network": brand}


def _evidence_details(now: int) -> Doc:
    return {
        "due_by": now + _DAYS_TO_ANSWER * 86_400,
        "has_evidence": False,
        "past_due": False,
        "submission_count": 0,
        "submission_method": "not_submitted",
    }
