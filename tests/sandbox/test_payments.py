"""Money besides Checkout: subscriptions by the API, invoices, cards on file, refunds, disputes, balance."""

from datetime import timedelta
from typing import Any

import pytest
import stripe

from paywall.sandbox import SandboxError
from tests.sandbox.shop import DISPUTED, Shop, card


def subscribed(shop: Shop, token: str = "pm_card_visa", **facts: Any) -> Any:
    """A subscription made by the API, paid by one of Stripe's test payment methods."""
    method = shop.v1.payment_methods.attach(token, {"customer": shop.customer()})
    given = {
        "customer": shop.customer(),
        "items": [{"price": shop.price()}],
        "default_payment_method": method.id,
    }
    return shop.v1.subscriptions.create({**given, **facts, "expand": ["latest_invoice"]})


def test_a_subscription_by_the_api_is_paid_at_once(shop: Shop) -> None:
    made = subscribed(shop, metadata={"a": "b"})
    assert (made.status, made.latest_invoice.status, made.metadata["a"]) == ("active", "paid", "b")
    planned = subscribed(shop, "pm_card_mastercard", cancel_at_period_end=True)
    assert planned.cancel_at_period_end


def test_a_refused_first_payment_leaves_it_incomplete_for_23_hours(shop: Shop) -> None:
    made = subscribed(shop, "pm_card_visa_chargeDeclined")
    assert (made.status, made.latest_invoice.status) == ("incomplete", "open")
    shop.sandbox.advance(by=timedelta(hours=22, minutes=55))
    assert shop.v1.subscriptions.retrieve(made.id).status == "incomplete"
    shop.sandbox.advance(by=timedelta(minutes=10))
    over = shop.subscription()
    assert (over.status, over.latest_invoice.status) == ("incomplete_expired", "void")
    intent = shop.v1.payment_intents.list({"customer": shop.customer()}).data[0]
    assert shop.v1.payment_intents.retrieve(intent.id).status == "canceled"


def test_an_incomplete_one_can_be_paid_in_time(shop: Shop) -> None:
    made = subscribed(shop, "pm_card_visa_chargeDeclinedInsufficientFunds")
    method = shop.v1.payment_methods.attach("pm_card_visa", {"customer": shop.customer()})
    assert shop.v1.invoices.pay(made.latest_invoice.id, {"payment_method": method.id}).status == "paid"
    assert shop.v1.subscriptions.retrieve(made.id).status == "active"
    shop.sandbox.advance(by=timedelta(days=2))
    assert shop.v1.subscriptions.retrieve(made.id).status == "active"
    with pytest.raises(stripe.InvalidRequestError, match="already paid"):
        shop.v1.invoices.pay(made.latest_invoice.id)


def test_other_ways_to_begin(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="was not made"):
        subscribed(shop, "pm_card_visa_chargeDeclined", payment_behavior="error_if_incomplete")
    assert shop.subscriptions() == []
    waiting = subscribed(shop, payment_behavior="default_incomplete")
    assert (waiting.status, waiting.latest_invoice.attempt_count) == ("incomplete", 0)
    trial = subscribed(shop, trial_period_days=7)
    assert (trial.status, trial.latest_invoice.total) == ("trialing", 0)
    dated = subscribed(shop, trial_end=trial.trial_end + 60)
    assert dated.trial_end == trial.trial_end + 60
    at_once = subscribed(shop, trial_end="now")
    assert at_once.status == "active"
    anchor = trial.trial_end
    assert subscribed(shop, billing_cycle_anchor=anchor).items.data[0].current_period_end == anchor


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"items": []}, "Missing required param: items."),
        ({"items": [{"quantity": 1}]}, "Missing required param: items"),
        ({"items": [{"price": "price_none"}]}, "No such price"),
        ({"default_payment_method": "pm_none"}, "No such payment_method"),
    ],
)
def test_a_subscription_that_cannot_be(shop: Shop, facts: dict[str, Any], message: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=message):
        subscribed(shop, **facts)


def test_a_single_price_or_anothers_card_makes_no_subscription(shop: Shop) -> None:
    once = shop.v1.prices.create({"currency": "eur", "unit_amount": 5, "product": shop.product()}).id
    with pytest.raises(stripe.InvalidRequestError, match="type=recurring"):
        subscribed(shop, items=[{"price": once}])
    other = shop.v1.customers.create({"payment_method": "pm_card_visa"}).id
    method = shop.v1.payment_methods.list({"customer": other}).data[0].id
    with pytest.raises(stripe.InvalidRequestError, match="does not have a payment method"):
        subscribed(shop, default_payment_method=method)


def test_cards_on_file(shop: Shop) -> None:
    methods = shop.v1.payment_methods
    given = {"number": "5555555555554444", "exp_month": 1, "exp_year": 2099, "cvc": "123"}
    made = methods.create({"type": "card", "card": given, "billing_details": {"name": "Ada"}})
    assert (made.customer, made.card.last4, made.billing_details.name) == (None, "4444", "Ada")
    with pytest.raises(stripe.InvalidRequestError, match="not attached"):
        methods.detach(made.id)
    methods.attach(made.id, {"customer": shop.customer()})
    assert methods.update(made.id, {"metadata": {"a": "b"}}).metadata["a"] == "b"
    shop.v1.customers.update(shop.customer(), {"invoice_settings": {"default_payment_method": made.id}})
    subscription = subscribed(shop, default_payment_method=made.id)
    other = shop.v1.customers.create({}).id
    with pytest.raises(stripe.InvalidRequestError, match="already been attached"):
        methods.attach(made.id, {"customer": other})
    assert methods.detach(made.id).customer is None
    assert shop.v1.customers.retrieve(shop.customer()).invoice_settings.default_payment_method is None
    assert shop.v1.subscriptions.retrieve(subscription.id).default_payment_method is None
    assert shop.events()[-1] == "payment_method.detached"
    with pytest.raises(stripe.InvalidRequestError, match="Missing required param: customer"):
        methods.attach(made.id)
    for facts in ({"type": "sepa_debit"}, {"type": "card"}):
        with pytest.raises(stripe.InvalidRequestError, match="from a card number only"):
            methods.create(facts)


def test_a_draft_invoice_by_hand(shop: Shop) -> None:
    subscription = subscribed(shop)
    shop.sandbox.advance(months=1)
    draft = shop.v1.invoices.list({"subscription": subscription.id, "status": "draft"}).data[0]
    assert shop.v1.invoices.update(draft.id, {"metadata": {"a": "b"}}).metadata["a"] == "b"
    opened = shop.v1.invoices.finalize_invoice(draft.id)
    assert (opened.status, opened.amount_due) == ("open", 900)
    assert shop.v1.invoices.line_items.list(draft.id, {"limit": 1}).data[0].amount == 900
    with pytest.raises(stripe.InvalidRequestError, match="can not be finalized"):
        shop.v1.invoices.finalize_invoice(draft.id)
    assert shop.v1.invoices.mark_uncollectible(draft.id).status == "uncollectible"
    assert shop.v1.invoices.void_invoice(draft.id).status == "void"
    with pytest.raises(stripe.InvalidRequestError, match="can not be paid"):
        shop.v1.invoices.pay(draft.id)
    with pytest.raises(SandboxError, match="is void"):
        shop.sandbox.invoices.pay_hosted(draft.id, card())


def test_a_draft_is_paid_or_settles_itself(shop: Shop) -> None:
    subscription = subscribed(shop)
    shop.sandbox.advance(months=1)
    draft = shop.v1.invoices.list({"status": "draft"}).data[0]
    with pytest.raises(SandboxError, match="No such invoice"):
        shop.sandbox.invoices.open(draft.id)
    assert shop.v1.invoices.pay(draft.id).status == "paid"
    with pytest.raises(SandboxError, match="does not wait"):
        shop.sandbox.invoices.authenticate(draft.id, passed=True)
    coupon = shop.v1.coupons.create({"percent_off": 100, "duration": "forever"}).id
    shop.v1.subscriptions.update(subscription.id, {"discounts": [{"coupon": coupon}]})
    shop.sandbox.advance(months=1)
    free = shop.v1.invoices.list({"status": "draft"}).data[0]
    assert shop.v1.invoices.finalize_invoice(free.id).status == "paid"
    with pytest.raises(stripe.InvalidRequestError, match="of a subscription only"):
        shop.v1.invoices.create_preview({"customer": shop.customer()})


def test_payments_lead_from_the_intent_back_to_the_invoice(shop: Shop) -> None:
    invoice = subscribed(shop).latest_invoice
    payments = shop.v1.invoice_payments
    paid = payments.list({"invoice": invoice.id}).data[0]
    assert (paid.status, paid.amount_paid, paid.is_default) == ("paid", 900, True)
    by_intent = {"type": "payment_intent", "payment_intent": paid.payment.payment_intent}
    assert payments.list({"payment": by_intent}).data[0].invoice == invoice.id
    assert payments.retrieve(paid.id, {"expand": ["invoice"]}).invoice.status == "paid"
    assert payments.list({"status": "open"}).data == []


def test_refunds_in_part_and_in_full(shop: Shop) -> None:
    subscribed(shop)
    charge = shop.v1.charges.list({"customer": shop.customer()}).data[0]
    part = shop.v1.refunds.create({"charge": charge.id, "amount": 300, "reason": "requested_by_customer"})
    assert (part.status, part.amount, part.currency) == ("succeeded", 300, "eur")
    rest = shop.v1.refunds.create({"payment_intent": charge.payment_intent})
    assert rest.amount == 600
    after = shop.v1.charges.retrieve(charge.id, {"expand": ["refunds"]})
    assert (after.refunded, after.amount_refunded, len(after.refunds.data)) == (True, 900, 2)
    assert shop.v1.refunds.update(part.id, {"metadata": {"a": "b"}}).metadata["a"] == "b"
    assert (
        shop.v1.refunds.list({"payment_intent": charge.payment_intent, "charge": charge.id}).data[1].id
        == part.id
    )
    assert shop.v1.refunds.retrieve(part.id).balance_transaction.startswith("txn_")
    assert shop.events()[-3:] == ["charge.refunded", "refund.created", "refund.updated"]
    assert shop.subscriptions()[0].status == "active"
    with pytest.raises(stripe.InvalidRequestError, match="already been refunded"):
        shop.v1.refunds.create({"charge": charge.id})


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({}, "payment_intent or charge"),
        ({"charge": "ch_none"}, "No such charge"),
        ({"payment_intent": "pi_none"}, "No such payment_intent"),
        ({"amount": 901}, "greater than unrefunded"),
    ],
)
def test_refunds_that_cannot_be(shop: Shop, facts: dict[str, Any], message: str) -> None:
    subscribed(shop)
    if "amount" in facts:
        facts = {**facts, "charge": shop.v1.charges.list().data[0].id}
    with pytest.raises(stripe.InvalidRequestError, match=message):
        shop.v1.refunds.create(facts)


def test_an_unpaid_intent_cannot_be_refunded(shop: Shop) -> None:
    subscribed(shop, payment_behavior="default_incomplete")
    intent = shop.v1.payment_intents.list().data[0].id
    with pytest.raises(stripe.InvalidRequestError, match="successful charge"):
        shop.v1.refunds.create({"payment_intent": intent})


@pytest.mark.parametrize(
    ("won", "status", "net"), [(True, "won", 900 - 39 - 2000), (False, "lost", -39 - 2000)]
)
def test_disputes_take_the_money_and_may_bring_it_back(
    shop: Shop, *, won: bool, status: str, net: int
) -> None:
    subscribed(shop)
    charge = shop.v1.charges.list().data[0]
    dispute = shop.sandbox.disputes.open(charge.id, "product_not_received")
    with pytest.raises(stripe.InvalidRequestError, match="charged back"):
        shop.v1.refunds.create({"charge": charge.id})
    with pytest.raises(SandboxError, match="cannot be disputed"):
        shop.sandbox.disputes.open(charge.id)
    assert shop.v1.disputes.retrieve(dispute["id"]).status == "needs_response"
    assert shop.sandbox.disputes.close(dispute["id"], won=won)["status"] == status
    assert shop.events()[-1] == "charge.dispute.closed"
    assert sum(t.net for t in shop.v1.balance_transactions.list().data) == net
    with pytest.raises(SandboxError, match="already closed"):
        shop.sandbox.disputes.close(dispute["id"], won=won)


def test_a_dispute_can_be_accepted(shop: Shop) -> None:
    shop.subscribe(DISPUTED)
    dispute = shop.v1.disputes.list({"payment_intent": shop.v1.payment_intents.list().data[0].id}).data[0]
    assert shop.v1.disputes.close(dispute.id).status == "lost"


def test_the_balance_tells_fees_and_when_money_is_there(shop: Shop) -> None:
    subscribed(shop)
    charge = shop.v1.charges.list({"expand": ["data.balance_transaction"]}).data[0]
    entry = charge.balance_transaction
    assert (entry.amount, entry.fee, entry.net, entry.status) == (900, 39, 861, "pending")
    shop.sandbox.advance(by=timedelta(days=3))
    assert shop.v1.balance_transactions.retrieve(entry.id).status == "available"
    assert shop.v1.balance_transactions.list({"source": charge.id, "type": "charge"}).data[0].id == entry.id
