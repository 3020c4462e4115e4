"""The rules of membership, as tables with their boundary instants."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from paywall.membership import rules
from paywall.membership.rules import Change, Facts, Interval, Policy, Source, Standing, Status, Step
from paywall.money import Money

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
END = datetime(2026, 12, 1, 12, tzinfo=UTC)
POLICY = Policy(grace=timedelta(days=7), slack=timedelta(hours=24))
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
    ("changes", "until"),
    [
        ({}, END + timedelta(hours=24)),
        ({"status": Status.TRIALING}, END + timedelta(hours=24)),
        ({"cancel_at": END}, END),
        ({"cancel_at": START + timedelta(days=3)}, START + timedelta(days=3)),
        ({"cancel_at": END + timedelta(days=60)}, END + timedelta(hours=24)),
        ({"period_end": None}, None),
        ({"status": Status.PAST_DUE}, START + timedelta(days=7)),
        ({"status": Status.PAST_DUE, "unpaid_since": START + timedelta(days=10)}, START + timedelta(days=17)),
        ({"status": Status.PAST_DUE, "cancel_at": START + timedelta(days=2)}, START + timedelta(days=2)),
        ({"status": Status.PAST_DUE, "period_start": None}, None),
        ({"status": Status.UNPAID}, None),
        ({"status": Status.PAUSED}, None),
        ({"status": Status.INCOMPLETE}, None),
        ({"status": Status.INCOMPLETE_EXPIRED}, None),
        ({"status": Status.CANCELED}, None),
        ({"status": Status.UNKNOWN}, None),
    ],
)
def test_access_ends_by_itself(changes: dict[str, object], until: datetime | None) -> None:
    assert rules.access_until(replace(FACTS, **changes), POLICY) == until  # type: ignore[arg-type]


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
