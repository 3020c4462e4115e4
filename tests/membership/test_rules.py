"""The rules of membership, as tables with their boundary instants."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from paywall.membership import rules
from paywall.membership.rules import Change, Facts, Interval, Source, Standing, Status, Step
from paywall.money import Money

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
END = datetime(2026, 12, 1, 12, tzinfo=UTC)
FIVE = Money(500, "eur")
NOTHING = Money(0, "eur")
FACTS = Facts(
    source=Source.STRIPE,
    external_id="sub_1",
    plan_id=1,
    status=Status.ACTIVE,
    price=FIVE,
    interval=Interval.MONTH,
    started_at=START,
    period_start=START,
    period_end=END,
)


@pytest.mark.parametrize(
    ("status", "interval", "price", "monthly"),
    [
        (Status.ACTIVE, Interval.MONTH, 500, 500),
        (Status.PAST_DUE, Interval.MONTH, 500, 500),
        (Status.ACTIVE, Interval.YEAR, 5000, 417),
        (Status.TRIALING, Interval.MONTH, 500, 0),
        (Status.CANCELED, Interval.MONTH, 500, 0),
        (Status.UNPAID, Interval.YEAR, 5000, 0),
    ],
)
def test_brings_this_much_a_month(status: Status, interval: Interval, price: int, monthly: int) -> None:
    facts = replace(FACTS, status=status, interval=interval, price=Money(price, "eur"))
    assert rules.monthly(facts) == Money(monthly, "eur")


@pytest.mark.parametrize(
    ("interval", "count", "price", "monthly"),
    [(Interval.MONTH, 3, 1500, 500), (Interval.MONTH, 3, 1000, 333), (Interval.YEAR, 2, 10000, 417)],
)
def test_a_price_of_several_intervals_is_shared_out(
    interval: Interval, count: int, price: int, monthly: int
) -> None:
    facts = replace(FACTS, interval=interval, interval_count=count, price=Money(price, "eur"))
    assert rules.monthly(facts) == Money(monthly, "eur")


def test_bills_that_are_not_collected_bring_nothing() -> None:
    assert rules.monthly(replace(FACTS, collected=False)) == NOTHING


@pytest.mark.parametrize("status", list(Status))
def test_stripes_words_are_ours(status: Status) -> None:
    assert Status.read(status.value) is status


def test_a_new_word_of_stripes_is_unknown_and_gives_nothing() -> None:
    assert Status.read("suspended_by_the_moon") is Status.UNKNOWN


def standing(status: Status, monthly: int = 500, *, plan_id: int = 1, canceling: bool = False) -> Standing:
    return Standing(status, Money(monthly, "eur"), plan_id, canceling)


ACTIVE = standing(Status.ACTIVE)
TRIAL = standing(Status.TRIALING, 0)
LATE = standing(Status.PAST_DUE)
GONE = standing(Status.CANCELED, 0)
UNCOLLECTED = Standing(Status.ACTIVE, NOTHING, 1, canceling=False, collected=False)


@pytest.mark.parametrize(
    ("before", "after", "steps"),
    [
        (None, ACTIVE, [(Change.STARTED, 500)]),
        (None, TRIAL, [(Change.TRIAL_STARTED, 0)]),
        (None, LATE, [(Change.STARTED, 500)]),
        (None, GONE, []),
        (None, standing(Status.INCOMPLETE, 0), []),
        (standing(Status.INCOMPLETE, 0), ACTIVE, [(Change.STARTED, 500)]),
        (GONE, ACTIVE, [(Change.STARTED, 500)]),
        (ACTIVE, ACTIVE, []),
        (TRIAL, ACTIVE, [(Change.CONVERTED, 500)]),
        (TRIAL, LATE, [(Change.CONVERTED, 500)]),
        (TRIAL, GONE, [(Change.ENDED, 0)]),
        (ACTIVE, LATE, [(Change.FAILED, 0)]),
        (LATE, ACTIVE, [(Change.RECOVERED, 0)]),
        (LATE, standing(Status.UNPAID, 0), [(Change.ENDED, -500)]),
        (ACTIVE, GONE, [(Change.ENDED, -500)]),
        (ACTIVE, standing(Status.PAUSED, 0), [(Change.PAUSED, -500)]),
        (standing(Status.PAUSED, 0), ACTIVE, [(Change.RESUMED, 500)]),
        (standing(Status.PAUSED, 0), GONE, []),
        (ACTIVE, UNCOLLECTED, [(Change.PAUSED, -500)]),
        (UNCOLLECTED, ACTIVE, [(Change.RESUMED, 500)]),
        (UNCOLLECTED, GONE, [(Change.ENDED, 0)]),
        (ACTIVE, standing(Status.ACTIVE, 1500), [(Change.UPGRADED, 1000)]),
        (standing(Status.ACTIVE, 1500), ACTIVE, [(Change.DOWNGRADED, -1000)]),
        (ACTIVE, standing(Status.ACTIVE, 1500, plan_id=2), [(Change.SWITCHED, 1000)]),
        (ACTIVE, standing(Status.ACTIVE, canceling=True), [(Change.CANCELING, 0)]),
        (standing(Status.ACTIVE, canceling=True), ACTIVE, [(Change.CANCEL_UNDONE, 0)]),
        (standing(Status.ACTIVE, canceling=True), GONE, [(Change.ENDED, -500)]),
        (None, standing(Status.ACTIVE, canceling=True), [(Change.STARTED, 500), (Change.CANCELING, 0)]),
    ],
)
def test_the_ledger_says_what_changed(
    before: Standing | None, after: Standing, steps: list[tuple[Change, int]]
) -> None:
    assert rules.steps(before, after) == tuple(Step(change, Money(delta, "eur")) for change, delta in steps)


def test_a_change_of_currency_is_an_end_and_a_beginning() -> None:
    dollars = Standing(Status.ACTIVE, Money(600, "usd"), 1, canceling=False)
    assert rules.steps(ACTIVE, dollars) == (
        Step(Change.ENDED, Money(-500, "eur")),
        Step(Change.SWITCHED, Money(600, "usd")),
    )


def test_standing_knows_a_cancel_only_while_something_is_held() -> None:
    assert rules.standing(replace(FACTS, cancel_at=END)).canceling
    assert not rules.standing(replace(FACTS, cancel_at=END, status=Status.CANCELED)).canceling
