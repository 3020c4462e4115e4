"""The pages where a card is typed in: a Checkout Session, its 3-D Secure step, and one open invoice."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from paywall.accounts.routes import may_enter
from paywall.sandbox import Sandbox, card_form, shown, wording
from paywall.sandbox.card_form import CardForm
from paywall.sandbox.checkout import Payment, PaymentState
from paywall.sandbox.errors import Doc
from paywall.sandbox.wording import gettext

Answer = Response | str | tuple[str, int]
OK, DECLINED, GONE, UNFINISHED = 200, 402, 410, 422


class CheckoutPages:
    """/sandbox/checkout/<session>: what Stripe shows at checkout.stripe.com."""

    def __init__(self, sandbox: Sandbox, merchant: str) -> None:
        self._sandbox = sandbox
        self._merchant = merchant

    def join(self, pages: Blueprint) -> None:
        """Add the routes."""
        pages.add_url_rule("/checkout/<session_id>", "checkout", self.show)
        pages.add_url_rule("/checkout/<session_id>", "pay", self.pay, methods=["POST"])
        pages.add_url_rule("/checkout/<session_id>/code", "take_code", self.take_code, methods=["POST"])
        pages.add_url_rule("/checkout/<session_id>/authenticate", "authenticate", self.ask)
        pages.add_url_rule("/checkout/<session_id>/authenticate", "answer", self.answer, methods=["POST"])

    @may_enter("public")
    def show(self, session_id: str) -> Answer:
        """The payment page; a paid session goes on to its success page."""
        session = self._sandbox.checkout.open(session_id)
        form = card_form.filled(request.args.get("card", ""), self._sandbox.now())
        return self._closed(session) or self._page(session, form, OK)

    @may_enter("public")
    def pay(self, session_id: str) -> Answer:
        """A click on the button."""
        session = self._sandbox.checkout.open(session_id)
        closed = self._closed(session)
        if closed:
            return closed
        order = shown.order(session)
        if not order.needs_card:
            return self._after(session, CardForm(), self._sandbox.checkout.pay(session_id, None))
        form = card_form.typed(request.form, self._sandbox.now(), with_email=not order.email)
        card = form.card()
        if card is None:
            return self._page(session, form, UNFINISHED)
        return self._after(session, form, self._sandbox.checkout.pay(session_id, card))

    @may_enter("public")
    def take_code(self, session_id: str) -> Answer:
        """A promotion code that the reader has typed in."""
        if not self._sandbox.checkout.take_code(session_id, request.form.get("code", "")):
            flash(gettext("This code is invalid."), "sandbox-bad")
        return redirect(url_for("sandbox.checkout", session_id=session_id), 303)

    @may_enter("public")
    def ask(self, session_id: str) -> Answer:
        """The bank's question (3-D Secure)."""
        session = self._sandbox.checkout.open(session_id)
        return self._closed(session) or _bank(self._merchant, shown.order(session).due_today)

    @may_enter("public")
    def answer(self, session_id: str) -> Answer:
        """The reader's answer to the bank."""
        session = self._sandbox.checkout.open(session_id)
        passed = request.form.get("passed") == "yes"
        payment = self._sandbox.checkout.authenticate(session_id, passed=passed)
        if payment.state is PaymentState.COMPLETE:
            return self._after(session, CardForm(), payment)
        flash(payment.message, "sandbox-bad")
        return redirect(url_for("sandbox.checkout", session_id=session_id), 303)

    def _after(self, session: Doc, form: CardForm, payment: Payment) -> Answer:
        match payment.state:
            case PaymentState.COMPLETE:
                return redirect(payment.redirect_url or url_for("sandbox.console"), 303)
            case PaymentState.REQUIRES_ACTION:
                return redirect(url_for("sandbox.authenticate", session_id=session["id"]), 303)
            case PaymentState.DECLINED:
                return self._page(session, form.declined(payment.code, payment.message), DECLINED)

    def _page(self, session: Doc, form: CardForm, status: int) -> Answer:
        context = {"merchant": self._merchant, "order": shown.order(session), "form": form}
        return render_template("sandbox/checkout.html", cards=card_form.hints(), **context), status

    def _closed(self, session: Doc) -> Answer | None:
        if session["status"] == "complete":
            return self._after(session, CardForm(), self._sandbox.checkout.pay(session["id"], None))
        if session["status"] == "expired":
            return self._expired(session), GONE
        return None

    def _expired(self, session: Doc) -> str:
        return render_template(
            "sandbox/ended.html",
            heading=gettext("This payment page has expired"),
            explanation=gettext("Nothing was charged. Go back and choose again to get a fresh page."),
            merchant=self._merchant,
            onward=session["cancel_url"],
        )


class InvoicePages:
    """/sandbox/invoices/<invoice>: what Stripe shows at an invoice's `hosted_invoice_url`."""

    def __init__(self, sandbox: Sandbox, merchant: str) -> None:
        self._sandbox = sandbox
        self._merchant = merchant

    def join(self, pages: Blueprint) -> None:
        """Add the routes."""
        pages.add_url_rule("/invoices/<invoice_id>", "invoice", self.show)
        pages.add_url_rule("/invoices/<invoice_id>", "pay_invoice", self.pay, methods=["POST"])
        pages.add_url_rule("/invoices/<invoice_id>/authenticate", "authenticate_invoice", self.ask)
        pages.add_url_rule(
            "/invoices/<invoice_id>/authenticate", "answer_invoice", self.answer, methods=["POST"]
        )

    @may_enter("public")
    def show(self, invoice_id: str) -> Answer:
        """The invoice, with a card form while it is open."""
        return self._page(invoice_id, card_form.filled(request.args.get("card", ""), self._sandbox.now()), OK)

    @may_enter("public")
    def pay(self, invoice_id: str) -> Answer:
        """A click on the button."""
        form = card_form.typed(request.form, self._sandbox.now())
        card = form.card()
        if card is None:
            return self._page(invoice_id, form, UNFINISHED)
        payment = self._sandbox.invoices.pay_hosted(invoice_id, card)
        if payment.state is PaymentState.DECLINED:
            return self._page(invoice_id, form.declined(payment.code, payment.message), DECLINED)
        return after_invoice(invoice_id, payment)

    @may_enter("public")
    def ask(self, invoice_id: str) -> Answer:
        """The bank's question (3-D Secure)."""
        document = self._sandbox.invoices.open(invoice_id)
        return _bank(self._merchant, wording.money(document["amount_remaining"], document["currency"]))

    @may_enter("public")
    def answer(self, invoice_id: str) -> Answer:
        """The reader's answer to the bank."""
        passed = request.form.get("passed") == "yes"
        payment = self._sandbox.invoices.authenticate(invoice_id, passed=passed)
        if payment.state is PaymentState.DECLINED:
            flash(payment.message, "sandbox-bad")
        return redirect(url_for("sandbox.invoice", invoice_id=invoice_id), 303)

    def _page(self, invoice_id: str, form: CardForm, status: int) -> Answer:
        document = shown.invoice(self._sandbox.invoices.open(invoice_id))
        context = {"merchant": self._merchant, "invoice": document, "form": form}
        return render_template("sandbox/invoice.html", cards=card_form.hints(), **context), status


def after_invoice(invoice_id: str, payment: Payment) -> Response:
    """Where a click that paid an invoice, or made the bank ask, leads."""
    asked = payment.state is PaymentState.REQUIRES_ACTION
    return redirect(
        url_for("sandbox.authenticate_invoice" if asked else "sandbox.invoice", invoice_id=invoice_id), 303
    )


def _bank(merchant: str, amount: str) -> str:
    return render_template("sandbox/authenticate.html", merchant=merchant, amount=amount)
