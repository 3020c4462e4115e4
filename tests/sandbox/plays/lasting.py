"""Plays about what lasts: renewals, failed payments, the portal, refunds and disputes."""

from datetime import UTC, datetime, timedelta
from typing import Any

from paywall.sandbox import AfterRetries, Dunning
from tests.sandbox.plays.refusing import refused
from tests.sandbox.shop import (
    ASKS_ALWAYS,
    ASKS_ONCE,
    DECLINED,
    DISPUTED,
    FAILS_LATER,
    INQUIRED,
    REFUND_FAILS,
    REFUND_WAITS,
    Shop,
    card,
)


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


def a_renewal_fails_until_it_is_cancelled(shop: Shop) -> None:
    _fails(shop, AfterRetries.CANCEL)


def a_renewal_fails_and_stays_unpaid(shop: Shop) -> None:
    _fails(shop, AfterRetries.UNPAID)
    shop.sandbox.advance(months=1, by=timedelta(hours=2))


def a_renewal_fails_and_is_paid_in_the_end(shop: Shop) -> None:
    _fails(shop, AfterRetries.PAST_DUE)
    invoice = shop.v1.invoices.list({"status": "open"}).data[0]
    shop.sandbox.invoices.pay_hosted(invoice.id, card(DECLINED))
    shop.sandbox.invoices.pay_hosted(invoice.id, card(ASKS_ALWAYS))
    shop.sandbox.invoices.authenticate(invoice.id, passed=False)
    shop.sandbox.invoices.pay_hosted(invoice.id, card(ASKS_ONCE))
    shop.sandbox.invoices.authenticate(invoice.id, passed=True)


def a_failed_renewal_is_paid_in_the_portal(shop: Shop) -> None:
    _fails(shop, AfterRetries.PAST_DUE)
    invoice = shop.v1.invoices.list({"status": "open"}).data[0]
    shop.sandbox.portal.pay_invoice(shop.portal(), invoice.id)


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


def a_portal_visit(shop: Shop) -> None:
    subscription, portal = shop.subscribe(), shop.portal()
    here = shop.sandbox.portal
    here.cancel(portal, subscription.id, feedback="unused", comment="Too little time")
    here.undo_cancel(portal, subscription.id)
    here.change_card(portal, card("5555555555554444"))
    here.change_price(portal, subscription.id, shop.price("year", 9000))
    here.cancel(portal, subscription.id)
    shop.sandbox.advance(months=13)


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


def a_classic_subscription_ends(shop: Shop) -> None:
    shop.subscribe(subscription_data={"billing_mode": {"type": "classic"}})
    shop.sandbox.portal.cancel(shop.portal(), shop.subscriptions()[0].id)
    shop.sandbox.advance(months=1, by=timedelta(hours=2))


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


def money_goes_to_the_bank_and_comes_back(shop: Shop) -> None:
    v1 = shop.v1
    shop.subscribe()
    shop.sandbox.advance(by=timedelta(days=4))
    first = v1.payouts.list().data[0]
    v1.balance_transactions.list({"payout": first.id, "expand": ["data.source"]})
    shop.sandbox.bank.send_back(first.id)
    shop.sandbox.advance(by=timedelta(days=4))
    v1.payouts.retrieve(first.id, {"expand": ["balance_transaction", "failure_balance_transaction"]})
    v1.balance.retrieve()


def refunds_that_take_their_time(shop: Shop) -> None:
    v1 = shop.v1
    for number in (REFUND_WAITS, REFUND_FAILS):
        shop.subscribe(number)
        v1.refunds.create({"charge": v1.charges.list().data[0].id})
    shop.sandbox.advance(by=timedelta(days=2))
    v1.balance_transactions.list({"type": "refund_failure", "expand": ["data.source"]})


def an_inquiry(shop: Shop) -> None:
    v1 = shop.v1
    shop.subscribe(INQUIRED)
    dispute = v1.disputes.list().data[0]
    v1.refunds.create({"charge": dispute.charge})
    v1.disputes.close(dispute.id)
