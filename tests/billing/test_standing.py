"""What stands behind a subscription at Stripe, read from its own words."""

from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from paywall.billing.gateway import standing
from paywall.membership.notices import Why


def subscription(**facts: Any) -> stripe.Subscription:
    """A subscription with these facts."""
    plain: dict[str, Any] = {
        "object": "subscription",
        "status": "canceled",
        "ended_at": None,
        "canceled_at": None,
    }
    plain |= {"cancellation_details": None, "customer": "cus_1", "default_payment_method": None}
    found: stripe.Subscription = stripe.Subscription.construct_from(plain | facts, "sk_test_x")
    return found


def card(**facts: Any) -> dict[str, Any]:
    """A card on file."""
    plain: dict[str, Any] = {"brand": "visa", "display_brand": None, "last4": "4242", "fingerprint": "fp1"}
    return {
        "object": "payment_method",
        "id": "pm_1",
        "card": plain | {"exp_month": 8, "exp_year": 2027} | facts,
    }


def details(reason: str | None, feedback: str | None = None) -> dict[str, str | None]:
    return {"reason": reason, "feedback": feedback, "comment": None}


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"status": "active"}, None),
        ({"status": "active", "canceled_at": 50}, None),
        ({"status": "unpaid"}, Why.UNPAID),
        ({"ended_at": 99, "cancellation_details": details("payment_failed")}, Why.UNPAID),
        ({"ended_at": 99, "cancellation_details": details("payment_disputed", "unused")}, Why.DISPUTED),
        (
            {"ended_at": 99, "canceled_at": 50, "cancellation_details": details("cancellation_requested")},
            Why.CANCELLED,
        ),
        (
            {
                "ended_at": 99,
                "canceled_at": 99,
                "cancellation_details": details("cancellation_requested", "unused"),
            },
            Why.CANCELLED,
        ),
        (
            {"ended_at": 99, "canceled_at": 99, "cancellation_details": details("cancellation_requested")},
            Why.STAFF,
        ),
        ({"ended_at": 99, "cancellation_details": details("canceled_by_retention_policy")}, Why.STAFF),
        ({"ended_at": 99, "cancellation_details": details("a word from the future")}, Why.STAFF),
        ({"ended_at": 99}, Why.STAFF),
    ],
)
def test_why_it_ended(facts: dict[str, Any], why: Why | None) -> None:
    assert standing.ended_why(subscription(**facts)) is why


@pytest.mark.parametrize(
    ("month", "year", "ends"),
    [(8, 2027, datetime(2027, 9, 1, tzinfo=UTC)), (12, 2027, datetime(2028, 1, 1, tzinfo=UTC))],
)
def test_a_card_can_be_used_until_its_month_is_over(month: int, year: int, ends: datetime) -> None:
    found = standing.card(subscription(default_payment_method=card(exp_month=month, exp_year=year)))
    assert found is not None
    assert found.ends == ends


def test_the_subscriptions_own_card_comes_first_and_then_its_customers() -> None:
    customer = {"object": "customer", "invoice_settings": {"default_payment_method": card(last4="1881")}}
    own = standing.card(subscription(customer=customer, default_payment_method=card()))
    theirs = standing.card(subscription(customer=customer))
    assert own is not None
    assert theirs is not None
    assert (own.last4, theirs.last4) == ("4242", "1881")


@pytest.mark.parametrize(
    ("method", "key"),
    [
        (card(), "fp1"),
        (card(fingerprint=None), "pm_1"),
        ({"object": "payment_method", "id": "pm_2", "card": None}, None),
        ("pm_not_expanded", None),
        (None, None),
    ],
)
def test_by_what_a_card_is_known(method: Any, key: str | None) -> None:
    found = standing.card(subscription(default_payment_method=method))
    assert (found.key if found else None) == key


@pytest.mark.parametrize(
    ("status", "attempted", "waits"),
    [("open", True, True), ("open", False, False), ("paid", True, False), ("void", True, False)],
)
def test_a_bill_waits_once_its_payment_was_tried(status: str, *, attempted: bool, waits: bool) -> None:
    facts = {"object": "invoice", "id": "in_1", "status": status, "attempted": attempted, "created": 9}
    invoice = stripe.Invoice.construct_from(facts | {"amount_remaining": 500, "currency": "eur"}, "sk_test_x")
    assert (standing.bill(invoice) is not None) is waits
    assert standing.bill("in_1") is None
