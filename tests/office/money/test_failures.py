"""Failed payments: each figure is what plain Python makes of the same bills."""

from collections import Counter
from datetime import datetime
from statistics import median
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paywall.billing.cashbook.models import Invoice, Payment
from paywall.billing.remote import Mode
from paywall.membership.rules import LIVE, Status
from paywall.money import Money
from paywall.office.money import failed_bills, failures
from paywall.reports.asked import Asked
from tests.reports.house import (
    CURRENCY,
    FEW,
    HOURS,
    PLAN,
    House,
    asked_for,
    at,
    check_rows,
    day,
    figures,
    house,
    months,
    share,
    table,
    within,
)

pytestmark = [
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("context"),
]


class Bill(NamedTuple):
    """A bill: the hours at which its payment failed, how it ended, and the membership that it is for."""

    failed: list[int]
    ended: str
    paid_after: int
    amount: int
    currency: str
    plan: str
    standing: Status
    why: str | None

    @property
    def first(self) -> datetime:
        return at(min(self.failed))

    @property
    def outcome(self) -> str:
        if self.ended == "paid":
            return "Made good"
        is_lost = self.ended in ("void", "uncollectible") or self.standing not in LIVE
        return "Lost" if is_lost else "Still open"


BILL = st.builds(
    Bill,
    st.lists(HOURS, min_size=1, max_size=4),
    st.sampled_from(["paid", "open", "void", "uncollectible"]),
    st.integers(1, 400),
    st.integers(100, 9000),
    CURRENCY,
    PLAN,
    st.sampled_from([Status.ACTIVE, Status.PAST_DUE, Status.CANCELED, Status.UNPAID]),
    st.sampled_from([None, "insufficient_funds", "expired_card"]),
)


def write_bill(home: House, nth: int, bill: Bill) -> None:
    """A bill, and each try to be paid, in the cash book."""
    same = {"mode": Mode.SANDBOX, "ticket": 1, "currency": bill.currency}
    held = home.held(bill.plan, bill.standing)
    paid_at = at(max(bill.failed) + bill.paid_after)
    zero = dict.fromkeys(("discount", "tax", "amount_paid", "amount_remaining", "amount_off_stripe"), 0)
    invoice = Invoice(
        stripe_id=f"in_{nth}",
        reader_id=held.reader_id,
        subscription=held.external_id,
        status=bill.ended,
        amount=bill.amount,
        amount_due=bill.amount,
        made_at=bill.first,
        period_start=bill.first,
        period_end=bill.first,
        paid_at=paid_at if bill.ended == "paid" else None,
        **zero,
        **same,
    )
    tries = [("failed", at(hour)) for hour in bill.failed] + [("succeeded", paid_at)] * (bill.ended == "paid")
    payments = [
        Payment(
            stripe_id=f"ch_{nth}_{n}",
            invoice=f"in_{nth}",
            amount=bill.amount,
            refunded=0,
            status=status,
            decline_code=bill.why if made_at == bill.first else "later",
            is_disputed=False,
            made_at=made_at,
            **same,
        )
        for n, (status, made_at) in enumerate(tries)
    ]
    home.add(invoice, *payments)


@FEW
@given(bills=st.lists(BILL, max_size=12), asked=asked_for())
def test_failed_payments(bills: list[Bill], asked: Asked) -> None:
    with house() as home:
        for nth, bill in enumerate(bills):
            write_bill(home, nth, bill)
        report = failures.failures(asked)
        rows = list(failures.rows(asked))
        check_rows("failures", report, asked, money="Amount")

    def of(some: Asked) -> list[Bill]:
        return [one for one in bills if within(one.first, some) and asked.plan in (None, one.plan)]

    now, before, got = of(asked), of(asked.before), figures(report)
    assert got["Failed"] == (len(now), len(before))
    assert len(rows) == len(now)
    for name in ("Made good", "Lost", "Still open"):
        assert got[name] == tuple(sum(one.outcome == name for one in some) for some in (now, before))
    good = [[one for one in some if one.outcome == "Made good"] for some in (now, before)]
    assert got["Made good, of all"] == (share(len(good[0]), len(now)), share(len(good[1]), len(before)))
    for currency in {one.currency for one in (*now, *before)}:
        mine = [one for one in now if one.currency == currency]
        lost = sum(one.amount for one in mine if one.outcome == "Lost")
        assert got[f"Lost, {currency.upper()}"][0] == Money(lost, currency)
        check_months(mine, currency, asked, table(report, f"By month, {currency.upper()}"))
    reasons = Counter(failed_bills.in_words(one.why) for one in now)
    assert {row["Why"]: row["Failed"] for row in table(report, "Why they failed")} == reasons


def check_months(mine: list[Bill], currency: str, asked: Asked, rows: list[dict[str, Any]]) -> None:
    """Each month of one currency."""
    assert [row["Month"] for row in rows] == months(asked)
    for row in rows:
        some = [one for one in mine if day(one.first).replace(day=1) == row["Month"]]
        assert row["Failed"] == len(some)
        assert row["Failed, money"] == Money(sum(one.amount for one in some), currency)
        for name, money in (("Made good", "Made good"), ("Lost", "Lost"), ("Still open", "Open")):
            those = [one for one in some if one.outcome == name]
            assert row[name] == len(those)
            assert row[f"{money}, money"] == Money(sum(one.amount for one in those), currency)
        good = [one for one in some if one.outcome == "Made good"]
        took = [(max(one.failed) + one.paid_after - min(one.failed)) / 24 for one in good]
        assert row["Days"] == (f"{median(took):.1f}" if took else None)
