"""What Stripe must know before anything is sold: products, prices, the portal's settings, our endpoint."""

from collections.abc import Sequence
from typing import Any

import stripe

from paywall.billing.gateway.line import Line
from paywall.membership.rules import Interval
from paywall.money import Money

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


class Catalogue(Line):
    """Making them, or bringing them up to date."""

    def ensure_product(self, product: str, *, name: str, description: str) -> bool:
        """Make the product of that id, or bring its name up to date; True if it was made."""
        wanted: Any = {"name": name, "active": True, **({"description": description} if description else {})}
        with self.talking():
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
        with self.talking():
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
        with self.talking():
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
        with self.talking():
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
