"""A small shop in the sandbox: what the tests of the stand-in need to have somebody pay."""

import json
from dataclasses import dataclass, field
from typing import Any

import stripe

from paywall.sandbox import Card, Payment, Sandbox

GOOD = "4242424242424242"
DECLINED = "4000000000000002"
NO_FUNDS = "4000000000009995"
FAILS_LATER = "4000000000000341"
ASKS_ALWAYS = "4000002760003184"
ASKS_ONCE = "4000002500003155"
DISPUTED = "4000000000000259"
INQUIRED = "4000000000001976"
REFUND_WAITS = "4000000000007726"
REFUND_FAILS = "4000000000005126"


def card(number: str = GOOD, **facts: Any) -> Card:
    """A card that is filled in properly."""
    return Card(**{"number": number, "exp_month": 12, "exp_year": 2099, "cvc": "123", "name": "Ada", **facts})


@dataclass
class Shop:
    """One product with a monthly and a yearly price, and a customer."""

    sandbox: Sandbox
    client: stripe.StripeClient
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def v1(self) -> Any:
        """The services of the API; untyped, so that tests can send what the SDK would not let them."""
        return self.client.v1

    def product(self) -> str:
        """The product, made once."""
        if "product" not in self.ids:
            self.ids["product"] = self.v1.products.create({"name": "Patron"}).id
        return self.ids["product"]

    def price(self, interval: str = "month", amount: int = 900) -> str:
        """A price of the product, made once."""
        name = f"{interval}{amount}"
        if name not in self.ids:
            facts = {"product": self.product(), "currency": "eur", "unit_amount": amount}
            self.ids[name] = self.v1.prices.create({**facts, "recurring": {"interval": interval}}).id
        return self.ids[name]

    def customer(self) -> str:
        """The customer, made once."""
        if "customer" not in self.ids:
            self.ids["customer"] = self.v1.customers.create({"email": "ada@example.org"}).id
        return self.ids["customer"]

    def session(self, **facts: Any) -> Any:
        """A Checkout Session for the monthly price."""
        return self.v1.checkout.sessions.create(
            {
                "mode": "subscription",
                "customer": self.customer(),
                "line_items": [{"price": self.price(), "quantity": 1}],
                "success_url": "https://paper.example/joined?session={CHECKOUT_SESSION_ID}",
                **facts,
            }
        )

    def pay(self, number: str = GOOD, **facts: Any) -> Payment:
        """A session, paid."""
        return self.sandbox.checkout.pay(self.session(**facts).id, card(number))

    def subscribe(self, number: str = GOOD, **facts: Any) -> Any:
        """A subscription, bought in Checkout."""
        assert self.pay(number, **facts).state == "complete"
        return self.subscriptions()[0]

    def subscriptions(self) -> list[Any]:
        """All of the customer's subscriptions, newest first."""
        found = self.v1.subscriptions.list({"customer": self.customer(), "status": "all"})
        return list(found.data)

    def subscription(self) -> Any:
        """The newest one, with its latest invoice."""
        id = self.subscriptions()[0].id
        return self.v1.subscriptions.retrieve(id, {"expand": ["latest_invoice"]})

    def events(self) -> list[str]:
        """The types of all events, oldest first."""
        return [event.type for event in self.all_events()]

    def all_events(self) -> list[Any]:
        """All events, oldest first."""
        return list(self.v1.events.list({"limit": 100}).auto_paging_iter())[::-1]

    def portal(self, **features: Any) -> str:
        """A portal session in which everything is allowed; its id."""
        everything = {
            "subscription_cancel": {"enabled": True, "mode": "at_period_end"},
            "payment_method_update": {"enabled": True},
            "invoice_history": {"enabled": True},
            "subscription_update": {
                "enabled": True,
                "default_allowed_updates": ["price"],
                "proration_behavior": "always_invoice",
                "products": [{"product": self.product(), "prices": [self.price(), self.price("year", 9000)]}],
            },
        }
        configuration = self.v1.billing_portal.configurations.create({"features": {**everything, **features}})
        facts = {"customer": self.customer(), "configuration": configuration.id}
        return str(
            self.v1.billing_portal.sessions.create({**facts, "return_url": "https://paper.example"}).id
        )


class Inbox:
    """A webhook endpoint in memory: it checks each signature, keeps each event and answers `status`."""

    def __init__(self, shop: Shop, status: int = 200, **facts: Any) -> None:
        given = {"url": "https://paper.example/webhooks/stripe", "enabled_events": ["*"], **facts}
        self.endpoint = shop.v1.webhook_endpoints.create(given)
        self.status = status
        self.received: list[dict[str, Any]] = []

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        """What `deliver_due` calls."""
        assert url == self.endpoint.url
        header, secret = headers["Stripe-Signature"], self.endpoint.secret
        stripe.WebhookSignature.verify_header(body, header, secret, 300)
        self.received.append(json.loads(body))
        return self.status

    @property
    def types(self) -> list[str]:
        """What came in, in order."""
        return [event["type"] for event in self.received]
