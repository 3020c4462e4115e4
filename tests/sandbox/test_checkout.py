"""Paying in Checkout: what each card does, what comes of it, and in which order it is told."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import stripe

from paywall.sandbox import PaymentState, Sandbox, SandboxError
from tests.sandbox.shop import (
    ASKS_ALWAYS,
    ASKS_ONCE,
    DECLINED,
    DISPUTED,
    FAILS_LATER,
    GOOD,
    NO_FUNDS,
    Shop,
    card,
)


def test_paying_makes_one_active_subscription_and_tells_everything_in_order(shop: Shop) -> None:
    session = shop.session(client_reference_id="7", subscription_data={"metadata": {"reader_id": "7"}})
    assert session.url == f"http://127.0.0.1:8000/sandbox/checkout/{session.id}"
    assert (session.status, session.payment_status, session.subscription) == ("open", "unpaid", None)
    payment = shop.sandbox.checkout.pay(session.id, card())
    assert payment.state is PaymentState.COMPLETE
    assert payment.redirect_url == f"https://paper.example/joined?session={session.id}"
    done = shop.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["subscription.latest_invoice.payments"]}
    )
    assert (done.status, done.payment_status, done.customer, done.url) == (
        "complete",
        "paid",
        shop.customer(),
        None,
    )
    subscription = done.subscription
    assert (subscription.status, subscription.metadata["reader_id"]) == ("active", "7")
    assert subscription.default_payment_method.startswith("pm_")
    item = subscription.items.data[0]
    assert 28 * 86400 <= item.current_period_end - item.current_period_start <= 31 * 86400
    invoice = subscription.latest_invoice
    assert (invoice.status, invoice.amount_paid, invoice.billing_reason) == (
        "paid",
        900,
        "subscription_create",
    )
    assert invoice.parent.subscription_details.subscription == subscription.id
    assert invoice.parent.subscription_details.metadata["reader_id"] == "7"
    assert invoice.payments.data[0].payment.payment_intent.startswith("pi_")
    assert len({e.created for e in shop.all_events()[-13:]}) <= 2
    told = [t for t in shop.events() if t.startswith(("customer.subscription", "invoice.", "checkout"))]
    assert told[:3] == ["customer.subscription.created", "invoice.created", "invoice.finalized"]
    assert told[-1] == "checkout.session.completed"
    assert "invoice.paid" in told


def test_the_page_gets_the_session_with_its_lines(shop: Shop) -> None:
    session = shop.session()
    shown = shop.sandbox.checkout.open(session.id)
    line = shown["line_items"]["data"][0]
    assert (line["description"], line["amount_total"], line["price"]["recurring"]["interval"]) == (
        "Patron",
        900,
        "month",
    )
    assert shown["customer_details"]["email"] == "ada@example.org"
    assert shop.v1.checkout.sessions.line_items.list(session.id).data[0].price.unit_amount == 900
    assert (
        shop.v1.checkout.sessions.retrieve(session.id, {"expand": ["line_items"]}).line_items.data[0].quantity
        == 1
    )
    with pytest.raises(AttributeError):
        _ = shop.v1.checkout.sessions.retrieve(session.id).line_items
    with pytest.raises(SandboxError, match="No such"):
        shop.sandbox.checkout.open("cs_test_none")


@pytest.mark.parametrize(
    ("number", "code", "message"),
    [
        (DECLINED, "generic_decline", "Your card was declined."),
        (NO_FUNDS, "insufficient_funds", "Your card has insufficient funds."),
        ("4000000000000069", "expired_card", "Your card has expired."),
        ("4000000000000127", "incorrect_cvc", "Your card's security code is incorrect."),
        ("4242424242424241", "incorrect_number", "Your card number is incorrect."),
        ("not a number", "incorrect_number", "Your card number is incorrect."),
        ("4539578763621486", "test_mode_live_card", "non test card"),
    ],
)
def test_a_card_that_is_refused_says_why_and_makes_no_subscription(
    shop: Shop, number: str, code: str, message: str
) -> None:
    session = shop.session()
    payment = shop.sandbox.checkout.pay(session.id, card(number))
    assert (payment.state, payment.code, payment.redirect_url) == (PaymentState.DECLINED, code, None)
    assert message in payment.message
    assert shop.subscriptions() == []
    assert shop.v1.invoices.list({"customer": shop.customer()}).data == []
    assert shop.v1.checkout.sessions.retrieve(session.id).status == "open"


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"exp_month": 13}, "invalid_expiry_month"),
        ({"exp_year": 2020}, "invalid_expiry_year"),
        ({"cvc": "12"}, "invalid_cvc"),
    ],
)
def test_a_form_filled_in_badly_is_refused(shop: Shop, facts: dict[str, Any], code: str) -> None:
    payment = shop.sandbox.checkout.pay(shop.session().id, card(**facts))
    assert (payment.state, payment.code) == ("declined", code)


def test_a_second_card_works_after_a_refused_one(shop: Shop) -> None:
    session = shop.session()
    shop.sandbox.checkout.pay(session.id, card(DECLINED))
    assert shop.sandbox.checkout.pay(session.id, card("5555 5555-5555 4444")).state == "complete"
    intents = shop.v1.payment_intents.list({"customer": shop.customer()}).data
    charges = shop.v1.charges.list({"payment_intent": intents[0].id}).data
    assert ([c.status for c in charges], len(intents)) == (["succeeded", "failed"], 1)
    assert charges[1].failure_code == "card_declined"
    assert charges[0].payment_method_details.card.brand == "mastercard"
    assert shop.v1.charges.retrieve(charges[0].id).paid


def test_a_bank_that_asks_gets_its_answer(shop: Shop) -> None:
    session = shop.session()
    asked = shop.sandbox.checkout.pay(session.id, card(ASKS_ALWAYS))
    assert (asked.state, shop.subscriptions()) == (PaymentState.REQUIRES_ACTION, [])
    failed = shop.sandbox.checkout.authenticate(session.id, passed=False)
    assert (failed.state, failed.code) == ("declined", "payment_intent_authentication_failure")
    with pytest.raises(SandboxError, match="does not wait"):
        shop.sandbox.checkout.authenticate(session.id, passed=True)
    shop.sandbox.checkout.pay(session.id, card(ASKS_ALWAYS))
    assert shop.sandbox.checkout.authenticate(session.id, passed=True).state == "complete"
    assert shop.sandbox.checkout.authenticate(session.id, passed=True).state == "complete"
    assert [s.status for s in shop.subscriptions()] == ["active"]


def test_authenticated_but_out_of_money(shop: Shop) -> None:
    session = shop.session()
    shop.sandbox.checkout.pay(session.id, card("4000008260003178"))
    assert shop.sandbox.checkout.authenticate(session.id, passed=True).code == "insufficient_funds"


def test_a_trial_takes_a_card_but_no_money(shop: Shop) -> None:
    trial = {
        "trial_period_days": 14,
        "trial_settings": {"end_behavior": {"missing_payment_method": "cancel"}},
    }
    session = shop.session(subscription_data=trial)
    assert session.amount_total == 0
    assert shop.sandbox.checkout.pay(session.id, card(DECLINED)).state == "declined"
    assert shop.sandbox.checkout.pay(session.id, card()).state == "complete"
    done = shop.v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription.latest_invoice"]})
    subscription = done.subscription
    assert (done.payment_status, subscription.status) == ("no_payment_required", "trialing")
    assert subscription.trial_end - subscription.trial_start == 14 * 86400
    assert subscription.items.data[0].current_period_end == subscription.trial_end
    assert (subscription.latest_invoice.total, subscription.latest_invoice.status) == (0, "paid")
    setup = shop.v1.setup_intents.list({"customer": shop.customer()}).data[0]
    assert shop.v1.setup_intents.retrieve(setup.id).status == "succeeded"
    assert shop.v1.payment_intents.list({"customer": shop.customer()}).data == []


def test_a_trial_without_a_card_where_none_is_collected(shop: Shop) -> None:
    trial = {"trial_end": int(shop.sandbox.now().timestamp()) + 5 * 86400}
    session = shop.session(subscription_data=trial, payment_method_collection="if_required")
    assert shop.sandbox.checkout.pay(session.id, None).state == "complete"
    assert (shop.subscription().status, shop.subscription().default_payment_method) == ("trialing", None)
    with pytest.raises(SandboxError, match="needs a payment method"):
        shop.sandbox.checkout.pay(shop.session().id, None)


def test_two_clicks_at_once_pay_once(shop: Shop) -> None:
    session = shop.session()
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: shop.sandbox.checkout.pay(session.id, card()), range(8)))
    assert {p.state for p in done} == {PaymentState.COMPLETE}
    assert len({p.redirect_url for p in done}) == 1
    assert len(shop.subscriptions()) == 1
    assert len(shop.v1.charges.list({"customer": shop.customer()}).data) == 1


def test_stripe_lets_one_customer_pay_two_sessions(shop: Shop) -> None:
    first, second = shop.session(), shop.session()
    for session in (first, second):
        assert shop.sandbox.checkout.pay(session.id, card()).state == "complete"
    assert len(shop.subscriptions()) == 2


def test_an_expired_session_cannot_be_paid(shop: Shop) -> None:
    session = shop.session()
    assert shop.v1.checkout.sessions.expire(session.id).status == "expired"
    with pytest.raises(SandboxError, match="expired"):
        shop.sandbox.checkout.pay(session.id, card())
    with pytest.raises(stripe.InvalidRequestError, match="status of expired"):
        shop.v1.checkout.sessions.expire(session.id)
    late = shop.session()
    shop.sandbox.advance(by=timedelta(days=1, seconds=1))
    assert shop.v1.checkout.sessions.retrieve(late.id).status == "expired"
    assert shop.events().count("checkout.session.expired") == 2


def test_sessions_are_listed_by_what_they_belong_to(shop: Shop) -> None:
    open_one, paid = shop.session(), shop.session()
    shop.sandbox.checkout.pay(paid.id, card())
    sessions = shop.v1.checkout.sessions
    assert [s.id for s in sessions.list({"customer": shop.customer()})] == [paid.id, open_one.id]
    assert [s.id for s in sessions.list({"status": "open"})] == [open_one.id]
    assert [s.id for s in sessions.list({"subscription": shop.subscriptions()[0].id})] == [paid.id]
    assert len(sessions.list({"customer_details": {"email": "ada@example.org"}}).data) == 2
    assert sessions.update(open_one.id, {"metadata": {"a": "b"}}).metadata["a"] == "b"


def test_without_a_customer_checkout_makes_one(shop: Shop) -> None:
    session = shop.session(customer=None, customer_email="eve@example.org")
    shop.sandbox.checkout.pay(session.id, card())
    customer = shop.v1.checkout.sessions.retrieve(session.id, {"expand": ["customer"]}).customer
    assert (customer.email, customer.name) == ("eve@example.org", "Ada")


def test_a_single_payment(shop: Shop) -> None:
    tip = shop.v1.prices.create({"currency": "eur", "unit_amount": 500, "product": shop.product()}).id
    lines = [{"price": tip, "quantity": 2}]
    session = shop.session(mode="payment", line_items=lines, customer=None, customer_creation="always")
    assert shop.sandbox.checkout.pay(session.id, card(email="eve@example.org")).state == "complete"
    done = shop.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent.latest_charge", "customer"]}
    )
    assert (done.payment_status, done.amount_total, done.subscription) == ("paid", 1000, None)
    charge = done.payment_intent.latest_charge
    assert (charge.amount, charge.customer, done.customer.email) == (
        1000,
        done.customer.id,
        "eve@example.org",
    )
    guest = shop.session(mode="payment", line_items=lines, customer=None)
    shop.sandbox.checkout.pay(guest.id, card())
    assert shop.v1.checkout.sessions.retrieve(guest.id).customer is None


def test_a_card_only(shop: Shop) -> None:
    session = shop.session(mode="setup", line_items=None, currency="eur")
    assert shop.sandbox.checkout.pay(session.id, card()).state == "complete"
    done = shop.v1.checkout.sessions.retrieve(session.id, {"expand": ["setup_intent.payment_method"]})
    assert (done.payment_status, done.setup_intent.payment_method.card.last4) == (
        "no_payment_required",
        "4242",
    )


def test_a_discount_makes_the_first_invoice_cheaper(shop: Shop) -> None:
    coupon = shop.v1.coupons.create({"percent_off": 100, "duration": "once"})
    code = shop.v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}})
    session = shop.session(discounts=[{"promotion_code": code.id}])
    assert (session.amount_subtotal, session.amount_total) == (900, 0)
    shop.sandbox.checkout.pay(session.id, card())
    subscription = shop.v1.subscriptions.retrieve(shop.subscriptions()[0].id, {"expand": ["discounts"]})
    assert subscription.discounts[0].source.coupon == coupon.id
    assert shop.subscription().latest_invoice.total == 0
    shop.sandbox.advance(months=1, by=timedelta(hours=2))
    assert shop.subscription().latest_invoice.amount_paid == 900
    assert shop.v1.coupons.retrieve(coupon.id).times_redeemed == 1


@pytest.mark.parametrize(("balance", "charged"), [(-300, 600), (-1000, 0)])
def test_credit_of_a_customer_pays_first(shop: Shop, balance: int, charged: int) -> None:
    shop.v1.customers.update(shop.customer(), {"balance": balance})
    shop.subscribe()
    invoice = shop.subscription().latest_invoice
    assert (invoice.total, invoice.amount_paid, invoice.status) == (900, charged, "paid")
    assert sum(c.amount for c in shop.v1.charges.list().data) == charged
    assert shop.v1.customers.retrieve(shop.customer()).balance == balance + 900 - charged


def test_a_card_that_is_disputed(shop: Shop) -> None:
    shop.subscribe(DISPUTED)
    dispute = shop.v1.disputes.list().data[0]
    assert (dispute.status, dispute.reason, dispute.amount) == ("needs_response", "fraudulent", 900)
    assert shop.v1.charges.retrieve(dispute.charge).disputed
    assert "charge.dispute.created" in shop.events()


@pytest.mark.parametrize("number", [GOOD, FAILS_LATER])
def test_cards_that_pay_the_first_time(shop: Shop, number: str) -> None:
    assert shop.subscribe(number).status == "active"


def test_a_card_that_asks_once_pays_later_by_itself(shop: Shop) -> None:
    session = shop.session()
    assert shop.sandbox.checkout.pay(session.id, card(ASKS_ONCE)).state == "requires_action"
    assert shop.sandbox.checkout.authenticate(session.id, passed=True).state == "complete"
    shop.sandbox.advance(months=1, by=timedelta(hours=2))
    assert (shop.subscription().status, shop.subscription().latest_invoice.status) == ("active", "paid")


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"mode": None}, "Missing required param: mode."),
        ({"mode": "gift"}, "Invalid mode: must be one of payment, setup, or subscription"),
        ({"line_items": None}, "Missing required param: line_items."),
        ({"success_url": None}, "Missing required param: success_url."),
        ({"success_url": "paper.example"}, "Not a valid URL"),
        ({"return_url": "https://paper.example"}, "return_url"),
        ({"ui_mode": "hosted"}, "Invalid ui_mode"),
        ({"ui_mode": "embedded_page"}, "Missing required param: return_url."),
        ({"payment_method_types": ["card"]}, "Received unknown parameter: payment_method_types"),
        ({"customer_email": "a@example.org"}, "only specify one of these parameters"),
        ({"customer": "cus_none"}, "No such customer: 'cus_none'"),
        ({"customer_creation": "always"}, "customer_creation"),
        ({"mode": "payment"}, "recurring price"),
        ({"mode": "setup", "subscription_data": {"description": "x"}}, "subscription_data"),
        ({"mode": "payment", "payment_method_collection": "always"}, "payment_method_collection"),
        ({"subscription_data": {"trial_period_days": 0}}, "greater than or equal to 1"),
        ({"subscription_data": {"trial_end": 5}}, "at least 2 days"),
        ({"expires_at": 5}, "at least 30 minutes"),
        ({"expires_at": 9_999_999_999}, "less than 24 hours"),
        ({"discounts": [{"coupon": "none"}]}, "No such coupon"),
        ({"line_items": [{"quantity": 1}]}, "price_data"),
        ({"line_items": [{"price": "price_none", "quantity": 1}]}, "No such price: 'price_none'"),
    ],
)
def test_a_session_that_cannot_be_is_refused(shop: Shop, facts: dict[str, Any], message: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=message.replace("(", r"\(")):
        shop.session(**facts)


def test_line_items_are_checked(shop: Shop) -> None:
    once = shop.v1.prices.create({"currency": "eur", "unit_amount": 5, "product": shop.product()}).id
    dollars = {"currency": "usd", "unit_amount": 5, "product": shop.product()}
    abroad = shop.v1.prices.create({**dollars, "recurring": {"interval": "month"}}).id
    refused: list[tuple[Any, str]] = [
        ([{"price": shop.price()}], "Quantity is required"),
        ([{"price": once, "quantity": 1}], "at least one recurring price"),
        ([{"price": shop.price(), "quantity": 1}, {"price": abroad, "quantity": 1}], "same `currency`"),
    ]
    for lines, message in refused:
        with pytest.raises(stripe.InvalidRequestError, match=message):
            shop.session(line_items=lines)
    shop.v1.prices.update(shop.price(), {"active": False})
    with pytest.raises(stripe.InvalidRequestError, match="inactive"):
        shop.session()
    shop.v1.products.update(shop.product(), {"active": False})
    with pytest.raises(stripe.InvalidRequestError, match="product that is inactive"):
        shop.session(line_items=[{"price": abroad, "quantity": 1}])


@pytest.mark.parametrize(("trial", "first"), [({}, 1400), ({"trial_period_days": 7}, 500)])
def test_something_bought_once_along_with_it(shop: Shop, trial: dict[str, Any], first: int) -> None:
    once = shop.v1.prices.create({"currency": "eur", "unit_amount": 500, "product": shop.product()}).id
    lines = [{"price": shop.price(), "quantity": 1}, {"price": once, "quantity": 1}]
    shop.subscribe(line_items=lines, subscription_data=trial or None)
    invoice = shop.subscription().latest_invoice
    assert (invoice.amount_paid, invoice.status) == (first, "paid")
    assert invoice.lines.data[0].parent.invoice_item_details.invoice_item.startswith("ii_")
    shop.sandbox.advance(months=2, by=timedelta(hours=2))
    assert shop.subscription().latest_invoice.amount_paid == 900


def test_a_price_made_on_the_spot(shop: Shop) -> None:
    data = {
        "currency": "eur",
        "unit_amount": 700,
        "product": shop.product(),
        "recurring": {"interval": "month"},
    }
    shop.sandbox.checkout.pay(shop.session(line_items=[{"price_data": data, "quantity": 1}]).id, card())
    assert shop.subscription().items.data[0].price.unit_amount == 700


def test_an_embedded_page_has_a_secret_and_no_address(shop: Shop, sandbox: Sandbox) -> None:
    embedded = {"ui_mode": "embedded_page", "success_url": None, "return_url": "https://paper.example/back"}
    session = shop.session(**embedded)
    assert (session.url, session.client_secret.startswith(session.id)) == (None, True)
    assert sandbox.checkout.pay(session.id, card()).redirect_url == "https://paper.example/back"
