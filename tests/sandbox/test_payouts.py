"""Payouts and what moves money late: refunds that wait or fail, inquiries that move nothing."""

from datetime import UTC, datetime, timedelta

import pytest

from paywall.sandbox import Rhythm, SandboxError
from tests.sandbox.shop import DISPUTED, INQUIRED, REFUND_FAILS, REFUND_WAITS, Shop

FEE = round(900 * 0.015) + 25


def money(shop: Shop) -> tuple[int, int]:
    """What is available, and what waits."""
    balance = shop.v1.balance.retrieve()
    available, pending = (part[0].amount if part else 0 for part in (balance.available, balance.pending))
    return available, pending


def told(shop: Shop) -> list[str]:
    """What events told of payouts."""
    return [type.partition(".")[2] for type in shop.events() if type.startswith("payout.")]


def test_money_is_paid_out_two_days_after_it_came_in_and_arrives_a_day_later(shop: Shop) -> None:
    shop.subscribe()
    assert money(shop) == (0, 900 - FEE)
    shop.sandbox.advance(by=timedelta(days=3))
    (payout,) = shop.v1.payouts.list().data
    made = datetime.fromtimestamp(payout.created, UTC)
    assert (made.hour, made.minute, made.second) == (0, 0, 0)
    assert (payout.amount, payout.status, payout.reconciliation_status) == (
        900 - FEE,
        "pending",
        "in_progress",
    )
    assert money(shop) == (0, 0)
    shop.sandbox.advance(by=timedelta(days=1))
    after = shop.v1.payouts.retrieve(payout.id)
    assert (after.status, after.reconciliation_status) == ("paid", "completed")
    assert told(shop) == ["created", "paid", "updated", "reconciliation_completed"]
    made_of = shop.v1.balance_transactions.list({"payout": payout.id}).data
    assert sorted(one.type for one in made_of) == ["charge", "payout"]
    assert sum(one.net for one in made_of) == 0


def test_once_a_week_it_is_on_a_monday(shop: Shop) -> None:
    shop.sandbox.bank.rhythm = Rhythm.WEEKLY
    shop.subscribe()
    shop.sandbox.advance(by=timedelta(days=1))
    shop.pay()
    shop.sandbox.advance(by=timedelta(days=15))
    payouts = shop.v1.payouts.list().data
    assert {datetime.fromtimestamp(one.created, UTC).weekday() for one in payouts} == {0}
    assert sum(one.amount for one in payouts) == 2 * (900 - FEE)


def test_by_hand_nothing_is_paid_out(shop: Shop) -> None:
    shop.sandbox.bank.rhythm = Rhythm.MANUAL
    shop.subscribe()
    shop.sandbox.advance(by=timedelta(days=10))
    assert shop.v1.payouts.list().data == []
    assert money(shop) == (900 - FEE, 0)


def test_what_fails_comes_back_and_goes_out_again(shop: Shop) -> None:
    shop.subscribe()
    shop.sandbox.advance(by=timedelta(days=4))
    (payout,) = shop.v1.payouts.list().data
    shop.sandbox.bank.send_back(payout.id)
    assert told(shop)[-2:] == ["failed", "updated"]
    assert money(shop) == (900 - FEE, 0)
    with pytest.raises(SandboxError, match="failed already"):
        shop.sandbox.bank.send_back(payout.id)
    shop.sandbox.advance(by=timedelta(days=2))
    assert [one.status for one in shop.v1.payouts.list().data] == ["paid", "failed"]
    assert money(shop) == (0, 0)


def test_a_debt_waits_for_money(shop: Shop) -> None:
    shop.subscribe(DISPUTED)
    shop.sandbox.advance(by=timedelta(days=10))
    assert shop.v1.payouts.list().data == []
    assert money(shop) == (-2000 - FEE, 0)
    for _ in range(3):
        shop.pay()
    shop.sandbox.advance(by=timedelta(days=4))
    assert [one.amount for one in shop.v1.payouts.list().data] == [3 * 900 - 4 * FEE - 2000]


@pytest.mark.parametrize(
    ("number", "first", "last", "given"),
    [(REFUND_WAITS, "pending", "succeeded", 900), (REFUND_FAILS, "succeeded", "failed", 0)],
)
def test_a_refund_settles_a_day_later(shop: Shop, number: str, first: str, last: str, given: int) -> None:
    shop.subscribe(number)
    charge = shop.v1.charges.list().data[0].id
    refund = shop.v1.refunds.create({"charge": charge})
    assert refund.status == first
    shop.sandbox.advance(by=timedelta(days=1, minutes=1))
    assert shop.v1.refunds.retrieve(refund.id).status == last
    assert shop.v1.charges.retrieve(charge).amount_refunded == given
    lines = shop.v1.balance_transactions.list({"source": refund.id}).data
    assert sum(one.net for one in lines) == -given


def test_an_inquiry_moves_no_money_and_the_charge_can_be_refunded(shop: Shop) -> None:
    shop.subscribe(INQUIRED)
    (inquiry,) = shop.v1.disputes.list().data
    assert (inquiry.status, inquiry.balance_transactions) == ("warning_needs_response", [])
    shop.v1.refunds.create({"charge": inquiry.charge})
    assert shop.v1.disputes.close(inquiry.id).status == "warning_closed"


def test_what_a_won_dispute_moved_is_named_after_it(shop: Shop) -> None:
    shop.subscribe(DISPUTED)
    dispute = shop.v1.disputes.list().data[0].id
    shop.sandbox.disputes.close(dispute, won=True)
    lines = shop.v1.balance_transactions.list({"source": dispute}).data
    assert [(one.reporting_category, one.net) for one in lines] == [
        ("dispute_reversal", 900),
        ("dispute", -2900),
    ]
