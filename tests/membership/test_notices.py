"""Which letters a membership calls for, as tables with their boundary instants."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from paywall.membership import notices
from paywall.membership.notices import Bill, Card, Held, Kind
from paywall.membership.rules import Interval, Status

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
TRIAL_END = datetime(2026, 3, 15, 12, tzinfo=UTC)
END = datetime(2027, 3, 1, 12, tzinfo=UTC)
AHEAD = {Interval.YEAR: timedelta(days=21)}
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
TRIAL = Held(
    key="sub_1",
    reader=7,
    status=Status.TRIALING,
    interval=Interval.MONTH,
    started_at=START,
    period_end=TRIAL_END,
    trial_end=TRIAL_END,
)
YEARLY = Held("sub_1", 7, Status.ACTIVE, Interval.YEAR, started_at=START, period_end=END)
MONTHLY = replace(YEARLY, interval=Interval.MONTH)
CARD = Card("fp1", ends=datetime(2027, 3, 1, tzinfo=UTC))
LATE = replace(YEARLY, status=Status.PAST_DUE, bill=Bill("in_1", START, needs_action=False))


def kinds(held: Held, now: datetime, ahead: dict[Interval, timedelta] | None = None) -> list[Kind]:
    """The letters called for."""
    return [notice.kind for notice in notices.due(held, now, AHEAD if ahead is None else ahead)]


@pytest.mark.parametrize(
    ("changes", "now", "letters"),
    [
        ({}, TRIAL_END - notices.TRIAL_AHEAD - SECOND, 0),
        ({}, TRIAL_END - notices.TRIAL_AHEAD, 1),
        ({}, TRIAL_END - 3 * DAY, 1),
        ({}, TRIAL_END - SECOND, 1),
        ({}, TRIAL_END, 0),
        ({"cancel_at": TRIAL_END}, TRIAL_END - DAY, 0),
        ({"cancel_at": TRIAL_END - DAY}, TRIAL_END - 2 * DAY, 0),
        ({"cancel_at": TRIAL_END + DAY}, TRIAL_END - DAY, 1),
        ({"status": Status.ACTIVE}, TRIAL_END - DAY, 0),
        ({"status": Status.PAUSED}, TRIAL_END - DAY, 0),
        ({"status": Status.CANCELED}, TRIAL_END - DAY, 0),
        ({"trial_end": None}, TRIAL_END - DAY, 0),
        ({"started_at": TRIAL_END - 3 * DAY}, TRIAL_END - 3 * DAY, 0),
        ({"started_at": TRIAL_END - notices.TRIAL_AHEAD}, TRIAL_END - DAY, 0),
        ({"started_at": TRIAL_END - notices.TRIAL_AHEAD - SECOND}, TRIAL_END - DAY, 1),
    ],
)
def test_who_is_told_that_a_trial_ends(changes: dict[str, object], now: datetime, letters: int) -> None:
    assert kinds(replace(TRIAL, **changes), now) == [Kind.TRIAL_ENDING] * letters  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "now", "letters"),
    [
        ({}, END - 21 * DAY - SECOND, 0),
        ({}, END - 21 * DAY, 1),
        ({}, END - SECOND, 1),
        ({}, END, 0),
        ({"interval": Interval.MONTH}, END - DAY, 0),
        ({"cancel_at": END}, END - DAY, 0),
        ({"cancel_at": END + SECOND}, END - DAY, 1),
        ({"status": Status.PAST_DUE}, END - DAY, 0),
        ({"status": Status.TRIALING}, END - DAY, 0),
        ({"period_end": None}, END - DAY, 0),
    ],
)
def test_who_is_told_of_a_renewal(changes: dict[str, object], now: datetime, letters: int) -> None:
    assert kinds(replace(YEARLY, **changes), now) == [Kind.RENEWAL_AHEAD] * letters  # type: ignore[arg-type]


def test_a_month_is_told_of_where_the_settings_say_so() -> None:
    assert kinds(MONTHLY, END - DAY, {Interval.MONTH: 3 * DAY}) == [Kind.RENEWAL_AHEAD]
    assert kinds(MONTHLY, END - 4 * DAY, {Interval.MONTH: 3 * DAY}) == []


@pytest.mark.parametrize(
    ("changes", "now", "letters"),
    [
        ({}, END - notices.CARD_AHEAD - SECOND, 0),
        ({}, END - notices.CARD_AHEAD, 1),
        ({}, END - SECOND, 1),
        ({}, END, 0),
        ({"card": replace(CARD, ends=END)}, END - DAY, 1),
        ({"card": replace(CARD, ends=END + notices.CHARGE_DELAY)}, END - DAY, 1),
        ({"card": replace(CARD, ends=END + notices.CHARGE_DELAY + SECOND)}, END - DAY, 0),
        ({"card": None}, END - DAY, 0),
        ({"status": Status.TRIALING}, END - 9 * DAY, 1),
        ({"status": Status.PAST_DUE}, END - DAY, 0),
        ({"cancel_at": END}, END - DAY, 0),
        ({"period_end": None}, END - DAY, 0),
    ],
)
def test_who_is_told_of_a_card(changes: dict[str, object], now: datetime, letters: int) -> None:
    held = replace(MONTHLY, card=CARD)
    assert kinds(replace(held, **changes), now) == [Kind.CARD_EXPIRING] * letters  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, [Kind.PAYMENT_FAILED]),
        ({"bill": Bill("in_1", START, needs_action=True)}, [Kind.ACTION_REQUIRED]),
        ({"bill": None}, []),
        ({"status": Status.ACTIVE}, []),
        ({"status": Status.UNPAID}, []),
        ({"status": Status.CANCELED}, []),
        ({"cancel_at": END}, [Kind.PAYMENT_FAILED]),
    ],
)
def test_who_is_told_of_a_bill(changes: dict[str, object], told: list[Kind]) -> None:
    assert kinds(replace(LATE, **changes), START) == told  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("held", "other", "now"),
    [
        (TRIAL, replace(TRIAL, trial_end=TRIAL_END + DAY), TRIAL_END - DAY),
        (TRIAL, replace(TRIAL, key="sub_2"), TRIAL_END - DAY),
        (YEARLY, replace(YEARLY, period_end=END + DAY), END - DAY),
        (replace(MONTHLY, card=CARD), replace(MONTHLY, card=replace(CARD, key="fp2")), END - DAY),
        (replace(MONTHLY, card=CARD), replace(MONTHLY, reader=8, card=CARD), END - DAY),
        (LATE, replace(LATE, bill=Bill("in_2", START, needs_action=False)), START),
        (LATE, replace(LATE, bill=Bill("in_1", START, needs_action=True)), START),
    ],
)
def test_another_thing_is_another_cause(held: Held, other: Held, now: datetime) -> None:
    (first,), (second,) = notices.due(held, now, AHEAD), notices.due(other, now, AHEAD)
    assert first.cause != second.cause


@pytest.mark.parametrize(
    ("held", "same", "now"),
    [
        (TRIAL, replace(TRIAL, interval=Interval.YEAR), TRIAL_END - DAY),
        (YEARLY, replace(YEARLY, trial_end=TRIAL_END), END - DAY),
        (replace(MONTHLY, card=CARD), replace(MONTHLY, key="sub_2", card=CARD), END - DAY),
        (LATE, replace(LATE, period_end=END + DAY, cancel_at=END), START),
    ],
)
def test_the_same_thing_is_the_same_cause(held: Held, same: Held, now: datetime) -> None:
    (first,), (second,) = notices.due(held, now, AHEAD), notices.due(same, now + SECOND, AHEAD)
    assert first.cause == second.cause


def test_each_letter_says_until_when_it_is_worth_sending() -> None:
    until = {
        notice.kind: notice.send_by
        for held, now in (
            (TRIAL, TRIAL_END - DAY),
            (replace(YEARLY, card=CARD), END - DAY),
            (LATE, START),
        )
        for notice in notices.due(held, now, AHEAD)
    }
    assert until == {
        Kind.TRIAL_ENDING: TRIAL_END,
        Kind.RENEWAL_AHEAD: END,
        Kind.CARD_EXPIRING: END,
        Kind.PAYMENT_FAILED: START + notices.PAYMENT_NEWS,
    }


def test_no_cause_is_too_long_for_its_column() -> None:
    longest = replace(MONTHLY, key="s" * 100, reader=2**31, card=replace(CARD, key="f" * 100))
    for held, now in ((longest, END - DAY), (replace(TRIAL, key="s" * 100), TRIAL_END - DAY)):
        assert all(len(notice.cause) <= 200 for notice in notices.due(held, now, AHEAD))
