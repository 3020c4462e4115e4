"""What is rehearsed: lives of a customer, told in what the API alone can do."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from paywall.sandbox.stage import Stage


@dataclass(frozen=True)
class Scenario:
    """`depends_on`: a setting of the account that decides the outcome; differences are told, not counted."""

    name: str
    play: Callable[[Stage], None]
    depends_on: str = ""


def _joins_and_renews(stage: Stage) -> None:
    stage.card()
    stage.join()
    stage.look("joined")
    for month in ("one", "two"):
        stage.advance(days=31, hours=3)
        stage.look(f"after month {month}")


def _trial_turns_into_payment(stage: Stage) -> None:
    stage.card()
    stage.join(trial_period_days=7)
    stage.look("in the trial")
    stage.advance(days=7, hours=3)
    stage.look("after the trial")


def _trial_without_card(stage: Stage, behavior: str) -> None:
    stage.join(trial_period_days=7, trial_settings={"end_behavior": {"missing_payment_method": behavior}})
    stage.advance(days=7, hours=3)
    stage.look("after the trial")


def _renewal_fails_and_recovers(stage: Stage) -> None:
    stage.card()
    stage.join()
    stage.card("pm_card_chargeCustomerFail")
    stage.advance(days=31, hours=3)
    stage.look("failed")
    stage.card()
    stage.v1.invoices.pay(stage.held().latest_invoice.id)
    stage.look("paid with another card")


def _renewal_fails_for_good(stage: Stage) -> None:
    stage.card()
    stage.join()
    stage.card("pm_card_chargeCustomerFail")
    stage.advance(days=31, hours=3)
    stage.advance(days=28)
    stage.look("after the last try")


def _renewal_asks_for_3d_secure(stage: Stage) -> None:
    stage.card()
    stage.join()
    stage.card("pm_card_authenticationRequired")
    stage.advance(days=31, hours=3)
    stage.look("waits for the reader")


def _cancels_and_comes_back(stage: Stage) -> None:
    stage.card()
    stage.join()
    stage.change(cancel_at_period_end=True)
    stage.look("will end")
    stage.change(cancel_at_period_end=False)
    stage.look("goes on")
    stage.change(cancel_at_period_end=True, cancellation_details={"feedback": "too_expensive"})
    stage.advance(days=32)
    stage.look("ended")


def _ends_on_a_date(stage: Stage) -> None:
    stage.card()
    stage.join()
    stage.change(cancel_at=stage.start + 10 * 86400, proration_behavior="none")
    stage.look("will end")
    stage.advance(days=11)
    stage.look("ended")


def _changes_to_a_dearer_price(stage: Stage) -> None:
    stage.card()
    stage.join()
    stage.advance(days=10)
    item = stage.held()["items"].data[0].id
    stage.change(
        items=[{"id": item, "price": stage.prices["dear"]}],
        proration_behavior="always_invoice",
        proration_date=stage.now,
    )
    stage.look("changed")


def _waits_for_its_bill(stage: Stage) -> None:
    stage.card()
    stage.join()
    stage.advance(days=10)
    stage.card("pm_card_chargeCustomerFail")
    wanted: dict[str, Any] = {
        "items": [{"id": stage.held()["items"].data[0].id, "price": stage.prices["dear"]}],
        "proration_behavior": "always_invoice",
        "proration_date": stage.now,
    }
    about: Any = {"subscription": stage.subscription, "subscription_details": wanted}
    stage.note("a preview", lambda: stage.v1.invoices.create_preview(about).amount_due)
    stage.change(**wanted, payment_behavior="pending_if_incomplete")
    stage.look("not paid")
    stage.advance(days=1)
    stage.look("forgotten")
    stage.change(**wanted, payment_behavior="pending_if_incomplete")
    stage.card()
    stage.v1.invoices.pay(stage.held().latest_invoice.id)
    stage.look("paid with another card")


def _takes_a_pause(stage: Stage) -> None:
    stage.card()
    stage.join()
    kept: Any = {"type": "subscription", "bill_for": {"unused_time_from": {"type": "none"}}}
    stage.v1.subscriptions.pause(stage.subscription, kept)
    stage.look("paused")
    stage.advance(days=5)
    same: Any = {"billing_cycle_anchor": {"type": "unchanged"}, "proration_behavior": "none"}
    stage.v1.subscriptions.resume(stage.subscription, same)
    stage.look("goes on in the same period")
    stage.v1.subscriptions.pause(stage.subscription, kept)
    stage.advance(days=60)
    stage.look("paused over two renewals")
    stage.v1.subscriptions.resume(stage.subscription, {"payment_behavior": "resume_on_payment_success"})
    stage.look("goes on in a new period")


def _pauses_collection(stage: Stage) -> None:
    stage.card()
    stage.join()
    stage.change(pause_collection={"behavior": "void"})
    stage.advance(days=32)
    stage.look("paused over a renewal")
    stage.change(pause_collection="")
    stage.look("goes on")


def _is_refunded(stage: Stage) -> None:
    stage.card()
    stage.join()
    payment = stage.held().latest_invoice.payments.data[0].payment.payment_intent
    stage.v1.refunds.create({"payment_intent": payment})
    stage.look("refunded")


def _is_disputed(stage: Stage) -> None:
    stage.card("pm_card_createDispute")
    stage.join()
    stage.look("disputed")
    stage.note("disputes", lambda: [one.status for one in _disputes(stage)])


def _disputes(stage: Stage) -> list[Any]:
    payment = stage.held().latest_invoice.payments.data[0].payment.payment_intent
    return list(stage.v1.disputes.list({"payment_intent": payment}).data)


def _pays_with_a_coupon(stage: Stage) -> None:
    stage.card()
    coupon = stage.v1.coupons.create({"percent_off": 20, "duration": "once"})
    stage.join(discounts=[{"coupon": coupon.id}])
    stage.look("joined for less")
    stage.advance(days=31, hours=3)
    stage.look("at full price")
    stage.v1.coupons.delete(coupon.id)


def _is_deleted(stage: Stage) -> None:
    stage.card()
    stage.join()
    stage.v1.customers.delete(stage.customer)
    customer = stage.customer
    stage.note("the customer", lambda: bool(getattr(stage.v1.customers.retrieve(customer), "deleted", False)))
    stage.note("the subscription", lambda: stage.held().status)
    asked = {"customer": customer, "status": "all"}
    stage.note("a list of subscriptions", lambda: len(stage.v1.subscriptions.list(asked).data))


def _says_the_same_twice(stage: Stage) -> None:
    same = {"idempotency_key": f"rehearsal:{stage.clock}"}
    make = stage.v1.customers.create
    first = make({"test_clock": stage.clock}, same).id
    stage.note("the same again", lambda: make({"test_clock": stage.clock}, same).id == first)
    stage.note("other words", lambda: make({"test_clock": stage.clock, "name": "Ada"}, same).id == first)


SCENARIOS = (
    Scenario("joins and renews twice", _joins_and_renews),
    Scenario("a trial turns into a payment", _trial_turns_into_payment),
    Scenario("a trial without a card, to be cancelled", lambda stage: _trial_without_card(stage, "cancel")),
    Scenario("a trial without a card, to be paused", lambda stage: _trial_without_card(stage, "pause")),
    Scenario("a renewal fails and is paid later", _renewal_fails_and_recovers),
    Scenario("a renewal fails for good", _renewal_fails_for_good, "Billing > Revenue recovery > Retries"),
    Scenario("a renewal asks for 3-D Secure", _renewal_asks_for_3d_secure),
    Scenario("cancels, comes back, cancels", _cancels_and_comes_back),
    Scenario("ends on a date", _ends_on_a_date),
    Scenario("changes to a dearer price", _changes_to_a_dearer_price),
    Scenario("a dearer price waits for its payment", _waits_for_its_bill),
    Scenario("takes a pause", _takes_a_pause),
    Scenario("pauses collection", _pauses_collection),
    Scenario("is refunded", _is_refunded),
    Scenario("is disputed", _is_disputed),
    Scenario("pays with a coupon", _pays_with_a_coupon),
    Scenario("is deleted", _is_deleted),
    Scenario("says the same twice", _says_the_same_twice),
)
