"""Changes that wait for their bill, and pauses: what Stripe does when the card is refused or asks."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe

from tests.sandbox.shop import Shop, card

FAILS_LATER = "4000000000000341"
ASKS = "4000002760003184"


def wanted(shop: Shop, subscription: Any, price: str, **facts: Any) -> dict[str, Any]:
    """A change to another price that is only made if it is paid."""
    return {
        "items": [{"id": subscription.items.data[0].id, "price": price}],
        "proration_behavior": "always_invoice",
        "payment_behavior": "pending_if_incomplete",
        **facts,
    }


def ask(shop: Shop, number: str, interval: str = "month", amount: int = 2900) -> Any:
    """A subscription ten days old, changed to a price that its card does not pay."""
    subscription = shop.subscribe(number) if number != ASKS else subscribe_with_question(shop)
    shop.sandbox.advance(by=timedelta(days=10))
    return shop.v1.subscriptions.update(
        subscription.id, wanted(shop, subscription, shop.price(interval, amount))
    )


def subscribe_with_question(shop: Shop) -> Any:
    """A subscription whose card is asked about each time."""
    session = shop.session()
    shop.sandbox.checkout.pay(session.id, card(ASKS))
    shop.sandbox.checkout.authenticate(session.id, passed=True)
    return shop.subscriptions()[0]


@pytest.mark.parametrize("interval", ["month", "year"])
@pytest.mark.parametrize("number", [FAILS_LATER, ASKS])
def test_a_change_that_is_not_paid_waits_and_nothing_else_moves(
    shop: Shop, number: str, interval: str
) -> None:
    changed = ask(shop, number, interval, 9000)
    assert changed.status == "active"
    assert changed.items.data[0].price.id == shop.price()
    assert changed.pending_update.subscription_items[0].price.id == shop.price(interval, 9000)
    assert (changed.pending_update.billing_cycle_anchor is not None) == (interval == "year")
    invoice = shop.subscription().latest_invoice
    assert changed.pending_update.expires_at == invoice.created + 23 * 3600
    assert (invoice.status, invoice.next_payment_attempt) == ("open", None)
    assert invoice.total > 0


@pytest.mark.parametrize("interval", ["month", "year"])
def test_it_is_made_when_its_bill_is_paid(shop: Shop, interval: str) -> None:
    before = ask(shop, FAILS_LATER, interval, 9000)
    bill = shop.subscription().latest_invoice
    shop.v1.invoices.pay(bill.id, {"payment_method": "pm_card_visa"})
    after = shop.subscription()
    assert (after.pending_update, after.status) == (None, "active")
    assert after.items.data[0].price.id == shop.price(interval, 9000)
    moved = after.items.data[0].current_period_end > before.items.data[0].current_period_end
    assert moved == (interval == "year")
    assert "customer.subscription.pending_update_applied" in shop.events()


def test_after_a_day_it_is_forgotten_and_its_bill_is_void(shop: Shop) -> None:
    ask(shop, FAILS_LATER)
    bill = shop.subscription().latest_invoice.id
    shop.sandbox.advance(by=timedelta(hours=23, minutes=1))
    after = shop.subscription()
    assert (after.pending_update, after.status) == (None, "active")
    assert after.items.data[0].price.id == shop.price()
    assert shop.v1.invoices.retrieve(bill).status == "void"
    assert "customer.subscription.pending_update_expired" in shop.events()


def test_the_period_turns_at_the_old_price_while_a_change_waits(shop: Shop) -> None:
    subscription = shop.subscribe(FAILS_LATER)
    end = subscription.items.data[0].current_period_end
    shop.sandbox.advance(to=datetime.fromtimestamp(end - 12 * 3600, UTC))
    changed = shop.v1.subscriptions.update(
        subscription.id, wanted(shop, subscription, shop.price("month", 2900))
    )
    assert changed.pending_update.expires_at == end
    shop.sandbox.advance(by=timedelta(days=2))
    after = shop.subscription()
    assert after.pending_update is None
    assert after.latest_invoice.total == 900


@pytest.mark.parametrize("how", ["void", "cancel", "change"])
def test_it_gives_way_to_what_comes_after(shop: Shop, how: str) -> None:
    changed = ask(shop, FAILS_LATER)
    bill = shop.subscription().latest_invoice.id
    match how:
        case "void":
            shop.v1.invoices.void_invoice(bill)
        case "cancel":
            shop.v1.subscriptions.cancel(changed.id)
        case "change":
            shop.v1.subscriptions.update(
                changed.id, wanted(shop, changed, shop.price(), proration_behavior="none")
            )
    assert shop.subscription().pending_update is None
    assert shop.v1.invoices.retrieve(bill).status == "void"


def test_a_change_that_is_paid_is_made_at_once(shop: Shop) -> None:
    changed = ask(shop, "4242424242424242")
    assert changed.pending_update is None
    assert changed.items.data[0].price.id == shop.price("month", 2900)
    assert shop.subscription().latest_invoice.status == "paid"


def test_nothing_else_can_be_changed_along_with_it(shop: Shop) -> None:
    subscription = shop.subscribe()
    with pytest.raises(stripe.InvalidRequestError, match="takes no other changes"):
        shop.v1.subscriptions.update(
            subscription.id,
            wanted(shop, subscription, shop.price("month", 2900), cancel_at_period_end=True),
        )


def test_a_change_to_the_same_price_costs_nothing(shop: Shop) -> None:
    subscription = shop.subscribe()
    shop.sandbox.advance(by=timedelta(days=10))
    shop.v1.subscriptions.update(subscription.id, wanted(shop, subscription, shop.price()))
    assert shop.subscription().latest_invoice.total == 0


def test_a_preview_tells_the_credit_that_it_would_use(shop: Shop) -> None:
    subscription = shop.subscribe()
    shop.sandbox.advance(by=timedelta(days=10))
    down = wanted(shop, subscription, shop.price("month", 100))
    shop.v1.subscriptions.update(subscription.id, down)
    credit = shop.v1.customers.retrieve(shop.customer()).balance
    assert credit < 0
    del down["payment_behavior"]
    down["items"][0]["price"] = shop.price("month", 300)
    asked = shop.v1.invoices.create_preview({"subscription": subscription.id, "subscription_details": down})
    assert asked.starting_balance == credit
    assert asked.amount_due == max(asked.total + credit, 0)


@pytest.mark.parametrize(
    ("since", "credit"), [("none", 0), ("now", -600), ("item_current_period_start", -900), (None, -600)]
)
def test_a_pause_credits_what_is_not_used_unless_told_otherwise(
    shop: Shop, since: str | None, credit: int
) -> None:
    subscription = shop.subscribe()
    item = subscription.items.data[0]
    third = (item.current_period_end - item.current_period_start) // 3
    shop.sandbox.advance(by=timedelta(seconds=third))
    facts: dict[str, Any] = {"bill_for": {"unused_time_from": {"type": since}}} if since else {}
    shop.v1.subscriptions.pause(subscription.id, {**facts, "invoicing_behavior": "invoice"})
    assert shop.v1.customers.retrieve(shop.customer()).balance == pytest.approx(credit, abs=1)


def test_a_pause_is_taken_back_within_its_period_without_a_bill(shop: Shop) -> None:
    subscription = shop.subscribe()
    shop.v1.subscriptions.pause(subscription.id, {"bill_for": {"unused_time_from": {"type": "none"}}})
    shop.sandbox.advance(by=timedelta(days=5))
    shop.v1.subscriptions.resume(
        subscription.id, {"billing_cycle_anchor": {"type": "unchanged"}, "proration_behavior": "none"}
    )
    after = shop.subscription()
    assert after.status == "active"
    assert after.items.data[0].current_period_end == subscription.items.data[0].current_period_end
    assert after.latest_invoice.id == subscription.latest_invoice
    shop.sandbox.advance(months=1)
    assert shop.subscription().latest_invoice.total == 900


@pytest.mark.parametrize("pays", ["pays", ""])
def test_resuming_on_success_stays_paused_until_the_bill_is_paid(shop: Shop, pays: str) -> None:
    subscription = shop.subscribe(FAILS_LATER)
    shop.v1.subscriptions.pause(subscription.id, {"bill_for": {"unused_time_from": {"type": "none"}}})
    shop.sandbox.advance(months=3)
    resumed = shop.v1.subscriptions.resume(subscription.id, {"payment_behavior": "resume_on_payment_success"})
    assert (resumed.status, resumed.pending_update) == ("paused", None)
    bill = shop.subscription().latest_invoice
    assert (bill.status, bill.total) == ("open", 900)
    if pays:
        shop.v1.invoices.pay(bill.id, {"payment_method": "pm_card_visa"})
    shop.sandbox.advance(by=timedelta(hours=24))
    after = shop.subscription()
    assert after.status == ("active" if pays else "paused")
    assert after.latest_invoice.status == ("paid" if pays else "void")
    assert (after.items.data[0].current_period_end > shop.sandbox.now().timestamp()) == bool(pays)


def test_resuming_on_success_with_a_good_card_is_at_once(shop: Shop) -> None:
    subscription = shop.subscribe()
    shop.v1.subscriptions.pause(subscription.id)
    shop.sandbox.advance(months=3)
    asked: dict[str, Any] = {"payment_behavior": "resume_on_payment_success"}
    resumed = shop.v1.subscriptions.resume(subscription.id, asked)
    assert (resumed.status, resumed.status_details) == ("active", None)
    assert "customer.subscription.resumed" in shop.events()
