"""The only place that talks to Stripe: its JSON ends here, rooms get frozen facts."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import stripe
import structlog
from flask import Flask, current_app
from flask_babel import gettext

from paywall.billing.remote import Checkout, Event, Flow, Gone, Mode, RemoteInvoice, RemoteSubscription
from paywall.config import Settings
from paywall.db import db
from paywall.errors import BadInput, Unavailable
from paywall.membership.rules import Interval, Status
from paywall.money import Money

log = structlog.get_logger()

stripe.enable_telemetry = False

# Stripe's own list of reasons, so that our figures and theirs agree.
FEEDBACK = (
    "too_expensive",
    "missing_features",
    "switched_service",
    "unused",
    "customer_service",
    "too_complex",
    "low_quality",
    "other",
)


class Gateway:
    """Everything that we ask of Stripe. Raises Unavailable when it does not answer, Gone for what it has not.

    No transaction may be open while it speaks: a slow answer would hold the database.
    """

    def __init__(self, client: stripe.StripeClient, mode: Mode, secrets: Callable[[], Sequence[str]]) -> None:
        self.client = client
        self.mode = mode
        self._secrets = secrets

    @property
    def hears(self) -> bool:
        """Whether there is a secret with which events can be verified at all."""
        return bool(self._secrets())

    def event(self, raw: bytes, signature: str | None) -> Event:
        """Verify and read an event; raises BadInput for one that Stripe did not sign or that is none."""
        for secret in self._secrets():
            try:
                return _event(self.client.construct_event(raw, signature, secret))
            except stripe.SignatureVerificationError:
                continue
            except (ValueError, AttributeError, KeyError, TypeError):
                raise BadInput("This is not an event.") from None
        raise BadInput("The signature does not fit.")

    def create_customer(self, reader_id: int, key: str) -> str:
        """The id of a new customer for a reader; the same `key` always gives the same one."""
        with self._talking():
            return self.client.v1.customers.create(
                {"metadata": {"reader_id": str(reader_id)}}, {"idempotency_key": f"customer:{key}"}
            ).id

    def is_deleted(self, customer: str) -> bool:
        """Whether someone deleted this customer at Stripe, which ended all that they held."""
        with self._talking():
            return bool(getattr(self.client.v1.customers.retrieve(customer), "deleted", False))

    def update_email(self, customer: str, email: str) -> None:
        """Tell Stripe where receipts go."""
        with self._talking():
            self.client.v1.customers.update(customer, {"email": email})

    def subscriptions(self, customer: str) -> list[RemoteSubscription]:
        """Every subscription that a customer has or had."""
        with self._talking():
            found = self.client.v1.subscriptions.list(
                {
                    "customer": customer,
                    "status": "all",
                    "limit": 100,
                    "expand": ["data.latest_invoice", "data.customer"],
                }
            )
            return [_subscription(one) for one in found.auto_paging_iter()]

    def use_customers_card(self, subscription: str) -> None:
        """Let a subscription charge the card that its customer has chosen, not one of its own."""
        with self._talking():
            self.client.v1.subscriptions.update(subscription, {"default_payment_method": ""})

    def invoices(self, customer: str, *, most: int = 100) -> list[RemoteInvoice]:
        """The customer's newest invoices, without drafts."""
        with self._talking():
            found = self.client.v1.invoices.list({"customer": customer, "limit": most})
            return [_invoice(one) for one in found.data if one.status != "draft"]

    def open_checkout(
        self, *, customer: str, reader_id: int, price: str, trial_days: int, urls: tuple[str, str], key: str
    ) -> Checkout:
        """Open a hosted page on which the customer subscribes; `urls`: after success, on turning back."""
        data: Any = {"metadata": {"reader_id": str(reader_id)}}
        if trial_days:
            data["trial_period_days"] = trial_days
        with self._talking():
            session = self.client.v1.checkout.sessions.create(
                {
                    "mode": "subscription",
                    "customer": customer,
                    "client_reference_id": str(reader_id),
                    "line_items": [{"price": price, "quantity": 1}],
                    "subscription_data": data,
                    "success_url": urls[0],
                    "cancel_url": urls[1],
                },
                {"idempotency_key": f"checkout:{key}"},
            )
        return _checkout(session)

    def checkout(self, session_id: str) -> Checkout:
        """A Checkout page as it stands."""
        with self._talking():
            return _checkout(self.client.v1.checkout.sessions.retrieve(session_id))

    def expire_checkout(self, session_id: str) -> bool:
        """Close a Checkout page so that nobody can pay on it; False if it was no longer open."""
        with self._talking():
            try:
                self.client.v1.checkout.sessions.expire(session_id)
            except stripe.InvalidRequestError:
                return False
            return True

    def portal(
        self, customer: str, *, configuration: str | None, back: str, flow: Flow | None, subject: str
    ) -> str:
        """The address of a short-lived page where the customer changes card or plan, or cancels.

        It is a key to that customer's books: make one per click, never store or log it.
        """
        asked: Any = {"customer": customer, "return_url": back}
        if configuration:
            asked["configuration"] = configuration
        if flow:
            asked["flow_data"] = _flow(flow, subject, back)
        with self._talking():
            return self.client.v1.billing_portal.sessions.create(asked).url

    def ensure_product(self, product: str, *, name: str, description: str) -> bool:
        """Make the product of that id, or bring its name up to date; True if it was made."""
        wanted: Any = {"name": name, "active": True, **({"description": description} if description else {})}
        with self._talking():
            try:
                self.client.v1.products.update(product, wanted)
            except stripe.InvalidRequestError as error:
                if error.code != "resource_missing":
                    raise
                self.client.v1.products.create(wanted | {"id": product})
                return True
        return False

    def ensure_price(self, key: str, *, product: str, money: Money, interval: Interval) -> tuple[str, bool]:
        """The id of the price with that lookup key, and whether it was made."""
        with self._talking():
            found = self.client.v1.prices.list({"lookup_keys": [key], "active": True, "limit": 1})
            if found.data:
                return found.data[0].id, False
            price = self.client.v1.prices.create(
                {
                    "product": product,
                    "unit_amount": money.amount,
                    "currency": money.currency,
                    "recurring": {"interval": interval.value},
                    "lookup_key": key,
                    "transfer_lookup_key": True,
                }
            )
            return price.id, True

    def ensure_portal(self, known: str | None, *, site_url: str) -> tuple[str, bool]:
        """Our configuration of the customer portal: invoices, card, cancel at the period's end."""
        features: Any = {
            "customer_update": {"enabled": False},
            "invoice_history": {"enabled": True},
            "payment_method_update": {"enabled": True},
            "subscription_cancel": {
                "enabled": True,
                "mode": "at_period_end",
                "cancellation_reason": {"enabled": True, "options": list(FEEDBACK)},
            },
        }
        wanted: Any = {"features": features, "default_return_url": f"{site_url}/account"}
        with self._talking():
            if known:
                try:
                    return self.client.v1.billing_portal.configurations.update(known, wanted).id, False
                except stripe.InvalidRequestError as error:
                    if error.code != "resource_missing":
                        raise
            return self.client.v1.billing_portal.configurations.create(wanted).id, True

    def ensure_endpoint(self, url: str, events: Sequence[str]) -> tuple[str, str | None]:
        """The id of our webhook endpoint, rendered in the version this code reads; its secret if it was made.

        The version of an endpoint cannot be changed, so one with another version is replaced.
        """
        wanted: Any = list(events)
        with self._talking():
            endpoints = self.client.v1.webhook_endpoints
            for one in endpoints.list({"limit": 100}).auto_paging_iter():
                if one.url != url:
                    continue
                if one.api_version == stripe.api_version:
                    endpoints.update(one.id, {"enabled_events": wanted, "disabled": False})
                    return one.id, None
                endpoints.delete(one.id)
            version: Any = stripe.api_version
            made = endpoints.create({"url": url, "enabled_events": wanted, "api_version": version})
            return made.id, made.secret

    @contextmanager
    def _talking(self) -> Iterator[None]:
        if db.session().in_transaction():
            raise RuntimeError("commit first: no transaction is held while we talk to Stripe")
        try:
            yield
        except stripe.InvalidRequestError as error:
            if error.code == "resource_missing":
                words = gettext("Stripe no longer knows what we asked for. Please try again.")
                raise Gone(words, error.param) from error
            log.exception("stripe_refused", code=error.code, param=error.param)
            words = gettext("Stripe refused our request. We have been told; nothing was charged.")
            raise Unavailable(words) from error
        except stripe.StripeError as error:
            log.warning("stripe_unavailable", kind=type(error).__name__, status=error.http_status)
            words = gettext("Stripe does not answer just now. Please try again in a minute.")
            raise Unavailable(words) from error


def init_app(
    app: Flask,
    settings: Settings,
    *,
    api_key: str | None = None,
    http_client: stripe.HTTPClient | None = None,
    secrets: Callable[[], Sequence[str]] | None = None,
) -> None:
    """Make this app's gateway; a stand-in gives its own key, connection and secrets."""
    client = stripe.StripeClient(
        api_key or settings.stripe_secret_key.get_secret_value(),
        max_network_retries=2,
        http_client=http_client or stripe.RequestsClient(timeout=(3, 15)),
    )
    own = [secret.get_secret_value() for secret in settings.stripe_webhook_secrets]
    mode = Mode.SANDBOX if settings.sandbox else Mode.LIVE if settings.live else Mode.TEST
    app.extensions["gateway"] = Gateway(client, mode, secrets or (lambda: own))


def gateway() -> Gateway:
    """The gateway of the present app."""
    found: Gateway = current_app.extensions["gateway"]
    return found


def _event(event: stripe.Event) -> Event:
    whose = _customer(event.data.object)
    return Event(id=event.id, type=event.type, customer=whose, livemode=event.livemode)


def _customer(about: Any) -> str | None:
    if about["object"] == "customer":
        return _id(about["id"])
    return _id(about["customer"]) if "customer" in about else None


def _subscription(one: stripe.Subscription) -> RemoteSubscription:
    items = one.items.data
    price = items[0].price
    ends = max(item.current_period_end for item in items)
    interval = price.recurring.interval if price.recurring else ""
    return RemoteSubscription(
        id=one.id,
        price_id=price.id,
        product_id=_id(price.product),
        status=Status.read(one.status),
        price=Money((price.unit_amount or 0) * (items[0].quantity or 1), price.currency),
        interval=Interval(interval) if interval in list(Interval) else None,
        started_at=_required(one.start_date),
        period_start=_instant(max(item.current_period_start for item in items)),
        period_end=_instant(ends),
        trial_end=_instant(one.trial_end),
        # Flexible billing sets cancel_at alone, classic both, a bare API call perhaps only the boolean.
        cancel_at=_instant(one.cancel_at or (ends if one.cancel_at_period_end else None)),
        ended_at=_instant(one.ended_at),
        unpaid_since=_unpaid_since(one.latest_invoice),
        feedback=one.cancellation_details.feedback if one.cancellation_details else None,
        has_other_card=_has_other_card(one),
    )


def _has_other_card(one: stripe.Subscription) -> bool:
    # Checkout gives the subscription a card of its own; the portal changes the customer's only.
    own = _id(one.default_payment_method)
    settings = one.customer.invoice_settings if isinstance(one.customer, stripe.Customer) else None
    chosen = _id(settings.default_payment_method) if settings else None
    return own is not None and chosen is not None and own != chosen


def _unpaid_since(invoice: stripe.Invoice | str | None) -> datetime | None:
    if isinstance(invoice, stripe.Invoice) and invoice.status in {"open", "uncollectible"}:
        return _instant(invoice.created)
    return None


def _invoice(one: stripe.Invoice) -> RemoteInvoice:
    return RemoteInvoice(
        id=one.id or "",
        number=one.number,
        status=one.status or "open",
        total=Money(one.total, one.currency),
        made_at=_required(one.created),
        page_url=one.hosted_invoice_url,
        pdf_url=one.invoice_pdf,
    )


def _checkout(session: stripe.checkout.Session) -> Checkout:
    return Checkout(
        id=session.id,
        url=session.url,
        status=session.status,
        customer=_id(session.customer),
        reader=session.client_reference_id,
        is_paid=session.payment_status in {"paid", "no_payment_required"},
    )


def _flow(flow: Flow, subject: str, back: str) -> dict[str, Any]:
    done = {"type": "redirect", "redirect": {"return_url": back}}
    asked: dict[str, Any] = {"type": flow, "after_completion": done}
    if flow == "subscription_cancel":
        asked[flow] = {"subscription": subject}
    return asked


def _id(thing: Any) -> str | None:
    return thing if thing is None or isinstance(thing, str) else str(thing.id)


def _instant(seconds: int | None) -> datetime | None:
    return None if seconds is None else _required(seconds)


def _required(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
