"""The rules of gifts, as tables with their boundary instants."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest

from paywall.billing.gifts import rules
from paywall.billing.gifts.rules import GiftPayment, GiftState, Present, Standing, Void
from paywall.membership.rules import Interval
from paywall.money import Money

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MONTH, YEAR = Money(500, "eur"), Money(5000, "eur")
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("prices", "costs"),
    [
        ({}, {}),
        ({Interval.MONTH: MONTH}, {1: 500, 3: 1500, 6: 3000, 12: 6000}),
        ({Interval.YEAR: YEAR}, {12: 5000}),
        ({Interval.MONTH: MONTH, Interval.YEAR: YEAR}, {1: 500, 3: 1500, 6: 3000, 12: 5000}),
    ],
)
def test_months_cost_the_months_price_and_a_year_the_years(
    prices: dict[Interval, Money], costs: dict[int, int]
) -> None:
    found = rules.presents(7, prices)
    assert {each.months: each.money.amount for each in found} == costs
    assert all(each.key == f"7-{each.months}" for each in found)
    assert Present(7, 12, YEAR).key == "7-12"


def test_a_code_is_read_however_it_is_typed() -> None:
    for _ in range(50):
        code = rules.spell(secrets.token_bytes(32))
        assert len(code) == 19
        plain = code.replace("-", "")
        for typed in (code, code.lower(), f" {code} ", plain, code.replace("-", " ")):
            assert rules.read(typed) == plain
    assert rules.spell(b"\x00" * 10) != rules.spell(b"\xff" * 10)


@pytest.mark.parametrize(
    "typed", ["", "ABCD", "A" * 15, "A" * 17, "0" * 16, "O" * 16, "I" * 16, "1" * 16, "É" * 16]
)
def test_what_cannot_be_a_code_is_none(typed: str) -> None:
    assert rules.read(typed) is None


def payment(
    *, status: str = "complete", paid: bool = True, refunded: bool = False, disputed: bool = False
) -> GiftPayment:
    """What Stripe says."""
    return GiftPayment(status, paid, "pi_1", "ch_1", is_refunded=refunded, is_disputed=disputed)


OPEN = Standing(GiftState.OPEN, None, False, None)
PAID = Standing(GiftState.PAID, None, False, None)
TAKEN = Standing(GiftState.REDEEMED, None, True, NOW)
ENDED = Standing(GiftState.ENDED, None, True, NOW)


@pytest.mark.parametrize(
    ("before", "said", "state", "why"),
    [
        (OPEN, payment(status="open", paid=False), GiftState.OPEN, None),
        (OPEN, payment(paid=False), GiftState.OPEN, None),
        (OPEN, payment(status="expired", paid=False), GiftState.LAPSED, None),
        (OPEN, payment(), GiftState.PAID, None),
        (PAID, payment(), GiftState.PAID, None),
        (PAID, payment(refunded=True), GiftState.VOID, Void.REFUNDED),
        (PAID, payment(disputed=True), GiftState.VOID, Void.DISPUTED),
        (TAKEN, payment(), GiftState.REDEEMED, None),
        (TAKEN, payment(refunded=True), GiftState.VOID, Void.REFUNDED),
        (TAKEN, payment(disputed=True), GiftState.VOID, Void.DISPUTED),
        (Standing(GiftState.VOID, Void.DISPUTED, False, None), payment(), GiftState.PAID, None),
        (Standing(GiftState.VOID, Void.DISPUTED, True, NOW), payment(), GiftState.REDEEMED, None),
        (Standing(GiftState.VOID, Void.STAFF, True, NOW), payment(), GiftState.VOID, Void.STAFF),
        (ENDED, payment(), GiftState.ENDED, None),
        (ENDED, payment(refunded=True), GiftState.ENDED, None),
    ],
)
def test_stripes_word_moves_a_gift(
    before: Standing, said: GiftPayment, state: GiftState, why: Void | None
) -> None:
    after = rules.settled(before, said)
    assert (after.state, after.why) == (state, why)
    assert (after.is_redeemed, after.ends_at) == (before.is_redeemed, before.ends_at)


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ((2026, 11, 24), 1, (2026, 12, 24)),
        ((2026, 11, 24), 2, (2027, 1, 24)),
        ((2026, 8, 31), 6, (2027, 2, 28)),
        ((2027, 8, 31), 6, (2028, 2, 29)),
        ((2028, 2, 29), 12, (2029, 2, 28)),
        ((2026, 12, 31), 12, (2027, 12, 31)),
    ],
)
def test_months_end_on_the_same_day_or_the_months_last(
    start: tuple[int, int, int], months: int, end: tuple[int, int, int]
) -> None:
    assert rules.plus_months(datetime(*start, 9, tzinfo=UTC), months) == datetime(*end, 9, tzinfo=UTC)


def test_gifts_follow_one_another() -> None:
    first, second = rules.line_up(NOW, [3, 12])
    assert first == (NOW, datetime(2027, 2, 24, 12, tzinfo=UTC))
    assert second == (first[1], datetime(2028, 2, 24, 12, tzinfo=UTC))
    assert rules.line_up(NOW, []) == []


@pytest.mark.parametrize(
    ("left", "until"),
    [
        (None, None),
        (timedelta(hours=48) - SECOND, None),
        (timedelta(hours=48), timedelta(hours=48)),
        (timedelta(days=730), timedelta(days=730)),
        (timedelta(days=731), timedelta(days=730)),
    ],
)
def test_stripe_takes_a_trial_of_two_days_to_two_years(
    left: timedelta | None, until: timedelta | None
) -> None:
    assert rules.trial_until(None if left is None else NOW + left, NOW) == (
        None if until is None else NOW + until
    )


@pytest.mark.parametrize(
    ("left", "days"),
    [
        (timedelta(days=14) + SECOND, None),
        (timedelta(days=14), 14),
        (timedelta(days=3) + SECOND, 14),
        (timedelta(days=3), 3),
        (SECOND, 3),
        (timedelta(0), None),
    ],
)
def test_each_reminder_has_its_days(left: timedelta, days: int | None) -> None:
    assert rules.reminder(NOW + left, NOW) == days
