"""What a discount takes off, at each edge."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from paywall.membership import rules
from paywall.membership.discounts import Cut, standing, taken_off
from paywall.membership.rules import Discount, Interval, Status
from paywall.money import Money
from tests.membership.test_rules import END, FACTS, FIVE, NOTHING, START


def percent(share: str, until: object = None) -> Cut:
    """So many per cent."""
    return Cut(percent=Decimal(share), amount=None, until=until)  # type: ignore[arg-type]


def amount(off: int, currency: str = "eur") -> Cut:
    """So much money."""
    return Cut(percent=None, amount=Money(off, currency))


@pytest.mark.parametrize(
    ("price", "cut", "off"),
    [
        (500, percent("20"), 100),
        (500, percent("100"), 500),
        (499, percent("50"), 250),
        (501, percent("50"), 251),
        (333, percent("33.33"), 111),
        (1, percent("49.99"), 0),
        (1, percent("50"), 1),
        (500, amount(150), 150),
        (500, amount(9000), 500),
        (500, amount(150, "usd"), 0),
    ],
)
def test_what_is_taken_off_is_rounded_half_up_and_never_more_than_the_price(
    price: int, cut: Cut, off: int
) -> None:
    assert taken_off(Money(price, "eur"), cut) == Money(off, "eur")


@pytest.mark.parametrize(
    ("cuts", "discount"),
    [
        ([], None),
        ([amount(5, "usd")], None),
        ([percent("20")], Discount(Money(100, "eur"))),
        ([percent("20", END)], Discount(Money(100, "eur"), END)),
        ([percent("20", START)], None),
        (
            [percent("20", START + timedelta(seconds=1))],
            Discount(Money(100, "eur"), START + timedelta(seconds=1)),
        ),
        ([percent("50", END), amount(50)], Discount(Money(300, "eur"), END)),
        ([amount(50), percent("50", START)], Discount(Money(50, "eur"))),
    ],
)
def test_cuts_follow_one_another_and_end_at_their_instant(cuts: list[Cut], discount: Discount | None) -> None:
    assert standing(FIVE, cuts, START) == discount


@pytest.mark.parametrize(
    ("changes", "monthly"),
    [
        ({"discount": Discount(Money(100, "eur"))}, Money(400, "eur")),
        ({"discount": Discount(FIVE)}, NOTHING),
        ({"discount": Discount(Money(100, "eur")), "status": Status.TRIALING}, NOTHING),
        (
            {
                "discount": Discount(Money(1000, "eur")),
                "price": Money(5000, "eur"),
                "interval": Interval.YEAR,
            },
            Money(333, "eur"),
        ),
    ],
)
def test_a_month_is_worth_what_is_left(changes: dict[str, object], monthly: Money) -> None:
    assert rules.monthly(replace(FACTS, **changes)) == monthly  # type: ignore[arg-type]
