"""Random requests that the SDK's parameter classes allow, about objects that exist."""

import random
from collections.abc import Sequence
from typing import Any, Literal, get_args, get_origin
from urllib.parse import urlencode

from stripe._encode import _api_encode
from stripe._request_options import RequestOptions

from paywall.sandbox.annotations import fields, options
from paywall.sandbox.routes import Route
from tests.sandbox.shop import Shop

IGNORED = set(RequestOptions.__annotations__) | {"expand"}
PREFIX = {
    "balance_transactions": "txn_",
    "billing_portal": "bpc_",
    "charges": "ch_",
    "checkout": "cs_",
    "coupons": "",
    "customers": "cus_",
    "disputes": "du_",
    "events": "evt_",
    "invoice_payments": "inpay_",
    "invoices": "in_",
    "payment_intents": "pi_",
    "payment_methods": "pm_",
    "prices": "price_",
    "products": "prod_",
    "promotion_codes": "promo_",
    "refunds": "re_",
    "setup_intents": "seti_",
    "subscription_items": "si_",
    "subscriptions": "sub_",
    "webhook_endpoints": "we_",
}


class Requests:
    """A source of requests; the same seed makes the same ones."""

    def __init__(self, shop: Shop, seed: int) -> None:
        self._shop = shop
        self._chance = random.Random(seed)
        self._ids: list[str] = []
        self._now = 0

    def look_around(self) -> None:
        """Learn which objects there are."""
        rows = self._shop.sandbox._store.connection().execute("SELECT id FROM objects")
        self._ids = [row[0] for row in rows]
        self._now = int(self._shop.sandbox.now().timestamp())

    def form(self, route: Route) -> str:
        """Parameters in Stripe's encoding; often enough with what the call cannot do without."""
        needed = {
            "/v1/checkout/sessions": {
                "mode": "subscription",
                "line_items": [{"price": self._shop.price(), "quantity": 1}],
                "success_url": "https://paper.example",
            },
            "/v1/subscriptions": {
                "customer": self._shop.customer(),
                "items": [{"price": self._shop.price()}],
            },
        }
        sensible = route.method == "POST" and self._chance.random() < 0.8
        given = self._record(route.params) | (needed.get(route.path, {}) if sensible else {})
        return urlencode(list(_api_encode(given)))

    def path(self, route: Route) -> str:
        """The route's path, with the id of an object of its kind."""
        prefix = PREFIX.get(route.path.split("/")[2], "none")
        fitting = [id for id in self._ids if id.startswith(prefix)] or ["none"]
        return route.path.replace("{id}", self._chance.choice(fitting))

    def _record(self, params: Any) -> dict[str, Any]:
        known = {name: hint for name, hint in fields(params).items() if name not in IGNORED}
        often = 0.12 if len(known) > 12 else 0.35
        chosen = [n for n in known if n in params.__required_keys__ or self._chance.random() < often]
        return {name: self._value(known[name], name) for name in chosen}

    def _value(self, hint: Any, name: str) -> Any:
        member = self._chance.choice(options(hint))
        if get_origin(member) is Literal:
            return self._chance.choice(get_args(member))
        if get_origin(member) is list:
            return [self._value(get_args(member)[0], name) for _ in range(self._chance.choice([1, 1, 2]))]
        if hasattr(member, "__required_keys__"):
            return self._record(member)
        return self._scalar(member, name)

    def _scalar(self, kind: Any, name: str) -> Any:
        later = [self._now + 1800, self._now + 86_400, self._now + 3 * 86_400]
        known: dict[Any, Sequence[Any]] = {
            int: [0, 1, 2, 100, self._now - 5, *later],
            float: [0, 1.5, 50, 100],
            bool: [True, False],
            str: ["https://paper.example"] if "url" in name else ["text", "eur", *self._ids],
        }
        return self._chance.choice(known[kind]) if kind in known else {"key": "value"}
