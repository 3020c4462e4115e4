"""What became of money paid once: which dispute counts, and when a period was given back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from paywall.billing.cashbook import rules
from paywall.billing.cashbook.facts import (
    DisputeFacts,
    Entries,
    InvoiceFacts,
    LineFacts,
    PaymentFacts,
    RefundFacts,
)
from paywall.billing.remote import RemoteSubscription
from paywall.membership.rules import Interval, Status
from paywall.money import Money

START = datetime(2026, 10, 5, tzinfo=UTC)
END = datetime(2026, 11, 5, tzinfo=UTC)
LATER = START + timedelta(days=9)
HELD = RemoteSubscription(
    id="sub_1",
    customer="cus_1",
    price_id="price_1",
    product_id="prod_1",
    status=Status.ACTIVE,
    price=Money(500, "eur"),
    interval=Interval.MONTH,
    started_at=START,
    period_start=START,
    period_end=END,
    trial_end=None,
    cancel_at=None,
    ended_at=None,
    unpaid_since=None,
    feedback=None,
)
LINE = LineFacts("il_1", "in_1", "price_1", 500, "eur", False, START, END)
BILL = InvoiceFacts(
    stripe_id="in_1",
    customer="cus_1",
    subscription="sub_1",
    number="A-1",
    status="paid",
    reason="subscription_cycle",
    amount=500,
    discount=0,
    tax=0,
    amount_due=500,
    amount_paid=500,
    amount_remaining=0,
    amount_off_stripe=0,
    currency="eur",
    made_at=START,
    paid_at=START + timedelta(hours=1),
    period_start=START,
    period_end=END,
    page_url=None,
    pdf_url=None,
    lines=(LINE,),
)
PAID = PaymentFacts(
    "ch_1", "cus_1", "pi_1", "in_1", 500, 500, "eur", "succeeded", None, False, "txn_1", START
)
BACK = RefundFacts("re_1", "ch_1", 500, "eur", "succeeded", None, None, "txn_2", LATER)
CLAIM = DisputeFacts("du_1", "ch_1", 500, -500, "eur", "needs_response", "fraudulent", LATER, None, None)
BOOKS = Entries(invoices=(BILL,), payments=(PAID,), refunds=(BACK,))


def marked(entries: Entries, held: RemoteSubscription = HELD) -> RemoteSubscription:
    """One subscription with what was disputed and refunded."""
    return rules.marked([held], entries)[0]


class TestDisputes:
    @pytest.mark.parametrize(
        ("status", "stands"),
        [
            ("needs_response", True),
            ("under_review", True),
            ("appeal_needs_response", True),
            ("appeal_under_review", True),
            ("lost", True),
            ("a word that Stripe invents", True),
            ("won", False),
            ("prevented", False),
            ("warning_needs_response", False),
            ("warning_under_review", False),
            ("warning_closed", False),
        ],
    )
    def test_one_that_is_open_or_lost_stands(self, status: str, *, stands: bool) -> None:
        assert rules.stands(status) is stands
        found = marked(replace(BOOKS, disputes=(replace(CLAIM, status=status),)))
        assert found.disputed_at == (LATER if stands else None)

    def test_the_latest_counts(self) -> None:
        earlier = replace(CLAIM, stripe_id="du_0", opened_at=START)
        assert marked(replace(BOOKS, disputes=(CLAIM, earlier))).disputed_at == LATER

    @pytest.mark.parametrize(
        "entries",
        [
            replace(BOOKS, payments=(replace(PAID, invoice=None),)),
            replace(BOOKS, invoices=(replace(BILL, subscription="sub_2"),)),
            replace(BOOKS, invoices=(replace(BILL, subscription=None),)),
        ],
    )
    def test_one_on_another_payment_does_not(self, entries: Entries) -> None:
        assert marked(replace(entries, disputes=(CLAIM,))).disputed_at is None


class TestRefunds:
    def test_the_present_period_was_given_back_whole(self) -> None:
        assert marked(BOOKS).refunded_at == LATER

    def test_in_two_parts_the_last_one_tells_when(self) -> None:
        parts = (replace(BACK, amount=200, made_at=START), replace(BACK, stripe_id="re_2", amount=300))
        assert marked(replace(BOOKS, refunds=parts)).refunded_at == LATER

    @pytest.mark.parametrize(
        "entries",
        [
            pytest.param(replace(BOOKS, payments=(replace(PAID, refunded=499),)), id="a cent was kept"),
            pytest.param(replace(BOOKS, payments=(replace(PAID, refunded=0),)), id="none"),
            pytest.param(replace(BOOKS, payments=()), id="nothing was paid by way of Stripe"),
            pytest.param(replace(BOOKS, invoices=()), id="no invoice"),
            pytest.param(replace(BOOKS, invoices=(replace(BILL, status="open"),)), id="not paid"),
            pytest.param(
                replace(BOOKS, invoices=(replace(BILL, lines=(replace(LINE, period_start=LATER),)),)),
                id="another period",
            ),
            pytest.param(
                replace(BOOKS, invoices=(replace(BILL, lines=(replace(LINE, is_proration=True),)),)),
                id="a change within the period",
            ),
            pytest.param(replace(BOOKS, invoices=(replace(BILL, subscription="sub_2"),)), id="another's"),
        ],
    )
    def test_else_it_was_not(self, entries: Entries) -> None:
        assert marked(entries).refunded_at is None

    def test_a_refund_that_failed_does_not_tell_when(self) -> None:
        failed = replace(BACK, stripe_id="re_2", status="failed", made_at=END)
        assert marked(replace(BOOKS, refunds=(BACK, failed))).refunded_at == LATER

    def test_without_the_refunds_the_payment_tells_when(self) -> None:
        assert marked(replace(BOOKS, refunds=())).refunded_at == BILL.paid_at

    def test_two_payments_of_one_invoice_must_both_be_given_back(self) -> None:
        second = replace(PAID, stripe_id="ch_2", amount=200, refunded=0)
        first = replace(PAID, amount=300, refunded=300)
        assert marked(replace(BOOKS, payments=(first, second))).refunded_at is None
        both = (first, replace(second, refunded=200))
        assert marked(replace(BOOKS, payments=both)).refunded_at == LATER


def bill(number: int, *, is_owed: bool, subscription: str = "sub_1") -> InvoiceFacts:
    """The bill of a month, counted from the first."""
    made_at = START + timedelta(days=30 * number)
    name = f"in_{subscription}_{number}"
    return replace(BILL, stripe_id=name, subscription=subscription, made_at=made_at, is_owed=is_owed)


@pytest.mark.parametrize(
    ("owed", "first"),
    [
        ([], None),
        ([False], None),
        ([True], 0),
        ([False, True], 1),
        ([False, True, True, True], 1),
        ([True, False, True], 2),
        ([True, True, False], None),
    ],
)
def test_a_failure_counts_from_the_first_bill_owed_since_the_last_that_was_not(
    owed: list[bool], first: int | None
) -> None:
    bills = [bill(number, is_owed=is_owed) for number, is_owed in enumerate(owed)]
    others = [bill(number, is_owed=number == 0, subscription="sub_2") for number in range(5)]
    found = rules.marked([HELD], Entries(invoices=(*others, *bills)))[0].unpaid_since
    assert found == (None if first is None else START + timedelta(days=30 * first))
