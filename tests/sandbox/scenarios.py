"""What can happen in the stand-in, a small play each, so that every object comes out in every state."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import stripe

from paywall.sandbox import AfterRetries, Dunning, Fault, FaultKind
from tests.sandbox.shop import ASKS_ALWAYS, ASKS_ONCE, DECLINED, DISPUTED, FAILS_LATER, Inbox, Shop, card

Play = Callable[[Shop], object]
PLAYS: dict[str, Play] = {}


def play(scene: Play) -> Play:
    """Add a scene to the programme."""
    PLAYS[scene.__name__] = scene
    return scene


def refused(call: Callable[..., object], *args: Any) -> None:
    """A call that Stripe refuses; the answer's shape is checked like any other."""
    try:
        call(*args)
    except stripe.StripeError:
        return
    raise AssertionError("this should have been refused")


def half_off(shop: Shop) -> str:
    """A coupon."""
    return str(shop.v1.coupons.create({"percent_off": 50, "duration": "forever", "name": "Half"}).id)


@play
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


@play
def customers_come_and_go(shop: Shop) -> None:
    v1 = shop.v1
    shop.subscribe()
    v1.customers.update(shop.customer(), {"name": "Ada", "metadata": {"reader_id": "7"}})
    v1.customers.retrieve(
        shop.customer(), {"expand": ["subscriptions", "invoice_settings.default_payment_method"]}
    )
    v1.customers.payment_methods.list(shop.customer())
    v1.customers.delete(shop.customer())
    v1.customers.retrieve(shop.customer())


@play
def a_session_paid(shop: Shop) -> None:
    session = shop.session(
        client_reference_id="7", metadata={"a": "b"}, cancel_url="https://paper.example/no"
    )
    shop.v1.checkout.sessions.update(session.id, {"metadata": {"seen": "yes"}})
    shop.v1.checkout.sessions.line_items.list(session.id)
    shop.sandbox.checkout.pay(session.id, card())
    expand = ["line_items", "customer", "subscription.latest_invoice.payments", "invoice", "payment_intent"]
    shop.v1.checkout.sessions.retrieve(session.id, {"expand": expand})


@play
def a_session_expires(shop: Shop) -> None:
    shop.v1.checkout.sessions.expire(shop.session().id)
    shop.session()
    shop.sandbox.advance(by=timedelta(days=2))


@play
def cards_are_declined_and_banks_ask(shop: Shop) -> None:
    session = shop.session()
    shop.sandbox.checkout.pay(session.id, card(DECLINED))
    shop.sandbox.checkout.pay(session.id, card(ASKS_ALWAYS))
    shop.sandbox.checkout.authenticate(session.id, passed=False)
    shop.sandbox.checkout.pay(session.id, card(ASKS_ALWAYS))
    shop.sandbox.checkout.authenticate(session.id, passed=True)
    shop.sandbox.advance(months=1, by=timedelta(hours=2))


@play
def a_trial_with_a_card(shop: Shop) -> None:
    shop.subscribe(subscription_data={"trial_period_days": 14, "description": "Try it"})
    shop.v1.subscriptions.retrieve(
        shop.subscriptions()[0].id, {"expand": ["pending_setup_intent", "schedule"]}
    )
    shop.sandbox.advance(by=timedelta(days=15))


def _trial_without_card(shop: Shop, end: str) -> None:
    settings = {"end_behavior": {"missing_payment_method": end}}
    data = {"trial_period_days": 7, "trial_settings": settings}
    session = shop.session(subscription_data=data, payment_method_collection="if_required")
    shop.sandbox.checkout.pay(session.id, None)
    shop.sandbox.advance(by=timedelta(days=8))


@play
def a_trial_without_a_card_is_cancelled(shop: Shop) -> None:
    _trial_without_card(shop, "cancel")


@play
def a_trial_without_a_card_is_paused_and_resumed(shop: Shop) -> None:
    _trial_without_card(shop, "pause")
    paused = shop.subscriptions()[0].id
    method = shop.v1.payment_methods.attach("pm_card_visa", {"customer": shop.customer()})
    default = {"invoice_settings": {"default_payment_method": method.id}}
    shop.v1.customers.update(shop.customer(), default)
    shop.v1.subscriptions.resume(paused, {"billing_cycle_anchor": {"type": "now"}})


@play
def a_trial_without_a_card_is_invoiced(shop: Shop) -> None:
    _trial_without_card(shop, "create_invoice")


@play
def a_discount_and_a_promotion_code(shop: Shop) -> None:
    code = shop.v1.promotion_codes.create(
        {"promotion": {"type": "coupon", "coupon": half_off(shop)}, "code": "HALF"}
    )
    shop.subscribe(discounts=[{"promotion_code": code.id}])
    shop.v1.promotion_codes.update(code.id, {"active": False})
    shop.v1.promotion_codes.retrieve(code.id, {"expand": ["promotion.coupon"]})
    shop.v1.subscriptions.retrieve(
        shop.subscriptions()[0].id, {"expand": ["discounts", "discounts.source.coupon"]}
    )
    coupon = half_off(shop)
    shop.v1.subscriptions.update(shop.subscriptions()[0].id, {"discounts": [{"coupon": coupon}]})
    shop.v1.coupons.retrieve(coupon)
    shop.v1.coupons.delete(coupon)
    shop.sandbox.advance(months=1, by=timedelta(hours=2))


@play
def a_gift_costs_nothing(shop: Shop) -> None:
    coupon = shop.v1.coupons.create(
        {"amount_off": 5000, "currency": "eur", "duration": "repeating", "duration_in_months": 2}
    )
    shop.pay(discounts=[{"coupon": coupon.id}])
    shop.sandbox.advance(months=3)


@play
def one_off_support(shop: Shop) -> None:
    price = shop.v1.prices.create({"currency": "eur", "unit_amount": 2500, "product": shop.product()}).id
    facts = {"mode": "payment", "line_items": [{"price": price, "quantity": 2}]}
    session = shop.session(**facts, payment_intent_data={"description": "Thank you", "metadata": {"a": "b"}})
    shop.sandbox.checkout.pay(session.id, card())
    shop.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent.latest_charge.balance_transaction"]}
    )


@play
def a_card_is_saved(shop: Shop) -> None:
    facts = {
        "mode": "setup",
        "currency": "eur",
        "customer": shop.customer(),
        "success_url": "https://paper.example",
    }
    session = shop.v1.checkout.sessions.create(facts)
    shop.sandbox.checkout.pay(session.id, card())
    shop.v1.checkout.sessions.retrieve(session.id, {"expand": ["setup_intent.payment_method"]})


@play
def payment_methods_are_kept(shop: Shop) -> None:
    v1 = shop.v1
    shown = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2099, "cvc": "123"}
    method = v1.payment_methods.create({"type": "card", "card": shown, "billing_details": {"name": "Ada"}})
    v1.payment_methods.attach(method.id, {"customer": shop.customer()})
    v1.payment_methods.update(method.id, {"metadata": {"a": "b"}})
    v1.payment_methods.retrieve(method.id)
    v1.payment_methods.detach(method.id)


@play
def renewals_and_a_year(shop: Shop) -> None:
    shop.subscribe()
    shop.sandbox.advance(months=2, by=timedelta(hours=2))
    line = [{"price": shop.price("year", 9000), "quantity": 1}]
    shop.subscribe(line_items=line)
    shop.sandbox.advance(months=13)


def _fails(shop: Shop, end: AfterRetries) -> None:
    shop.sandbox.dunning = Dunning((3, 5), end)
    shop.subscribe(FAILS_LATER)
    shop.sandbox.advance(months=1, by=timedelta(hours=2))
    shop.sandbox.advance(by=timedelta(days=20))


@play
def a_renewal_fails_until_it_is_cancelled(shop: Shop) -> None:
    _fails(shop, AfterRetries.CANCEL)


@play
def a_renewal_fails_and_stays_unpaid(shop: Shop) -> None:
    _fails(shop, AfterRetries.UNPAID)
    shop.sandbox.advance(months=1, by=timedelta(hours=2))


@play
def a_renewal_fails_and_is_paid_in_the_end(shop: Shop) -> None:
    _fails(shop, AfterRetries.PAST_DUE)
    invoice = shop.v1.invoices.list({"status": "open"}).data[0]
    shop.sandbox.invoices.pay_hosted(invoice.id, card(DECLINED))
    shop.sandbox.invoices.pay_hosted(invoice.id, card(ASKS_ALWAYS))
    shop.sandbox.invoices.authenticate(invoice.id, passed=False)
    shop.sandbox.invoices.pay_hosted(invoice.id, card(ASKS_ONCE))
    shop.sandbox.invoices.authenticate(invoice.id, passed=True)


@play
def a_failed_renewal_is_paid_in_the_portal(shop: Shop) -> None:
    _fails(shop, AfterRetries.PAST_DUE)
    invoice = shop.v1.invoices.list({"status": "open"}).data[0]
    shop.sandbox.portal.pay_invoice(shop.portal(), invoice.id)


@play
def invoices_are_handled_by_hand(shop: Shop) -> None:
    v1 = shop.v1
    _fails(shop, AfterRetries.PAST_DUE)
    first = v1.invoices.list({"status": "open"}).data[0].id
    refused(v1.invoices.pay, first)
    v1.invoices.update(first, {"metadata": {"a": "b"}})
    v1.invoices.line_items.list(first)
    v1.invoices.mark_uncollectible(first)
    renewal = shop.subscriptions()[0].items.data[0].current_period_end
    shop.sandbox.advance(to=datetime.fromtimestamp(renewal + 300, UTC))
    for draft in v1.invoices.list({"status": "draft"}).data:
        v1.invoices.void_invoice(v1.invoices.finalize_invoice(draft.id).id)
    v1.invoices.pay(first, {"payment_method": "pm_card_visa"})
    v1.invoices.create_preview({"subscription": shop.subscriptions()[0].id})


@play
def a_portal_visit(shop: Shop) -> None:
    subscription, portal = shop.subscribe(), shop.portal()
    here = shop.sandbox.portal
    here.cancel(portal, subscription.id, feedback="unused", comment="Too little time")
    here.undo_cancel(portal, subscription.id)
    here.change_card(portal, card("5555555555554444"))
    here.change_price(portal, subscription.id, shop.price("year", 9000))
    here.cancel(portal, subscription.id)
    shop.sandbox.advance(months=13)


@play
def deep_links_into_the_portal(shop: Shop) -> None:
    v1, subscription = shop.v1, shop.subscribe()
    shop.portal()
    configuration = v1.billing_portal.configurations.list({"active": True}).data[0]
    about = {"subscription": subscription.id}
    item = {"id": subscription.items.data[0].id, "price": shop.price("year", 9000), "quantity": 1}
    after = {"type": "redirect", "redirect": {"return_url": "https://paper.example/account"}}
    flows: list[dict[str, Any]] = [
        {"type": "payment_method_update"},
        {"type": "subscription_cancel", "subscription_cancel": about, "after_completion": after},
        {"type": "subscription_update", "subscription_update": about},
        {"type": "subscription_update_confirm", "subscription_update_confirm": {**about, "items": [item]}},
    ]
    for flow in flows:
        facts = {"customer": shop.customer(), "configuration": configuration.id, "flow_data": flow}
        v1.billing_portal.sessions.create(facts)
    changed = {
        "business_profile": {"headline": "Your membership"},
        "features": {"invoice_history": {"enabled": False}},
    }
    v1.billing_portal.configurations.update(configuration.id, changed)
    v1.billing_portal.configurations.retrieve(configuration.id)


@play
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


@play
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


@play
def a_classic_subscription_ends(shop: Shop) -> None:
    shop.subscribe(subscription_data={"billing_mode": {"type": "classic"}})
    shop.sandbox.portal.cancel(shop.portal(), shop.subscriptions()[0].id)
    shop.sandbox.advance(months=1, by=timedelta(hours=2))


@play
def refunds_and_disputes(shop: Shop) -> None:
    v1 = shop.v1
    shop.subscribe()
    charge = v1.charges.list({"customer": shop.customer()}).data[0]
    part = v1.refunds.create({"charge": charge.id, "amount": 100, "reason": "requested_by_customer"})
    v1.refunds.update(part.id, {"metadata": {"a": "b"}})
    v1.refunds.retrieve(part.id, {"expand": ["charge.refunds", "payment_intent"]})
    v1.refunds.create({"payment_intent": charge.payment_intent})
    shop.subscribe(DISPUTED)
    for dispute in v1.disputes.list().data:
        v1.disputes.retrieve(dispute.id, {"expand": ["charge", "payment_intent"]})
        v1.disputes.close(dispute.id)
    shop.subscribe()
    again = v1.charges.list({"customer": shop.customer()}).data[0]
    shop.sandbox.disputes.close(shop.sandbox.disputes.open(again.id)["id"], won=True)


@play
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


@play
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
