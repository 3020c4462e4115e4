"""What happens as time passes: renewals, trials, failed payments, ends."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe

from paywall.sandbox import AfterRetries, Dunning, Sandbox
from tests.sandbox.shop import ASKS_ALWAYS, DECLINED, FAILS_LATER, Shop, card

DAY = 86_400
TWO_HOURS = timedelta(hours=2)


def of(shop: Shop, *beginnings: str) -> list[str]:
    """The types of those events that begin so."""
    return [t for t in shop.events() if t.startswith(beginnings)]


def test_a_renewal_drafts_an_invoice_and_collects_it_an_hour_later(shop: Shop) -> None:
    first = shop.subscribe().items.data[0]
    turn = datetime.fromtimestamp(first.current_period_end, UTC)
    shop.sandbox.advance(to=turn + timedelta(minutes=5))
    waiting = shop.subscription()
    assert (waiting.status, waiting.latest_invoice.status) == ("active", "draft")
    assert waiting.items.data[0].current_period_start == first.current_period_end
    shop.sandbox.advance(by=timedelta(hours=1))
    paid = shop.subscription().latest_invoice
    assert (paid.status, paid.billing_reason, paid.amount_paid) == ("paid", "subscription_cycle", 900)
    assert (paid.created, paid.status_transitions.paid_at) == (
        first.current_period_end,
        first.current_period_end + 3600,
    )
    assert [e.created for e in shop.all_events() if e.type == "invoice.paid"][
        -1
    ] == first.current_period_end + 3600
    line = paid.lines.data[0]
    assert line.pricing.price_details.price == shop.price()
    assert line.parent.subscription_item_details.subscription_item == first.id


def test_three_years_of_renewals_in_one_step_are_36_of_them(shop: Shop) -> None:
    shop.subscribe()
    shop.sandbox.advance(months=36, by=TWO_HOURS)
    invoices = shop.v1.invoices.list({"customer": shop.customer(), "limit": 100}).data
    assert len(invoices) == 37
    assert [i.number[-4:] for i in invoices][::-1] == [f"{n:04}" for n in range(1, 38)]
    assert {i.status for i in invoices} == {"paid"}
    created = [e.created for e in shop.all_events()]
    assert created == sorted(created)


def test_the_clock_only_moves_forward(sandbox: Sandbox) -> None:
    before = sandbox.now()
    assert sandbox.advance(by=timedelta(days=3)) - before >= timedelta(days=3)
    assert sandbox.advance(months=1) - before >= timedelta(days=31)
    with pytest.raises(ValueError, match="only moves forward"):
        sandbox.advance(to=before)


def test_a_trial_warns_and_then_becomes_a_paid_subscription(shop: Shop) -> None:
    subscription = shop.subscribe(subscription_data={"trial_period_days": 14})
    shop.sandbox.advance(by=timedelta(days=10, hours=23))
    assert "customer.subscription.trial_will_end" not in shop.events()
    shop.sandbox.advance(by=TWO_HOURS)
    assert "customer.subscription.trial_will_end" in shop.events()
    shop.sandbox.advance(by=timedelta(days=2, hours=23, minutes=30))
    now = shop.subscription()
    assert (now.status, now.latest_invoice.status) == ("active", "draft")
    assert now.items.data[0].current_period_start == subscription.trial_end
    shop.sandbox.advance(by=TWO_HOURS)
    assert shop.subscription().latest_invoice.amount_paid == 900


@pytest.mark.parametrize(
    ("behavior", "status", "event"),
    [
        ("cancel", "canceled", "customer.subscription.deleted"),
        ("pause", "paused", "customer.subscription.paused"),
        ("create_invoice", "past_due", "invoice.payment_failed"),
    ],
)
def test_a_trial_without_a_card_ends_as_it_was_set(
    shop: Shop, behavior: str, status: str, event: str
) -> None:
    settings = {"end_behavior": {"missing_payment_method": behavior}}
    trial = {"trial_period_days": 3, "trial_settings": settings}
    session = shop.session(subscription_data=trial, payment_method_collection="if_required")
    shop.sandbox.checkout.pay(session.id, None)
    shop.sandbox.advance(by=timedelta(days=3, hours=2))
    assert (shop.subscription().status, event in shop.events()) == (status, True)
    if status == "paused":
        why = shop.subscription().status_details.paused
        assert why.subscription.type == "trial_end_without_payment_method"


def test_a_card_that_fails_later_is_tried_four_times_and_then_it_is_over(shop: Shop) -> None:
    shop.subscribe(FAILS_LATER)
    shop.sandbox.advance(months=1, by=TWO_HOURS)
    behind = shop.subscription()
    assert (behind.status, behind.latest_invoice.status, behind.latest_invoice.attempt_count) == (
        "past_due",
        "open",
        1,
    )
    assert behind.latest_invoice.hosted_invoice_url.endswith(behind.latest_invoice.id)
    assert behind.latest_invoice.next_payment_attempt - behind.latest_invoice.created == 3600 + 3 * DAY
    for days, attempts in ((3, 2), (5, 3)):
        shop.sandbox.advance(by=timedelta(days=days))
        assert shop.subscription().latest_invoice.attempt_count == attempts
    shop.sandbox.advance(by=timedelta(days=7))
    over = shop.subscription()
    assert (over.status, over.cancellation_details.reason) == ("canceled", "payment_failed")
    assert (over.latest_invoice.status, over.latest_invoice.attempt_count) == ("open", 4)
    assert (over.latest_invoice.auto_advance, over.latest_invoice.next_payment_attempt) == (False, None)
    assert shop.events().count("invoice.payment_failed") == 4
    shop.sandbox.advance(months=2)
    assert shop.subscription().latest_invoice.id == over.latest_invoice.id


def test_the_last_retry_can_pause(shop: Shop) -> None:
    shop.sandbox.dunning = Dunning(days=(), end=AfterRetries.PAUSE)
    shop.subscribe(FAILS_LATER)
    shop.sandbox.advance(months=1, by=timedelta(days=2))
    assert shop.subscription().status_details.paused.subscription.type == "final_payment_failure"


@pytest.mark.parametrize("end", [AfterRetries.UNPAID, AfterRetries.PAST_DUE])
def test_what_follows_the_last_retry_can_be_set(shop: Shop, end: AfterRetries) -> None:
    shop.sandbox.dunning = Dunning(days=(1,), end=end)
    assert shop.sandbox.dunning == Dunning(days=(1,), end=end)
    shop.subscribe(FAILS_LATER)
    shop.sandbox.advance(months=1, by=timedelta(days=2))
    assert shop.subscription().status == end
    shop.sandbox.advance(months=1, by=TWO_HOURS)
    later = shop.subscription().latest_invoice
    assert (later.status, later.auto_advance) == (("draft", False) if end == "unpaid" else ("open", True))


def test_a_new_card_brings_it_back(shop: Shop) -> None:
    shop.subscribe(FAILS_LATER)
    shop.sandbox.advance(months=1, by=TWO_HOURS)
    invoice = shop.subscription().latest_invoice
    assert shop.sandbox.invoices.pay_hosted(invoice.id, card(DECLINED)).state == "declined"
    assert shop.subscription().latest_invoice.next_payment_attempt == invoice.next_payment_attempt
    assert shop.sandbox.invoices.pay_hosted(invoice.id, card()).state == "complete"
    back = shop.subscription()
    assert (back.status, back.latest_invoice.status) == ("active", "paid")
    assert of(shop, "customer.subscription.")[-1] == "customer.subscription.updated"
    assert shop.sandbox.invoices.pay_hosted(invoice.id, card()).state == "complete"


def test_a_renewal_that_needs_the_bank(shop: Shop) -> None:
    session = shop.session()
    shop.sandbox.checkout.pay(session.id, card(ASKS_ALWAYS))
    shop.sandbox.checkout.authenticate(session.id, passed=True)
    shop.sandbox.advance(months=1, by=TWO_HOURS)
    waiting = shop.subscription()
    assert (waiting.status, "invoice.payment_action_required" in shop.events()) == ("past_due", True)
    expand = {"expand": ["payments.data.payment.payment_intent", "confirmation_secret"]}
    invoice = shop.v1.invoices.retrieve(waiting.latest_invoice.id, expand)
    intent = invoice.payments.data[0].payment.payment_intent
    assert (intent.status, invoice.confirmation_secret.client_secret) == (
        "requires_action",
        intent.client_secret,
    )
    hosted = shop.sandbox.invoices
    assert hosted.open(invoice.id)["amount_due"] == 900
    assert hosted.pay_hosted(invoice.id, None).state == "requires_action"
    assert hosted.authenticate(invoice.id, passed=False).state == "declined"
    assert hosted.pay_hosted(invoice.id, card(ASKS_ALWAYS)).state == "requires_action"
    assert hosted.authenticate(invoice.id, passed=True).state == "complete"
    assert shop.subscription().status == "active"


def test_cancel_at_period_end_by_the_boolean(shop: Shop) -> None:
    subscription = shop.subscribe()
    planned = shop.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    assert (planned.cancel_at_period_end, planned.cancel_at, planned.status) == (True, None, "active")
    assert planned.cancellation_details.reason == "cancellation_requested"
    kept = shop.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": False})
    assert (kept.cancel_at_period_end, kept.canceled_at) == (False, None)
    shop.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    shop.sandbox.advance(months=1, by=TWO_HOURS)
    over = shop.subscription()
    assert (over.status, over.ended_at) == ("canceled", subscription.items.data[0].current_period_end)
    assert len(shop.v1.invoices.list({"subscription": subscription.id}).data) == 1


def test_in_classic_mode_the_boolean_comes_with_an_instant(shop: Shop) -> None:
    subscription = shop.subscribe(subscription_data={"billing_mode": {"type": "classic"}})
    planned = shop.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    assert planned.cancel_at == subscription.items.data[0].current_period_end
    shop.sandbox.advance(months=1)
    assert shop.subscription().status == "canceled"


def test_cancel_at_an_instant_of_choice(shop: Shop) -> None:
    subscription = shop.subscribe()
    at = int(shop.sandbox.now().timestamp()) + 5 * DAY
    assert shop.v1.subscriptions.update(subscription.id, {"cancel_at": at}).cancel_at == at
    assert shop.v1.subscriptions.update(subscription.id, {"cancel_at": ""}).cancel_at is None
    assert (
        shop.v1.subscriptions.update(subscription.id, {"cancel_at": "min_period_end"}).cancel_at is not None
    )
    shop.v1.subscriptions.update(subscription.id, {"cancel_at": at})
    shop.sandbox.advance(by=timedelta(days=6))
    assert (shop.subscription().status, shop.subscription().ended_at) == ("canceled", at)
    with pytest.raises(stripe.InvalidRequestError, match="canceled subscription can only update"):
        shop.v1.subscriptions.update(subscription.id, {"cancel_at": at + DAY})
    said = {"cancellation_details": {"comment": "late"}}
    assert shop.v1.subscriptions.update(subscription.id, said).cancellation_details.comment == "late"


def test_an_end_in_the_past_is_refused(shop: Shop) -> None:
    subscription = shop.subscribe()
    for facts in ({"cancel_at": 5}, {"trial_end": 5}):
        with pytest.raises(stripe.InvalidRequestError, match="in the future"):
            shop.v1.subscriptions.update(subscription.id, facts)


def test_cancel_at_once(shop: Shop) -> None:
    subscription = shop.subscribe()
    over = shop.v1.subscriptions.cancel(subscription.id, {"cancellation_details": {"comment": "Bye"}})
    assert (over.status, over.cancellation_details.comment) == ("canceled", "Bye")
    assert shop.events()[-1] == "customer.subscription.deleted"
    with pytest.raises(stripe.InvalidRequestError, match="No such subscription"):
        shop.v1.subscriptions.cancel(subscription.id)
    assert shop.v1.subscriptions.retrieve(subscription.id).status == "canceled"


def test_cancelling_between_draft_and_payment_stops_the_collection(shop: Shop) -> None:
    subscription = shop.subscribe()
    end = datetime.fromtimestamp(subscription.items.data[0].current_period_end, UTC)
    shop.sandbox.advance(to=end + timedelta(minutes=1))
    shop.v1.subscriptions.cancel(subscription.id)
    shop.sandbox.advance(by=TWO_HOURS)
    assert shop.subscription().latest_invoice.status == "draft"


def test_which_subscriptions_a_list_shows(shop: Shop) -> None:
    gone = shop.subscribe()
    shop.v1.subscriptions.cancel(gone.id)
    live = shop.subscribe()
    asked: list[tuple[dict[str, Any], list[str]]] = [
        ({}, [live.id]),
        ({"status": "all"}, [live.id, gone.id]),
        ({"status": "ended"}, [gone.id]),
        ({"status": "active"}, [live.id]),
        ({"status": "past_due"}, []),
        ({"price": shop.price(), "status": "all"}, [live.id, gone.id]),
        ({"price": "price_other"}, []),
        ({"customer": shop.customer(), "collection_method": "charge_automatically"}, [live.id]),
    ]
    for params, found in asked:
        assert [s.id for s in shop.v1.subscriptions.list(params)] == found
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        shop.v1.subscriptions.list({"customer": "cus_none"})


def test_pause_and_resume(shop: Shop) -> None:
    subscription = shop.subscribe()
    paused = shop.v1.subscriptions.pause(subscription.id, {"type": "subscription"})
    assert (paused.status, paused.status_details.paused.subscription.type) == ("paused", "pause_requested")
    shop.sandbox.advance(months=2)
    assert len(shop.v1.invoices.list({"subscription": subscription.id}).data) == 1
    resumed = shop.v1.subscriptions.resume(subscription.id)
    assert (resumed.status, resumed.status_details) == ("active", None)
    assert shop.subscription().latest_invoice.status == "paid"
    assert "customer.subscription.resumed" in shop.events()
    with pytest.raises(stripe.InvalidRequestError, match="paused"):
        shop.v1.subscriptions.resume(subscription.id)
    shop.v1.subscriptions.cancel(subscription.id)
    with pytest.raises(stripe.InvalidRequestError, match="can be paused"):
        shop.v1.subscriptions.pause(subscription.id, {"type": "subscription"})


@pytest.mark.parametrize(
    ("behavior", "status"),
    [("keep_as_draft", "draft"), ("void", "void"), ("mark_uncollectible", "uncollectible")],
)
def test_paused_collection(shop: Shop, behavior: str, status: str) -> None:
    subscription = shop.subscribe()
    wanted: dict[str, Any] = {"behavior": behavior}
    shop.v1.subscriptions.update(subscription.id, {"pause_collection": wanted})
    shop.sandbox.advance(months=1, by=TWO_HOURS)
    assert (shop.subscription().status, shop.subscription().latest_invoice.status) == ("active", status)
    resumes = int(shop.sandbox.now().timestamp()) + DAY
    shop.v1.subscriptions.update(subscription.id, {"pause_collection": {**wanted, "resumes_at": resumes}})
    shop.sandbox.advance(by=timedelta(days=2))
    assert shop.subscription().pause_collection is None
    shop.v1.subscriptions.update(subscription.id, {"pause_collection": ""})


def test_a_change_of_plan_is_prorated(shop: Shop) -> None:
    subscription = shop.subscribe()
    item = subscription.items.data[0]
    half = (item.current_period_start + item.current_period_end) // 2
    shop.sandbox.advance(to=datetime.fromtimestamp(half, UTC))
    dear = shop.price(amount=1900)
    wanted = {"items": [{"id": item.id, "price": dear}], "proration_behavior": "always_invoice"}
    preview = {"subscription": subscription.id, "subscription_details": wanted}
    asked = shop.v1.invoices.create_preview(preview)
    assert asked.id.startswith("upcoming_in_")
    assert shop.subscription().items.data[0].price.id == shop.price()
    changed = shop.v1.subscriptions.update(subscription.id, wanted)
    assert changed.items.data[0].price.id == dear
    invoice = shop.subscription().latest_invoice
    assert (invoice.billing_reason, invoice.status) == ("subscription_update", "paid")
    assert abs(invoice.total - 500) <= 1
    assert invoice.total == asked.total
    assert [line.parent.subscription_item_details.proration for line in invoice.lines.data] == [True, True]
    was = next(
        e for e in shop.all_events() if e.type == "customer.subscription.updated"
    ).data.previous_attributes
    assert was["items"].data[0].price.id == shop.price()


def test_a_proration_waits_for_the_next_invoice_unless_told_otherwise(shop: Shop) -> None:
    subscription = shop.subscribe()
    shop.sandbox.advance(by=timedelta(days=10))
    wanted = [{"id": subscription.items.data[0].id, "price": shop.price(amount=1900)}]
    shop.v1.subscriptions.update(subscription.id, {"items": wanted})
    upcoming = shop.v1.invoices.create_preview({"subscription": subscription.id})
    assert shop.subscription().latest_invoice.total == 900
    shop.sandbox.advance(months=1)
    assert shop.subscription().latest_invoice.total == upcoming.total > 1900
    back = [{"id": subscription.items.data[0].id, "price": shop.price()}]
    shop.v1.subscriptions.update(subscription.id, {"items": back, "proration_behavior": "none"})
    shop.sandbox.advance(months=1)
    assert shop.subscription().latest_invoice.total == 900


def test_a_proration_is_reckoned_for_the_instant_that_was_asked_for(shop: Shop) -> None:
    subscription = shop.subscribe()
    shop.sandbox.advance(by=timedelta(days=10))
    item, then = subscription.items.data[0], int(shop.sandbox.now().timestamp())
    wanted: Any = {"items": [{"id": item.id, "quantity": 3}], "proration_behavior": "always_invoice"}
    wanted["proration_date"] = then
    asked = shop.v1.invoices.create_preview({"subscription": subscription.id, "subscription_details": wanted})
    shop.sandbox.advance(by=timedelta(hours=5))
    shop.v1.subscriptions.update(subscription.id, wanted)
    invoice = shop.subscription().latest_invoice
    assert invoice.total == asked.total > 0
    assert {line.period.start for line in invoice.lines.data} == {then}
    wanted["proration_date"] = item.current_period_end + 1
    with pytest.raises(stripe.InvalidRequestError, match="outside of current subscription period"):
        shop.v1.subscriptions.update(subscription.id, wanted)


def test_a_change_that_is_an_error_if_not_paid_leaves_nothing_behind(shop: Shop) -> None:
    subscription = shop.subscribe("4000000000000341")
    shop.sandbox.advance(by=timedelta(days=10))
    before = len(shop.all_events())
    wanted: Any = {"items": [{"id": subscription.items.data[0].id, "quantity": 3}]}
    wanted |= {"proration_behavior": "always_invoice", "payment_behavior": "error_if_incomplete"}
    with pytest.raises(stripe.CardError) as refused:
        shop.v1.subscriptions.update(subscription.id, wanted)
    assert refused.value.http_status == 402
    assert shop.subscription().items.data[0].quantity == 1
    assert shop.subscription().status == "active"
    assert len(shop.all_events()) == before


def test_a_move_to_another_rhythm_starts_a_new_period(shop: Shop) -> None:
    subscription = shop.subscribe()
    shop.sandbox.advance(by=timedelta(days=10))
    item = shop.v1.subscription_items.list({"subscription": subscription.id}).data[0]
    preview = {"items": [{"id": item.id, "price": shop.price("year", 9000)}]}
    asked = shop.v1.invoices.create_preview(
        {"subscription": subscription.id, "subscription_details": preview}
    )
    changed = shop.v1.subscription_items.update(item.id, {"price": shop.price("year", 9000)})
    assert changed.current_period_end - changed.current_period_start in (365 * DAY, 366 * DAY)
    invoice = shop.subscription().latest_invoice
    assert (invoice.total, invoice.status) == (asked.total, "paid")
    assert 8300 < invoice.total < 8500
    assert shop.v1.subscription_items.retrieve(item.id).price.recurring.interval == "year"


def test_credit_left_from_a_cheaper_plan_pays_the_next_invoice(shop: Shop) -> None:
    subscription = shop.subscribe(line_items=[{"price": shop.price(amount=1900), "quantity": 1}])
    item = subscription.items.data[0]
    cheaper = {"items": [{"id": item.id, "price": shop.price()}], "proration_behavior": "always_invoice"}
    shop.sandbox.advance(by=timedelta(days=1))
    shop.v1.subscriptions.update(subscription.id, cheaper)
    credit = -shop.v1.customers.retrieve(shop.customer()).balance
    assert (credit > 900, shop.subscription().latest_invoice.amount_due) == (True, 0)
    shop.sandbox.advance(months=1)
    paid = shop.subscription().latest_invoice
    assert (paid.total, paid.amount_due, paid.starting_balance) == (900, max(0, 900 - credit), -credit)


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([{"price": "price_x"}], "name one by `id`"),
        ([{"id": "si_none"}], "No such subscription_item"),
    ],
)
def test_items_that_cannot_be_changed(shop: Shop, items: list[dict[str, str]], message: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=message):
        shop.v1.subscriptions.update(shop.subscribe().id, {"items": items})


def test_an_item_of_another_subscription(shop: Shop) -> None:
    first, second = shop.subscribe(), shop.subscribe()
    with pytest.raises(stripe.InvalidRequestError, match="another subscription"):
        shop.v1.subscriptions.update(first.id, {"items": [{"id": second.items.data[0].id}]})


def test_a_trial_can_be_ended_or_moved(shop: Shop) -> None:
    subscription = shop.subscribe(subscription_data={"trial_period_days": 14})
    later = subscription.trial_end + 7 * DAY
    moved = shop.v1.subscriptions.update(subscription.id, {"trial_end": later})
    assert (moved.status, moved.trial_end, moved.items.data[0].current_period_end) == (
        "trialing",
        later,
        later,
    )
    ended = shop.v1.subscriptions.update(subscription.id, {"trial_end": "now"})
    assert ended.status == "active"
    assert shop.subscription().latest_invoice.amount_paid == 900


def test_facts_of_a_subscription_can_be_changed(shop: Shop) -> None:
    trial = {"trial_period_days": 5, "trial_settings": {"end_behavior": {"missing_payment_method": "pause"}}}
    subscription = shop.subscribe(subscription_data=trial)
    facts = {"metadata": {"a": "b"}, "description": "x", "trial_settings": trial["trial_settings"]}
    changed = shop.v1.subscriptions.update(subscription.id, facts)
    assert (changed.metadata["a"], changed.description) == ("b", "x")
    coupon = shop.v1.coupons.create({"amount_off": 100, "currency": "eur", "duration": "forever"})
    cheaper = shop.v1.subscriptions.update(subscription.id, {"discounts": [{"coupon": coupon.id}]})
    kept = shop.v1.subscriptions.update(subscription.id, {"discounts": [{"discount": cheaper.discounts[0]}]})
    assert kept.discounts == cheaper.discounts
    shop.sandbox.advance(months=2)
    assert shop.subscription().latest_invoice.total == 800
    assert shop.v1.subscriptions.update(subscription.id, {"discounts": ""}).discounts == []


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (datetime(2027, 1, 31, 12, tzinfo=UTC), ["2027-02-28", "2027-03-31", "2027-04-30"]),
        (datetime(2028, 1, 30, 12, tzinfo=UTC), ["2028-02-29", "2028-03-30", "2028-04-30"]),
    ],
)
def test_periods_keep_their_day_through_short_months(
    shop: Shop, start: datetime, expected: list[str]
) -> None:
    shop.sandbox.advance(to=start)
    shop.subscribe()
    ends = []
    for _ in expected:
        end = shop.subscription().items.data[0].current_period_end
        ends.append(f"{datetime.fromtimestamp(end, UTC):%Y-%m-%d}")
        shop.sandbox.advance(to=datetime.fromtimestamp(end, UTC) + TWO_HOURS)
    assert ends == expected


@pytest.mark.parametrize("interval", ["day", "week"])
def test_short_rhythms(shop: Shop, interval: str) -> None:
    shop.subscribe(line_items=[{"price": shop.price(interval), "quantity": 2}])
    shop.sandbox.advance(by=timedelta(days=15))
    paid = shop.v1.invoices.list({"customer": shop.customer(), "limit": 100}).data
    assert len(paid) == {"day": 16, "week": 3}[interval]
    assert {i.total for i in paid} == {1800}
