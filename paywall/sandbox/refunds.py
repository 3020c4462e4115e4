"""Refunds: money given back, at once, later or in vain (https://docs.stripe.com/refunds, /api/refunds)."""

from paywall.sandbox import balance
from paywall.sandbox.books import Books
from paywall.sandbox.cards import RefundCourse, test_card
from paywall.sandbox.edits import merge, metadata
from paywall.sandbox.errors import Doc, invalid
from paywall.sandbox.pages import page

_DAY = 86_400


def refund(books: Books, _: str, params: Doc) -> Doc:
    """POST /v1/refunds: all that is left of a charge, or `amount` of it."""
    charge = _charge_of(books, params)
    left = charge["amount_captured"] - charge["amount_refunded"]
    amount = params.get("amount", left)
    _check_refund(books, charge, amount, left)
    course = _course(books, charge)
    facts = {
        "amount": amount,
        "charge": charge["id"],
        "currency": charge["currency"],
        "customer": charge["customer"],
        "destination_details": {"type": "card", "card": {"type": "refund", "reference_status": "pending"}},
        "metadata": metadata(params.get("metadata")),
        "payment_intent": charge["payment_intent"],
        "reason": params.get("reason"),
        "status": "pending" if course is RefundCourse.PENDING else "succeeded",
    }
    made = books.add("refund", facts)
    given = balance.book(books, "refund", made["id"], -amount, charge["currency"])
    made["balance_transaction"] = given["id"]
    books.save(made)
    _mark_refunded(books, charge, amount)
    books.emit("refund.created", made)
    if course is not RefundCourse.AT_ONCE:
        books.timer("settle_refund", made["id"], books.now + _DAY)
    return made


def settle(books: Books, refund: Doc) -> None:
    """The bank has answered: the money has arrived, or it has come back to us."""
    charge = books.find("charge", refund["charge"])
    before = books.render(refund)
    if _course(books, charge) is RefundCourse.FAILS:
        back = balance.book(books, "refund_failure", refund["id"], refund["amount"], refund["currency"])
        refund.update(
            status="failed",
            failure_reason="expired_or_canceled_card",
            failure_balance_transaction=back["id"],
        )
        books.save(refund)
        _mark_refunded(books, charge, -refund["amount"])
        books.emit("refund.failed", refund)
    else:
        books.save({**refund, "status": "succeeded"})
    books.emit("refund.updated", books.find("refund", refund["id"]), before)


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


def _course(books: Books, charge: Doc) -> RefundCourse:
    method = books.get(charge["payment_method"])
    return test_card(method["_number"]).refund if method else RefundCourse.AT_ONCE


def _check_refund(books: Books, charge: Doc, amount: int, left: int) -> None:
    if any(not one["is_charge_refundable"] for one in books.all("dispute", parent=charge["id"])):
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
    books.emit("charge.refunded" if amount > 0 else "charge.updated", charge, before)
