"""The page of one invoice: whoever has its address can pay it (`hosted_invoice_url`)."""

from datetime import UTC, datetime

from paywall.sandbox import collection, methods
from paywall.sandbox.books import Books, Work
from paywall.sandbox.cards import Card, refusal
from paywall.sandbox.checkout import Payment, PaymentState, declined
from paywall.sandbox.errors import Doc, SandboxError, invalid
from paywall.sandbox.payments import Answer, Presence


class HostedInvoices:
    """The page of one invoice (`hosted_invoice_url`): whoever has the address can pay it."""

    def __init__(self, work: Work, look: Work) -> None:
        self._work = work
        self._look = look

    def open(self, invoice_id: str) -> Doc:
        """The invoice. Raises `SandboxError` for an unknown id or a draft."""
        with self._look() as books:
            return books.render(_issued(books, invoice_id))

    def pay_hosted(self, invoice_id: str, card: Card | None) -> Payment:
        """Pay it; None takes the card on file."""
        with self._work() as books:
            return pay_open(books, _issued(books, invoice_id), card, None)

    def authenticate(self, invoice_id: str, *, passed: bool) -> Payment:
        """The bank's answer to 3-D Secure. Raises `SandboxError` if nothing was asked."""
        with self._work() as books:
            invoice = _issued(books, invoice_id)
            method = books.get(invoice.get("_pending") or "")
            if method is None:
                raise invalid("This invoice does not wait for authentication.", "invoice")
            invoice["_pending"] = None
            return _collect(books, invoice, method, Presence(on_session=True, authenticated=passed), None)


def pay_open(books: Books, invoice: Doc, card: Card | None, back: str | None) -> Payment:
    """Pay an open invoice with a new card or the one on file; `back` is where to go when it is paid."""
    if invoice["status"] == "paid":
        return Payment(PaymentState.COMPLETE, "", back)
    if invoice["status"] not in ("open", "uncollectible"):
        raise invalid(f"This invoice is {invoice['status']}.", "invoice")
    method = None
    if card is not None:
        decline = refusal(card, datetime.fromtimestamp(books.now, UTC))
        if decline:
            return declined(decline)
        method = methods.new_method(books, card)
    return _collect(books, invoice, method, Presence(on_session=True), back)


def _issued(books: Books, invoice_id: str) -> Doc:
    invoice = books.find("invoice", invoice_id)
    if invoice["status"] == "draft":
        raise SandboxError(f"No such invoice: '{invoice_id}'", status=404, code="resource_missing")
    return invoice


def _collect(books: Books, invoice: Doc, method: Doc | None, presence: Presence, back: str | None) -> Payment:
    attempt = collection.collect(books, invoice, method, presence)
    match attempt.answer:
        case Answer.PAID:
            if method is not None and method["customer"] is None:
                methods.attach_to(books, method, invoice["customer"])
            return Payment(PaymentState.COMPLETE, "", back)
        case Answer.ACTION:
            _remember(books, invoice)
            return Payment(PaymentState.REQUIRES_ACTION, "Your bank asks you to confirm this payment.")
        case Answer.DECLINED:
            return declined(attempt.decline)


def _remember(books: Books, invoice: Doc) -> None:
    payment = books.all("invoice_payment", parent=invoice["id"])[-1]["payment"]
    intent = books.find("payment_intent", payment["payment_intent"])
    books.save({**books.find("invoice", invoice["id"]), "_pending": intent["payment_method"]})
