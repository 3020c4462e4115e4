"""Plays about buying: Checkout, trials, discounts, cards."""

from datetime import timedelta

from tests.sandbox.shop import ASKS_ALWAYS, DECLINED, Shop, card


def _half_off(shop: Shop) -> str:
    """A coupon."""
    return str(shop.v1.coupons.create({"percent_off": 50, "duration": "forever", "name": "Half"}).id)


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


def a_session_paid(shop: Shop) -> None:
    session = shop.session(
        client_reference_id="7", metadata={"a": "b"}, cancel_url="https://paper.example/no"
    )
    shop.v1.checkout.sessions.update(session.id, {"metadata": {"seen": "yes"}})
    shop.v1.checkout.sessions.line_items.list(session.id)
    shop.sandbox.checkout.pay(session.id, card())
    expand = ["line_items", "customer", "subscription.latest_invoice.payments", "invoice", "payment_intent"]
    shop.v1.checkout.sessions.retrieve(session.id, {"expand": expand})


def a_session_expires(shop: Shop) -> None:
    shop.v1.checkout.sessions.expire(shop.session().id)
    shop.session()
    shop.sandbox.advance(by=timedelta(days=2))


def cards_are_declined_and_banks_ask(shop: Shop) -> None:
    session = shop.session()
    shop.sandbox.checkout.pay(session.id, card(DECLINED))
    shop.sandbox.checkout.pay(session.id, card(ASKS_ALWAYS))
    shop.sandbox.checkout.authenticate(session.id, passed=False)
    shop.sandbox.checkout.pay(session.id, card(ASKS_ALWAYS))
    shop.sandbox.checkout.authenticate(session.id, passed=True)
    shop.sandbox.advance(months=1, by=timedelta(hours=2))


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


def a_trial_without_a_card_is_cancelled(shop: Shop) -> None:
    _trial_without_card(shop, "cancel")


def a_trial_without_a_card_is_paused_and_resumed(shop: Shop) -> None:
    _trial_without_card(shop, "pause")
    paused = shop.subscriptions()[0].id
    method = shop.v1.payment_methods.attach("pm_card_visa", {"customer": shop.customer()})
    default = {"invoice_settings": {"default_payment_method": method.id}}
    shop.v1.customers.update(shop.customer(), default)
    shop.v1.subscriptions.resume(paused, {"billing_cycle_anchor": {"type": "now"}})


def a_trial_without_a_card_is_invoiced(shop: Shop) -> None:
    _trial_without_card(shop, "create_invoice")


def a_discount_and_a_promotion_code(shop: Shop) -> None:
    code = shop.v1.promotion_codes.create(
        {"promotion": {"type": "coupon", "coupon": _half_off(shop)}, "code": "HALF"}
    )
    shop.subscribe(discounts=[{"promotion_code": code.id}])
    shop.v1.promotion_codes.update(code.id, {"active": False})
    shop.v1.promotion_codes.retrieve(code.id, {"expand": ["promotion.coupon"]})
    shop.v1.subscriptions.retrieve(
        shop.subscriptions()[0].id, {"expand": ["discounts", "discounts.source.coupon"]}
    )
    coupon = _half_off(shop)
    shop.v1.subscriptions.update(shop.subscriptions()[0].id, {"discounts": [{"coupon": coupon}]})
    shop.v1.coupons.retrieve(coupon)
    shop.v1.coupons.delete(coupon)
    shop.sandbox.advance(months=1, by=timedelta(hours=2))


def a_gift_costs_nothing(shop: Shop) -> None:
    coupon = shop.v1.coupons.create(
        {"amount_off": 5000, "currency": "eur", "duration": "repeating", "duration_in_months": 2}
    )
    shop.pay(discounts=[{"coupon": coupon.id}])
    shop.sandbox.advance(months=3)


def one_off_support(shop: Shop) -> None:
    price = shop.v1.prices.create({"currency": "eur", "unit_amount": 2500, "product": shop.product()}).id
    facts = {"mode": "payment", "line_items": [{"price": price, "quantity": 2}]}
    session = shop.session(**facts, payment_intent_data={"description": "Thank you", "metadata": {"a": "b"}})
    shop.sandbox.checkout.pay(session.id, card())
    shop.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent.latest_charge.balance_transaction"]}
    )


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
