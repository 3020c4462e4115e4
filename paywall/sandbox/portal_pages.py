"""The customer portal's pages: what a customer has, and each step that its configuration allows."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from paywall.accounts.routes import may_enter
from paywall.sandbox import Sandbox, card_form, shown, wording
from paywall.sandbox.card_form import CardForm
from paywall.sandbox.checkout import PaymentState
from paywall.sandbox.errors import Doc, resource_missing
from paywall.sandbox.payment_pages import DECLINED, OK, UNFINISHED, Answer, after_invoice
from paywall.sandbox.portal import PortalView
from paywall.sandbox.wording import gettext


class PortalPages:
    """/sandbox/portal/<session>: what Stripe shows at billing.stripe.com."""

    def __init__(self, sandbox: Sandbox, merchant: str) -> None:
        self._sandbox = sandbox
        self._merchant = merchant

    def join(self, pages: Blueprint) -> None:
        """Add the routes."""
        here, one = "/portal/<portal_id>", "/portal/<portal_id>/subscriptions/<subscription_id>"
        pages.add_url_rule(here, "portal", self.enter)
        pages.add_url_rule(f"{here}/home", "portal_home", self.home)
        pages.add_url_rule(f"{here}/done", "portal_done", self.done)
        pages.add_url_rule(f"{here}/card", "portal_card", self.show_card)
        pages.add_url_rule(f"{here}/card", "portal_change_card", self.change_card, methods=["POST"])
        pages.add_url_rule(f"{here}/invoices/<invoice_id>", "portal_pay", self.pay, methods=["POST"])
        pages.add_url_rule(f"{one}/cancel", "portal_cancel", self.show_cancel)
        pages.add_url_rule(f"{one}/cancel", "portal_end", self.cancel, methods=["POST"])
        pages.add_url_rule(f"{one}/undo", "portal_undo", self.undo, methods=["POST"])
        pages.add_url_rule(f"{one}/price", "portal_price", self.show_price)
        pages.add_url_rule(f"{one}/price", "portal_change_price", self.change_price, methods=["POST"])

    @may_enter("public")
    def enter(self, portal_id: str) -> Answer:
        """The address that the API gave: the home page, or straight to the step of a deep link."""
        flow = self._sandbox.portal.open(portal_id).flow
        return redirect(_step(portal_id, flow), 303) if flow else self.home(portal_id)

    @may_enter("public")
    def home(self, portal_id: str) -> Answer:
        """All that the customer has."""
        view = self._sandbox.portal.open(portal_id)
        features = view.configuration["features"]
        invoices = [shown.invoice(i) for i in view.invoices]
        return self._page(
            "portal",
            view,
            subscriptions=[shown.subscription(s, features) for s in view.subscriptions],
            open_invoices=[i for i in invoices if i.open],
            invoices=invoices if features["invoice_history"]["enabled"] else [],
            card=shown.default_card(view.customer, view.subscriptions, view.payment_methods),
            may_change_card=features["payment_method_update"]["enabled"],
        )

    @may_enter("public")
    def done(self, portal_id: str) -> Answer:
        """The end of a deep link that asked for a confirmation page."""
        view = self._sandbox.portal.open(portal_id)
        confirmation = (view.flow or {}).get("after_completion", {}).get("hosted_confirmation") or {}
        return self._page("portal_done", view, message=confirmation.get("custom_message"))

    @may_enter("public")
    def show_card(self, portal_id: str) -> Answer:
        """The form for another card."""
        form = card_form.filled(request.args.get("card", ""), self._sandbox.now())
        return self._card_page(portal_id, form, OK)

    @may_enter("public")
    def change_card(self, portal_id: str) -> Answer:
        """Another card, charged from now on."""
        form = card_form.typed(request.form, self._sandbox.now())
        card = form.card()
        if card is None:
            return self._card_page(portal_id, form, UNFINISHED)
        payment = self._sandbox.portal.change_card(portal_id, card)
        if payment.state is PaymentState.DECLINED:
            return self._card_page(portal_id, form.declined(payment.code, payment.message), DECLINED)
        return self._finished(portal_id, gettext("The new card will be charged from now on."))

    @may_enter("public")
    def pay(self, portal_id: str, invoice_id: str) -> Answer:
        """Pay an open invoice with the card on file."""
        payment = self._sandbox.portal.pay_invoice(portal_id, invoice_id)
        if payment.state is PaymentState.REQUIRES_ACTION:
            return after_invoice(invoice_id, payment)
        declined = payment.state is PaymentState.DECLINED
        flash(payment.message if declined else gettext("The invoice is paid."), _tone(good=not declined))
        return redirect(url_for("sandbox.portal_home", portal_id=portal_id), 303)

    @may_enter("public")
    def show_cancel(self, portal_id: str, subscription_id: str) -> Answer:
        """What cancelling means, and why the customer does it."""
        view = self._sandbox.portal.open(portal_id)
        feature = view.configuration["features"]["subscription_cancel"]
        document = _one(view, subscription_id)
        return self._page(
            "portal_cancel",
            view,
            subscription=shown.subscription(document, view.configuration["features"]),
            consequence=_end_of(document, feature),
            reasons=shown.reasons(feature["cancellation_reason"]),
        )

    @may_enter("public")
    def cancel(self, portal_id: str, subscription_id: str) -> Answer:
        """Cancel it."""
        said = {name: request.form.get(name, "").strip() or None for name in ("feedback", "comment")}
        self._sandbox.portal.cancel(portal_id, subscription_id, **said)
        document = _one(self._sandbox.portal.open(portal_id), subscription_id)
        return self._finished(portal_id, gettext("Cancelled.") + " " + shown.what_comes(document))

    @may_enter("public")
    def undo(self, portal_id: str, subscription_id: str) -> Answer:
        """Keep a subscription that was about to end."""
        self._sandbox.portal.undo_cancel(portal_id, subscription_id)
        document = _one(self._sandbox.portal.open(portal_id), subscription_id)
        flash(gettext("Your subscription goes on.") + " " + shown.what_comes(document), _tone(good=True))
        return redirect(url_for("sandbox.portal_home", portal_id=portal_id), 303)

    @may_enter("public")
    def show_price(self, portal_id: str, subscription_id: str) -> Answer:
        """The prices to change to; only the one that a deep link names, if it names one."""
        view = self._sandbox.portal.open(portal_id)
        document = _one(view, subscription_id)
        feature = view.configuration["features"]["subscription_update"]
        return self._page(
            "portal_price",
            view,
            subscription=shown.subscription(document, view.configuration["features"]),
            consequence=shown.settlement(feature["proration_behavior"]),
            choices=[shown.choice(price) for price in _choices(view, document)],
        )

    @may_enter("public")
    def change_price(self, portal_id: str, subscription_id: str) -> Answer:
        """Change to another price."""
        self._sandbox.portal.change_price(portal_id, subscription_id, request.form.get("price", ""))
        document = _one(self._sandbox.portal.open(portal_id), subscription_id)
        price = wording.price_text(document["items"]["data"][0]["price"])
        return self._finished(portal_id, gettext("Changed: from now on it is %(price)s.", price=price))

    def _card_page(self, portal_id: str, form: CardForm, status: int) -> Answer:
        view = self._sandbox.portal.open(portal_id)
        return self._page("portal_card", view, form=form, cards=card_form.hints()), status

    def _page(self, name: str, view: PortalView, **shown_here: object) -> str:
        ends_home = _after_completion(view.flow)["type"] == "portal_homepage"
        portal_id = view.session["id"]
        return render_template(
            f"sandbox/{name}.html",
            merchant=self._merchant,
            portal_id=portal_id,
            return_url=view.return_url,
            home=url_for("sandbox.portal_home", portal_id=portal_id) if ends_home else None,
            **shown_here,
        )

    def _finished(self, portal_id: str, message: str) -> Response:
        """Where a step leads when it is done, as `flow_data.after_completion` says."""
        after = _after_completion(self._sandbox.portal.open(portal_id).flow)
        if after["type"] == "redirect":
            return redirect(after["redirect"]["return_url"], 303)
        flash(message, _tone(good=True))
        confirmed = after["type"] == "hosted_confirmation"
        return redirect(
            url_for("sandbox.portal_done" if confirmed else "sandbox.portal_home", portal_id=portal_id), 303
        )


def _step(portal_id: str, flow: Doc) -> str:
    kind: str = flow["type"]
    if kind == "payment_method_update":
        return url_for("sandbox.portal_card", portal_id=portal_id)
    steps = {
        "subscription_cancel": "sandbox.portal_cancel",
        "subscription_update": "sandbox.portal_price",
        "subscription_update_confirm": "sandbox.portal_price",
    }
    if kind not in steps:
        return url_for("sandbox.portal_home", portal_id=portal_id)
    subscription: str = flow[kind]["subscription"]
    return url_for(steps[kind], portal_id=portal_id, subscription_id=subscription)


def _after_completion(flow: Doc | None) -> Doc:
    return flow["after_completion"] if flow else {"type": "portal_homepage"}


def _tone(*, good: bool) -> str:
    return "sandbox-good" if good else "sandbox-bad"


def _one(view: PortalView, subscription_id: str) -> Doc:
    for document in view.subscriptions:
        if document["id"] == subscription_id:
            return document
    raise resource_missing("subscription", subscription_id)


def _choices(view: PortalView, document: Doc) -> list[Doc]:
    held = {item["price"]["id"] for item in document["items"]["data"]}
    confirmed = ((view.flow or {}).get("subscription_update_confirm") or {}).get("items") or []
    wanted = {item["price"] for item in confirmed}
    offered = [price for price in view.prices if price["id"] not in held]
    return [price for price in offered if price["id"] in wanted] if wanted else offered


def _end_of(document: Doc, feature: Doc) -> str:
    if feature["mode"] == "immediately":
        return gettext("It ends at once, and nothing more is charged.")
    date = wording.day(wording.instant(wording.paid_through(document)))
    return gettext("It stays as it is until %(date)s. Then it ends, and nothing more is charged.", date=date)
