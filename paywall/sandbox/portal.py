"""The customer portal's side: what its page shows, and what a customer can do there."""

from dataclasses import dataclass
from datetime import UTC, datetime

from paywall.sandbox import changes, methods, payments, standing
from paywall.sandbox.books import Books, Work
from paywall.sandbox.cards import Card, refusal
from paywall.sandbox.checkout import Payment, PaymentState, declined
from paywall.sandbox.errors import Doc, SandboxError, invalid
from paywall.sandbox.hosted import pay_open
from paywall.sandbox.payments import Presence

HOUR = 3600


@dataclass(frozen=True)
class PortalView:
    """What the page shows, as the API would: documents in Stripe's shapes."""

    session: Doc
    customer: Doc
    configuration: Doc
    subscriptions: list[Doc]
    prices: list[Doc]
    payment_methods: list[Doc]
    invoices: list[Doc]
    flow: Doc | None
    return_url: str | None


class Portal:
    """A short-lived page: it must be opened within five minutes, and ends an hour after its last use.

    Everything raises `SandboxError` for an unknown or ended session and for what its settings forbid.
    """

    def __init__(self, work: Work) -> None:
        self._work = work

    def open(self, portal_session_id: str) -> PortalView:
        """The customer's subscriptions (running ones first), cards, invoices, and the prices on offer."""
        with self._work() as books:
            session = _session(books, portal_session_id)
            return _view(books, session)

    def cancel(
        self,
        portal_session_id: str,
        subscription_id: str,
        *,
        feedback: str | None = None,
        comment: str | None = None,
    ) -> None:
        """End it as configured. In flexible mode `cancel_at` is set and the boolean stays false."""
        with self._work() as books:
            feature = _feature(books, _session(books, portal_session_id), "subscription_cancel")
            subscription = _own(books, portal_session_id, "subscription", subscription_id)
            _must_run(subscription)
            details = {"feedback": feedback, "comment": comment}
            if feature["mode"] == "immediately":
                standing.end(books, subscription, "cancellation_requested", **details)
            else:
                standing.schedule_end(
                    books, subscription, standing.period_end(books, subscription), **details
                )

    def undo_cancel(self, portal_session_id: str, subscription_id: str) -> None:
        """Keep a subscription that was about to end."""
        with self._work() as books:
            _session(books, portal_session_id)
            subscription = _own(books, portal_session_id, "subscription", subscription_id)
            _must_run(subscription)
            standing.keep(books, subscription)

    def change_card(self, portal_session_id: str, card: Card) -> Payment:
        """A new default card of the customer; a card that a subscription names itself is not changed."""
        with self._work() as books:
            session = _session(books, portal_session_id)
            _feature(books, session, "payment_method_update")
            refused = _refused(books, card)
            if refused:
                return refused
            _make_default(books, session["customer"], methods.new_method(books, card))
            return _done(session)

    def change_price(self, portal_session_id: str, subscription_id: str, price_id: str) -> None:
        """Move a subscription to another price on offer."""
        with self._work() as books:
            session = _session(books, portal_session_id)
            feature = _feature(books, session, "subscription_update")
            subscription = _own(books, portal_session_id, "subscription", subscription_id)
            _must_run(subscription)
            if price_id not in _offered(feature):
                raise invalid("This price is not on offer here.", "price")
            item = books.all("subscription_item", parent=subscription_id)[0]
            wanted = {"items": [{"id": item["id"], "price": price_id}]}
            changes.change_items(
                books, subscription, {**wanted, "proration_behavior": feature["proration_behavior"]}
            )

    def pay_invoice(self, portal_session_id: str, invoice_id: str, card: Card | None = None) -> Payment:
        """Pay an open invoice with a new card, or with the one on file."""
        with self._work() as books:
            session = _session(books, portal_session_id)
            invoice = _own(books, portal_session_id, "invoice", invoice_id)
            return pay_open(books, invoice, card, _done(session).redirect_url)


def _session(books: Books, id: str) -> Doc:
    session = books.find("billing_portal.session", id)
    if session["_ends"] < books.now:
        raise SandboxError("This portal session has expired.", status=410, code="portal_session_expired")
    session["_ends"] = books.now + HOUR
    return books.save(session)


def _own(books: Books, session_id: str, kind: str, id: str) -> Doc:
    owner = books.find("billing_portal.session", session_id)["customer"]
    doc = books.find(kind, id)
    if doc["customer"] != owner:
        raise SandboxError(f"No such {kind}: '{id}'", status=404, code="resource_missing")
    return doc


def _feature(books: Books, session: Doc, name: str) -> Doc:
    feature: Doc = books.find("billing_portal.configuration", session["configuration"])["features"][name]
    if not feature["enabled"]:
        raise invalid(f"The portal configuration does not allow {name}.", "configuration")
    return feature


def _must_run(subscription: Doc) -> None:
    if subscription["status"] in standing.ENDED:
        raise invalid("This subscription has ended.", "subscription")


def _offered(feature: Doc) -> list[str]:
    return [price for product in feature["products"] or [] for price in product["prices"]]


def _view(books: Books, session: Doc) -> PortalView:
    customer = books.find("customer", session["customer"])
    configuration = books.find("billing_portal.configuration", session["configuration"])
    offered = _offered(configuration["features"]["subscription_update"])
    subscriptions = books.all("subscription", customer=customer["id"])[::-1]
    subscriptions.sort(key=lambda s: s["status"] in standing.ENDED)
    invoices = [i for i in books.all("invoice", customer=customer["id"])[::-1] if i["status"] != "draft"]
    return PortalView(
        session=books.render(session),
        customer=books.render(customer),
        configuration=books.render(configuration),
        subscriptions=[_with_products(books, books.render(s)) for s in subscriptions],
        prices=[_with_product(books, books.render(books.find("price", id))) for id in offered],
        payment_methods=[books.render(m) for m in books.all("payment_method", customer=customer["id"])],
        invoices=[books.render(i) for i in invoices],
        flow=session.get("flow"),
        return_url=session["return_url"],
    )


def _with_products(books: Books, subscription: Doc) -> Doc:
    for item in subscription["items"]["data"]:
        item["price"] = _with_product(books, item["price"])
    return subscription


def _with_product(books: Books, price: Doc) -> Doc:
    return {**price, "product": books.render(books.find("product", price["product"]))}


def _done(session: Doc) -> Payment:
    after = (session.get("flow") or {}).get("after_completion") or {}
    url = (after.get("redirect") or {}).get("return_url") or session["return_url"]
    return Payment(PaymentState.COMPLETE, "", url)


def _refused(books: Books, card: Card) -> Payment | None:
    decline = refusal(card, datetime.fromtimestamp(books.now, UTC))
    if decline is None:
        probe = methods.new_method(books, card)
        decline = payments.judge(probe, Presence(on_session=True, authenticated=True)).decline
        books.remove(probe["id"])
    return declined(decline) if decline else None


def _make_default(books: Books, customer_id: str, method: Doc) -> None:
    methods.attach_to(books, method, customer_id)
    methods.set_up(books, customer_id, method)
    customer = books.find("customer", customer_id)
    before = books.render(customer)
    customer["invoice_settings"] = {**customer["invoice_settings"], "default_payment_method": method["id"]}
    books.save(customer)
    books.emit("customer.updated", customer, before)
