"""Stripe's own pages for a customer: Checkout and the portal."""

from typing import Any

import stripe

from paywall.billing.gateway.line import Line
from paywall.billing.gateway.reading import id_of
from paywall.billing.remote import Checkout, Flow, NotDiscounted, Terms


class Pages(Line):
    """Opening and closing them."""

    def open_checkout(
        self, *, customer: str, reader_id: int, price: str, terms: Terms, urls: tuple[str, str], key: str
    ) -> Checkout:
        """Open a hosted page on which the customer subscribes; `urls`: after success, on turning back.

        Raises NotDiscounted if the promotion in its terms cannot be used.
        """
        asked: Any = {
            "mode": "subscription",
            "customer": customer,
            "client_reference_id": str(reader_id),
            "line_items": [{"price": price, "quantity": terms.seats}],
            "subscription_data": _subscription_data(reader_id, terms),
            "success_url": urls[0],
            "cancel_url": urls[1],
            **_discounts(terms),
        }
        with self.talking():
            try:
                session = self.client.v1.checkout.sessions.create(
                    asked, {"idempotency_key": f"checkout:{key}"}
                )
            except stripe.InvalidRequestError as error:
                if (error.param or "").startswith("discounts"):
                    raise NotDiscounted(str(error)) from error
                raise
        return checkout_of(session)

    def checkout(self, session_id: str) -> Checkout:
        """A Checkout page as it stands."""
        with self.talking():
            return checkout_of(self.client.v1.checkout.sessions.retrieve(session_id))

    def expire_checkout(self, session_id: str) -> bool:
        """Close a Checkout page so that nobody can pay on it; False if it was no longer open."""
        with self.talking():
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
        with self.talking():
            return self.client.v1.billing_portal.sessions.create(asked).url


def _subscription_data(reader_id: int, terms: Terms) -> dict[str, Any]:
    data: dict[str, Any] = {"metadata": {"reader_id": str(reader_id)}}
    if terms.free_until:
        data["trial_end"] = int(terms.free_until.timestamp())
    elif terms.trial_days:
        data["trial_period_days"] = terms.trial_days
    return data


def _discounts(terms: Terms) -> dict[str, Any]:
    # Stripe takes one or the other, never both.
    if terms.promotion:
        return {"discounts": [{"promotion_code": terms.promotion}]}
    return {"allow_promotion_codes": True} if terms.takes_codes else {}


def checkout_of(session: stripe.checkout.Session) -> Checkout:
    """A Checkout page in our words."""
    return Checkout(
        id=session.id,
        url=session.url,
        status=session.status,
        customer=id_of(session.customer),
        reader=session.client_reference_id,
        is_paid=session.payment_status in {"paid", "no_payment_required"},
    )


def _flow(flow: Flow, subject: str, back: str) -> dict[str, Any]:
    done = {"type": "redirect", "redirect": {"return_url": back}}
    asked: dict[str, Any] = {"type": flow, "after_completion": done}
    if flow == "subscription_cancel":
        asked[flow] = {"subscription": subject}
    return asked
