"""The customer portal: what it shows, what it allows, and how long it lasts."""

from datetime import timedelta
from typing import Any

import pytest
import stripe

from paywall.sandbox import SandboxError
from tests.sandbox.shop import ASKS_ALWAYS, DECLINED, FAILS_LATER, Shop, card

TWO_HOURS = timedelta(hours=2)


def test_the_portal_shows_what_a_customer_has(shop: Shop) -> None:
    gone = shop.subscribe()
    shop.v1.subscriptions.cancel(gone.id)
    live = shop.subscribe()
    view = shop.sandbox.portal.open(shop.portal())
    assert [s["id"] for s in view.subscriptions] == [live.id, gone.id]
    assert view.subscriptions[0]["items"]["data"][0]["price"]["product"]["name"] == "Patron"
    assert [p["recurring"]["interval"] for p in view.prices] == ["month", "year"]
    assert {m["card"]["last4"] for m in view.payment_methods} == {"4242"}
    assert [i["status"] for i in view.invoices] == ["paid", "paid"]
    assert (view.customer["email"], view.flow, view.return_url) == (
        "ada@example.org",
        None,
        "https://paper.example",
    )
    assert view.configuration["features"]["subscription_cancel"]["enabled"]
    assert view.session["url"] == f"http://127.0.0.1:8000/sandbox/portal/{view.session['id']}"


def test_cancelling_in_flexible_mode_sets_the_instant_and_not_the_boolean(shop: Shop) -> None:
    subscription, portal = shop.subscribe(), shop.portal()
    shop.sandbox.portal.cancel(portal, subscription.id, feedback="too_expensive", comment="Sorry")
    planned = shop.subscription()
    assert planned.cancel_at == subscription.items.data[0].current_period_end
    assert (planned.cancel_at_period_end, planned.status) == (False, "active")
    details = planned.cancellation_details
    assert (details.feedback, details.comment, details.reason) == (
        "too_expensive",
        "Sorry",
        "cancellation_requested",
    )
    shop.sandbox.portal.undo_cancel(portal, subscription.id)
    assert (shop.subscription().cancel_at, shop.subscription().canceled_at) == (None, None)
    shop.sandbox.portal.cancel(portal, subscription.id)
    shop.sandbox.advance(months=1)
    over = shop.subscription()
    assert (over.status, over.ended_at) == ("canceled", planned.cancel_at)
    assert shop.events()[-1] == "customer.subscription.deleted"
    again = shop.portal()
    for click in (shop.sandbox.portal.cancel, shop.sandbox.portal.undo_cancel):
        with pytest.raises(SandboxError, match="has ended"):
            click(again, subscription.id)


def test_cancelling_in_classic_mode_sets_both(shop: Shop) -> None:
    subscription = shop.subscribe(subscription_data={"billing_mode": {"type": "classic"}})
    shop.sandbox.portal.cancel(shop.portal(), subscription.id)
    planned = shop.subscription()
    assert (planned.cancel_at is not None, planned.cancel_at_period_end) == (True, True)


def test_cancelling_at_once_where_it_is_set_so(shop: Shop) -> None:
    subscription = shop.subscribe()
    portal = shop.portal(subscription_cancel={"enabled": True, "mode": "immediately"})
    shop.sandbox.portal.cancel(portal, subscription.id)
    assert shop.subscription().status == "canceled"


def test_a_new_card_becomes_the_customers_default_but_not_the_subscriptions(shop: Shop) -> None:
    subscription, portal = shop.subscribe(), shop.portal()
    changed = shop.sandbox.portal.change_card(portal, card("5555555555554444"))
    assert (changed.state, changed.redirect_url) == ("complete", "https://paper.example")
    default = shop.v1.customers.retrieve(shop.customer()).invoice_settings.default_payment_method
    assert shop.v1.payment_methods.retrieve(default).card.brand == "mastercard"
    assert shop.subscription().default_payment_method == subscription.default_payment_method != default
    refused = shop.sandbox.portal.change_card(portal, card(DECLINED))
    assert (refused.state, refused.code) == ("declined", "generic_decline")
    assert shop.sandbox.portal.change_card(portal, card(cvc="1")).code == "invalid_cvc"
    assert len(shop.v1.payment_methods.list({"customer": shop.customer()}).data) == 2


def test_another_price_on_offer(shop: Shop) -> None:
    subscription, portal = shop.subscribe(), shop.portal()
    shop.sandbox.advance(by=timedelta(minutes=1))
    shop.sandbox.portal.change_price(portal, subscription.id, shop.price("year", 9000))
    changed = shop.subscription()
    assert changed.items.data[0].price.recurring.interval == "year"
    assert changed.latest_invoice.status == "paid"
    with pytest.raises(SandboxError, match="not on offer"):
        shop.sandbox.portal.change_price(portal, subscription.id, shop.price(amount=1))


def test_paying_an_open_invoice(shop: Shop) -> None:
    shop.subscribe(FAILS_LATER)
    shop.sandbox.advance(months=1, by=TWO_HOURS)
    portal, invoice = shop.portal(), shop.subscription().latest_invoice
    assert shop.sandbox.portal.pay_invoice(portal, invoice.id, card(ASKS_ALWAYS)).state == "requires_action"
    assert shop.sandbox.portal.pay_invoice(portal, invoice.id, card(number="1")).code == "incorrect_number"
    paid = shop.sandbox.portal.pay_invoice(portal, invoice.id, card())
    assert (paid.state, paid.redirect_url) == ("complete", "https://paper.example")
    assert shop.subscription().status == "active"


def test_what_is_not_enabled_is_refused(shop: Shop) -> None:
    subscription = shop.subscribe()
    off: dict[str, Any] = {"enabled": False}
    nothing = dict.fromkeys(("subscription_cancel", "payment_method_update"), off)
    portal = shop.portal(**nothing, subscription_update=off)
    refused: list[Any] = [
        lambda p: p.cancel(portal, subscription.id),
        lambda p: p.change_card(portal, card()),
        lambda p: p.change_price(portal, subscription.id, shop.price()),
    ]
    for click in refused:
        with pytest.raises(SandboxError, match="does not allow"):
            click(shop.sandbox.portal)


def test_nobody_touches_what_belongs_to_another_customer(shop: Shop) -> None:
    subscription = shop.subscribe()
    features = {"subscription_cancel": {"enabled": True}}
    configuration = shop.v1.billing_portal.configurations.create({"features": features}).id
    stranger = shop.v1.customers.create({"email": "eve@example.org"}).id
    facts = {"customer": stranger, "configuration": configuration}
    portal = shop.v1.billing_portal.sessions.create(facts).id
    with pytest.raises(SandboxError, match="No such subscription"):
        shop.sandbox.portal.cancel(portal, subscription.id)
    with pytest.raises(SandboxError, match="No such invoice"):
        shop.sandbox.portal.pay_invoice(portal, subscription.latest_invoice)


def test_a_portal_session_is_short_lived(shop: Shop) -> None:
    shop.customer()
    portal = shop.portal()
    for _ in range(3):
        shop.sandbox.portal.open(portal)
        shop.sandbox.advance(by=timedelta(minutes=50))
    shop.sandbox.advance(by=timedelta(minutes=11))
    with pytest.raises(SandboxError, match="expired"):
        shop.sandbox.portal.open(portal)
    unused = shop.portal()
    shop.sandbox.advance(by=timedelta(minutes=6))
    with pytest.raises(SandboxError, match="expired"):
        shop.sandbox.portal.open(unused)
    with pytest.raises(SandboxError, match="No such"):
        shop.sandbox.portal.open("bps_none")


def test_flows(shop: Shop) -> None:
    subscription = shop.subscribe()
    shop.portal()
    sessions = shop.v1.billing_portal.sessions
    back = {"type": "redirect", "redirect": {"return_url": "https://paper.example/bye"}}
    wanted = {"type": "subscription_cancel", "subscription_cancel": {"subscription": subscription.id}}
    flow = sessions.create(
        {"customer": shop.customer(), "flow_data": {**wanted, "after_completion": back}}
    ).flow
    assert flow.subscription_cancel.subscription == subscription.id
    assert flow.after_completion.redirect.return_url == "https://paper.example/bye"
    card_flow = {"customer": shop.customer(), "flow_data": {"type": "payment_method_update"}}
    portal = sessions.create({**card_flow, "return_url": "https://paper.example/me"})
    assert portal.flow.after_completion.type == "portal_homepage"
    assert shop.sandbox.portal.change_card(portal.id, card()).redirect_url == "https://paper.example/me"


def test_flows_that_make_no_sense(shop: Shop) -> None:
    subscription = shop.subscribe()
    off = shop.v1.billing_portal.configurations.create({"features": {"invoice_history": {"enabled": False}}})
    shop.portal()
    stranger = shop.v1.customers.create({"email": "eve@example.org"}).id
    cancel = {"type": "subscription_cancel", "subscription_cancel": {"subscription": subscription.id}}
    ada = {"customer": shop.customer()}
    newest = shop.v1.billing_portal.configurations.list().data[0].id
    foreign = {"customer": stranger, "flow_data": cancel, "configuration": newest}
    unknown = {"flow_data": {"type": "customer_update"}, "configuration": "bpc_none"}
    refused: list[tuple[dict[str, Any], str]] = [
        (foreign, "another customer"),
        ({**ada, "flow_data": cancel}, "needs subscription_cancel"),
        ({**ada, "flow_data": {"type": "subscription_pause"}}, "Missing required param"),
        ({**ada, **unknown}, "No such billing_portal.configuration"),
        ({"customer": "cus_none"}, "No such customer"),
    ]
    assert shop.v1.billing_portal.configurations.retrieve(off.id).is_default
    for params, message in refused:
        with pytest.raises(stripe.InvalidRequestError, match=message):
            shop.v1.billing_portal.sessions.create(params)


def test_without_a_configuration_there_is_no_portal(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="No configuration provided"):
        shop.v1.billing_portal.sessions.create({"customer": shop.customer()})


def test_configurations_can_be_changed_and_switched_off(shop: Shop) -> None:
    configurations = shop.v1.billing_portal.configurations
    made = configurations.create({"features": {"invoice_history": {"enabled": True}}, "name": "Readers"})
    assert (made.is_default, made.features.invoice_history.enabled, made.name) == (True, True, "Readers")
    changed = configurations.update(made.id, {"features": {"subscription_cancel": {"enabled": True}}})
    assert (changed.features.invoice_history.enabled, changed.features.subscription_cancel.mode) == (
        True,
        "at_period_end",
    )
    assert not configurations.update(made.id, {"active": False}).active
    with pytest.raises(stripe.InvalidRequestError, match="not active"):
        shop.v1.billing_portal.sessions.create({"customer": shop.customer(), "configuration": made.id})
    assert configurations.list({"active": True}).data == []


def test_prices_of_one_product_need_different_rhythms(shop: Shop) -> None:
    other = shop.v1.products.create({"name": "Other"}).id
    twice = [{"product": shop.product(), "prices": [shop.price(), shop.price(amount=5)]}]
    refused: list[tuple[list[dict[str, Any]], str]] = [
        (twice, "different billing intervals"),
        ([{"product": other, "prices": [shop.price()]}], "recurring price of its product"),
        ([{"product": other, "prices": [shop.price()]}] * 11, "up to 10 products"),
    ]
    for products, message in refused:
        update = {"enabled": True, "default_allowed_updates": ["price"], "products": products}
        with pytest.raises(stripe.InvalidRequestError, match=message):
            shop.v1.billing_portal.configurations.create({"features": {"subscription_update": update}})
