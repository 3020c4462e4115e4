"""The stand-in agrees with the SDK's annotations: every answer, every event, every list, in every play."""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import stripe

from paywall.sandbox import Sandbox
from paywall.sandbox.routes import ROUTES, Route
from tests.sandbox.annotations import endpoint_for
from tests.sandbox.plays import PLAYS
from tests.sandbox.shop import Shop
from tests.sandbox.wire import CheckedClient, Exchange

CallsOf = Callable[[str], list[Exchange]]
# Each list with what can be expanded in it, so that ids are followed to whole objects.
LISTS: dict[str, list[str]] = {
    "balance_transactions": ["data.source"],
    "billing_portal.configurations": [],
    "charges": ["data.customer", "data.payment_intent", "data.balance_transaction", "data.refunds"],
    "checkout.sessions": ["data.line_items", "data.customer", "data.subscription", "data.payment_intent"],
    "coupons": [],
    "customers": ["data.subscriptions", "data.invoice_settings.default_payment_method"],
    "disputes": ["data.charge", "data.payment_intent"],
    "events": [],
    "invoice_payments": ["data.invoice", "data.payment.payment_intent"],
    "invoices": ["data.payments", "data.customer", "data.confirmation_secret"],
    "payment_intents": ["data.latest_charge", "data.payment_method", "data.customer"],
    "payment_methods": ["data.customer"],
    "prices": ["data.product"],
    "products": ["data.default_price"],
    "promotion_codes": ["data.promotion.coupon"],
    "refunds": ["data.charge", "data.balance_transaction"],
    "setup_intents": ["data.payment_method", "data.customer"],
    "subscriptions": [
        "data.latest_invoice.payments",
        "data.default_payment_method",
        "data.customer",
        "data.discounts",
    ],
    "webhook_endpoints": [],
}


@pytest.fixture(scope="module")
def calls_of(tmp_path_factory: pytest.TempPathFactory) -> CallsOf:
    """Every call of a play, and of the reading of all lists after it; each is played once."""
    return cache(lambda name: _play(name, tmp_path_factory.mktemp("play")))


@pytest.mark.parametrize("name", PLAYS)
def test_everything_that_a_play_shows_agrees_with_the_sdk(name: str, calls_of: CallsOf) -> None:
    wrong = {f"{e.method} {e.path}: {p}" for e in calls_of(name) for p in e.problems}
    assert sorted(wrong) == []


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_each_route_is_a_call_of_the_sdk_with_its_parameters(route: Route) -> None:
    endpoint = endpoint_for(route.method.lower(), route.path.replace("{id}", "x_1"))
    assert endpoint is not None
    assert endpoint.params is route.params


def test_every_route_and_every_state_of_a_subscription_is_played(calls_of: CallsOf) -> None:
    fine = [e for name in PLAYS for e in calls_of(name) if e.status == 200]
    unplayed = [route for route in ROUTES if not any(_is_of(e, route) for e in fine)]
    assert [f"{route.method} {route.path}" for route in unplayed] == []
    shown = [doc for e in fine for doc in (e.answer["data"] if e.answer["object"] == "list" else [e.answer])]
    statuses = {doc["status"] for doc in shown if doc["object"] == "subscription"}
    assert statuses >= {
        "active", "canceled", "incomplete", "incomplete_expired", "past_due", "paused", "trialing", "unpaid"
    }  # fmt: skip


def _play(name: str, folder: Path) -> list[Exchange]:
    sandbox = Sandbox(folder / "stripe.db", public_url="http://127.0.0.1:8000", seed=7)
    client = CheckedClient(sandbox.http_client())
    shop = Shop(sandbox, stripe.StripeClient(sandbox.api_key, http_client=client))
    PLAYS[name](shop)
    for service, expand in LISTS.items():
        _read(shop, service, expand)
    return client.exchanges


def _read(shop: Shop, service: str, expand: list[str]) -> None:
    lister: Any = shop.v1
    for part in service.split("."):
        lister = getattr(lister, part)
    filters = {"status": "all"} if service == "subscriptions" else {}
    found = lister.list({"limit": 100, **filters})
    assert len(list(found.auto_paging_iter())) >= len(found.data)
    for newest in found.data[:1]:
        lister.retrieve(newest.id)
    for path in expand:
        lister.list({"limit": 100, **filters, "expand": [path]})


def _is_of(exchange: Exchange, route: Route) -> bool:
    return exchange.method == route.method.lower() and re.fullmatch(route.pattern, exchange.path) is not None
