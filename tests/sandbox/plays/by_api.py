"""Plays about what the API alone does: catalogue, subscriptions, webhooks, refusals."""

from datetime import timedelta

import stripe

from paywall.sandbox import Fault, FaultKind
from tests.sandbox.plays.refusing import refused
from tests.sandbox.shop import Inbox, Shop


def a_catalogue(shop: Shop) -> None:
    v1 = shop.v1
    made = v1.products.create(
        {
            "name": "Club",
            "default_price_data": {"currency": "eur", "unit_amount": 700, "recurring": {"interval": "week"}},
        }
    )
    v1.products.update(made.id, {"description": "Weekly", "metadata": {"a": "1"}, "active": False})
    v1.products.retrieve(made.id, {"expand": ["default_price"]})
    given = {"currency": "eur", "unit_amount": 300, "lookup_key": "mug", "product_data": {"name": "Mug"}}
    price = v1.prices.create(given)
    v1.prices.update(price.id, {"active": False, "nickname": "old"})
    v1.prices.retrieve(price.id, {"expand": ["product"]})
    v1.prices.list({"lookup_keys": ["mug"], "expand": ["data.product"]})
    v1.products.delete(v1.products.create({"name": "Nothing"}).id)


def payment_methods_are_kept(shop: Shop) -> None:
    v1 = shop.v1
    shown = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2099, "cvc": "123"}
    method = v1.payment_methods.create({"type": "card", "card": shown, "billing_details": {"name": "Ada"}})
    v1.payment_methods.attach(method.id, {"customer": shop.customer()})
    v1.payment_methods.update(method.id, {"metadata": {"a": "b"}})
    v1.payment_methods.retrieve(method.id)
    v1.payment_methods.detach(method.id)


def a_subscription_is_changed_by_the_api(shop: Shop) -> None:
    v1, id = shop.v1, shop.subscribe().id
    v1.subscriptions.update(id, {"cancel_at_period_end": True, "metadata": {"a": "b"}})
    v1.subscriptions.update(id, {"cancel_at_period_end": False})
    v1.subscriptions.update(id, {"pause_collection": {"behavior": "void"}})
    v1.subscriptions.update(id, {"pause_collection": ""})
    item = v1.subscription_items.list({"subscription": id}).data[0].id
    for behavior, price in (("create_prorations", 1900), ("always_invoice", 2900), ("none", 900)):
        wanted = {"id": item, "price": shop.price(amount=price)}
        v1.subscriptions.update(id, {"items": [wanted], "proration_behavior": behavior})
    v1.subscription_items.update(item, {"metadata": {"a": "b"}})
    v1.subscription_items.retrieve(item)
    preview = {
        "items": [{"id": item, "price": shop.price("year", 9000)}],
        "proration_behavior": "always_invoice",
    }
    v1.invoices.create_preview({"subscription": id, "subscription_details": preview})
    shop.sandbox.advance(months=1, by=timedelta(hours=2))
    v1.subscriptions.pause(id)
    v1.subscriptions.resume(id)
    v1.subscriptions.cancel(id, {"cancellation_details": {"comment": "Bye"}})


def subscriptions_made_by_the_api(shop: Shop) -> None:
    v1 = shop.v1
    method = v1.payment_methods.attach("pm_card_visa", {"customer": shop.customer()}).id
    base = {"customer": shop.customer(), "items": [{"price": shop.price()}]}
    waits = v1.subscriptions.create(
        {**base, "payment_behavior": "default_incomplete", "expand": ["latest_invoice.confirmation_secret"]}
    )
    v1.subscriptions.create({**base, "default_payment_method": method, "billing_mode": {"type": "classic"}})
    v1.subscriptions.create({**base, "default_payment_method": method, "trial_period_days": 3})
    asks = v1.payment_methods.attach("pm_card_authenticationRequired", {"customer": shop.customer()}).id
    v1.subscriptions.create({**base, "default_payment_method": asks})
    shop.sandbox.advance(by=timedelta(days=2))
    assert v1.subscriptions.retrieve(waits.id).status == "incomplete_expired"


def webhooks_are_delivered(shop: Shop) -> None:
    v1, inbox = shop.v1, Inbox(shop)
    v1.webhook_endpoints.update(inbox.endpoint.id, {"enabled_events": ["*"], "description": "The paper"})
    v1.webhook_endpoints.retrieve(inbox.endpoint.id)
    shop.subscribe()
    inbox.status = 500
    shop.sandbox.deliveries.deliver_due(inbox.post, limit=3)
    inbox.status = 200
    shop.sandbox.deliveries.deliver_due(inbox.post)
    v1.events.list({"delivery_success": False, "types": ["invoice.*", "customer.created"]})
    v1.events.retrieve(v1.events.list({"limit": 1}).data[0].id)
    v1.webhook_endpoints.delete(inbox.endpoint.id)


def everything_goes_wrong(shop: Shop) -> None:
    v1 = shop.v1
    refused(v1.customers.retrieve, "cus_nobody")
    refused(v1.subscriptions.create, {"customer": shop.customer(), "items": []})
    for fault in (
        Fault(FaultKind.API_ERROR),
        Fault(FaultKind.API_ERROR, status=429),
        Fault(FaultKind.API_LOST),
    ):
        shop.sandbox.faults.set(fault)
        refused(v1.customers.create, {"email": "bea@example.org"})
    key = {"idempotency_key": "once"}
    assert v1.customers.create({"name": "One"}, key).id == v1.customers.create({"name": "One"}, key).id
    refused(v1.customers.create, {"name": "Two"}, key)
    stranger = stripe.StripeClient("sk_test_wrong", http_client=shop.client._requestor._client)
    refused(stranger.v1.accounts.retrieve_current)
    v1.accounts.retrieve_current()


def a_test_clock_is_moved(shop: Shop) -> None:
    clocks = shop.v1.test_helpers.test_clocks
    start = int(shop.sandbox.now().timestamp())
    clock = clocks.create({"frozen_time": start, "name": "rehearsal"})
    shop.v1.customers.create({"test_clock": clock.id})
    assert clocks.advance(clock.id, {"frozen_time": start + 86400}).status == "advancing"
    assert clocks.retrieve(clock.id).status == "ready"
    clocks.delete(clock.id)
