"""Gifts: each figure is what plain Python makes of the same gifts."""

from collections import Counter
from datetime import date, datetime
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paywall.billing.gifts.models import Gift
from paywall.billing.gifts.rules import GiftState, Void
from paywall.billing.remote import Mode
from paywall.money import Money
from paywall.office.money import presents
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
    table,
    within,
)

pytestmark = [
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("context"),
]


class Given(NamedTuple):
    """A gift: when it was paid, how long after it was redeemed if ever, and whether it is void."""

    paid: int | None
    redeemed_after: int | None
    is_void: bool
    months: int
    amount: int
    currency: str
    plan: str

    @property
    def paid_at(self) -> datetime:
        return at(self.paid or 0)

    @property
    def redeemed_at(self) -> datetime | None:
        is_used = self.paid is not None and self.redeemed_after is not None
        return at((self.paid or 0) + (self.redeemed_after or 0)) if is_used else None


GIVEN = st.builds(
    Given,
    st.none() | HOURS,
    st.none() | st.integers(0, 1500),
    st.booleans(),
    st.sampled_from([1, 3, 12]),
    st.integers(100, 9000),
    CURRENCY,
    PLAN,
)


def write_gift(home: House, nth: int, gift: Given) -> None:
    """A gift as its row."""
    state = GiftState.PAID if gift.redeemed_at is None else GiftState.REDEEMED
    state = GiftState.OPEN if gift.paid is None else GiftState.VOID if gift.is_void else state
    home.add(
        Gift(
            mode=Mode.SANDBOX,
            state=state,
            void_why=Void.REFUNDED if state is GiftState.VOID else None,
            plan_id=home.plans[gift.plan].id,
            months=gift.months,
            amount=gift.amount,
            currency=gift.currency,
            buyer_name="B",
            buyer_email="b@example.org",
            recipient_name="R",
            deliver_at=gift.paid_at,
            salt="s",
            code_hash=f"hash{nth}",
            paid_at=None if gift.paid is None else gift.paid_at,
            redeemed_at=gift.redeemed_at,
        )
    )


@FEW
@given(gifts=st.lists(GIVEN, max_size=14), asked=asked_for())
def test_gifts(gifts: list[Given], asked: Asked) -> None:
    with house() as home:
        for nth, gift in enumerate(gifts):
            write_gift(home, nth, gift)
        report = presents.gifts(asked)
        rows = list(presents.sold(asked))
        check_rows("gifts", report, asked, money="Price")
    paid = [one for one in gifts if one.paid is not None and asked.plan in (None, one.plan)]

    def seen(some: Asked) -> tuple[list[Given], list[Given], int]:
        waiting = [
            one
            for one in paid
            if day(one.paid_at) <= some.until
            and not one.is_void
            and (one.redeemed_at is None or day(one.redeemed_at) > some.until)
        ]
        sold = [one for one in paid if within(one.paid_at, some)]
        return sold, [one for one in paid if within(one.redeemed_at, some)], len(waiting)

    (sold, used, waiting), (sold_before, used_before, waited) = seen(asked), seen(asked.before)
    got = figures(report)
    assert got["Sold"] == (len(sold), len(sold_before)) == (len(rows), len(sold_before))
    assert got["Redeemed"] == (len(used), len(used_before))
    assert got["Waiting"] == (waiting, waited)
    assert got["Void"] == (sum(one.is_void for one in sold), sum(one.is_void for one in sold_before))
    for currency in {one.currency for one in (*sold, *sold_before, *used)}:
        mine = [one for one in sold if one.currency == currency]
        brought = Money(sum(one.amount for one in mine), currency)
        assert got[f"Brought, {currency.upper()}"][0] == brought
        redeemed = [day(one.redeemed_at) for one in used if one.currency == currency and one.redeemed_at]
        for row in table(report, f"By month, {currency.upper()}"):
            check_month(row, mine, redeemed, currency)
    kinds = Counter((one.plan.title(), one.months, one.currency) for one in sold)
    shown = table(report, "What was given")
    assert {(row["Plan"], row["Months"], row["Brought"].currency): row["Sold"] for row in shown} == kinds


def check_month(row: dict[str, Any], sold: list[Given], redeemed: list[date], currency: str) -> None:
    """One month of one currency."""
    some = [one for one in sold if day(one.paid_at).replace(day=1) == row["Month"]]
    assert row["Sold"] == len(some)
    assert row["Brought"] == Money(sum(one.amount for one in some), currency)
    assert row["Void"] == sum(one.is_void for one in some)
    assert row["Redeemed"] == sum(one.replace(day=1) == row["Month"] for one in redeemed)
