"""From when on a new price counts, as tables with the boundary instants."""

from datetime import UTC, datetime, timedelta

import pytest

from paywall.billing.repricing import rules

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
NOTICE = 30 * DAY
FROM = NOW + 40 * DAY
END = FROM + 5 * DAY


@pytest.mark.parametrize(("from_at", "has"), [(NOW + NOTICE, True), (NOW + NOTICE - SECOND, False)])
def test_a_date_must_leave_the_whole_notice(from_at: datetime, *, has: bool) -> None:
    assert rules.has_notice(from_at, NOW, NOTICE) is has


@pytest.mark.parametrize(
    ("told", "counts"), [(NOW, FROM), (NOW + 10 * DAY, FROM), (NOW + 11 * DAY, FROM + DAY)]
)
def test_who_comes_late_to_it_has_the_same_notice(told: datetime, counts: datetime) -> None:
    assert rules.counts_from(FROM, told, NOTICE) == counts


@pytest.mark.parametrize(
    ("told", "first"),
    [
        (None, None),
        (NOW, FROM),
        (FROM - NOTICE, FROM),
        (FROM - NOTICE + DAY, FROM + DAY),
    ],
)
def test_whose_letter_went_out_late_pays_it_later(told: datetime | None, first: datetime | None) -> None:
    assert rules.first_day(FROM, told, NOTICE) == first


@pytest.mark.parametrize(
    ("end", "first", "is_new"),
    [
        (FROM - SECOND, FROM, False),
        (FROM, FROM, True),
        (END, FROM, True),
        (None, FROM, False),
        (END, None, False),
    ],
)
def test_which_payment_is_the_first_of_the_new_price(
    end: datetime | None, first: datetime | None, *, is_new: bool
) -> None:
    assert rules.is_at_next_payment(end, first) is is_new


@pytest.mark.parametrize(
    ("end", "first", "now", "may"),
    [
        (END, FROM, END - rules.EARLY - SECOND, False),
        (END, FROM, END - rules.EARLY, True),
        (END, FROM, END - SECOND, True),
        (END, FROM, END, False),
        (FROM, FROM, FROM - DAY, True),
        (FROM - SECOND, FROM, FROM - DAY, False),
        (END, None, END - DAY, False),
        (None, FROM, END - DAY, False),
    ],
)
def test_who_is_moved_and_when(
    end: datetime | None, first: datetime | None, now: datetime, *, may: bool
) -> None:
    assert rules.may_move(end, first, now) is may
