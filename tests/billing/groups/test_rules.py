"""The rules of groups, as tables with their boundary instants."""

from datetime import UTC, datetime, timedelta

import pytest

from paywall.billing.groups import rules
from paywall.billing.groups.rules import Owner, SeatState
from paywall.errors import BadInput
from paywall.membership.rules import HOLDING, Status
from paywall.membership.seats import SeatRange

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
END = NOW + 20 * DAY


def owner(
    status: Status = Status.ACTIVE,
    *,
    seats: int = 5,
    until: datetime | None = END + DAY,
    cancel_at: datetime | None = None,
    ended_at: datetime | None = None,
) -> Owner:
    """A membership of five seats, paid until END and open a day longer."""
    return Owner(status, seats, until, END, cancel_at, ended_at)


@pytest.mark.parametrize("status", sorted(HOLDING))
def test_a_seat_is_active_and_lasts_as_long_as_the_owner_holds(status: Status) -> None:
    assert rules.state(owner(status)) == SeatState(Status.ACTIVE, END + DAY, None, None)


@pytest.mark.parametrize("status", [status for status in Status if status not in HOLDING])
def test_a_seat_opens_nothing_once_the_owners_membership_does_not(status: Status) -> None:
    assert rules.state(owner(status, until=None)) == SeatState(status, None, None, None)


def test_a_seat_ends_when_the_owner_ends_and_not_before() -> None:
    assert rules.state(owner(until=END, cancel_at=END)) == SeatState(Status.ACTIVE, END, END, None)
    ended = owner(Status.CANCELED, until=None, cancel_at=END, ended_at=END)
    assert rules.state(ended) == SeatState(Status.CANCELED, None, END, END)


def test_whoever_holds_without_access_gives_none() -> None:
    assert rules.state(owner(until=None)).until is None
    assert rules.state(owner(until=None), END).until is None


@pytest.mark.parametrize(
    ("choice", "until", "cancel_at"),
    [
        (END - SECOND, END - SECOND, END - SECOND),
        (END, END, END),
        (END + SECOND, END, END),
    ],
)
def test_a_seat_too_many_ends_with_the_choice_or_with_the_owner_whichever_is_first(
    choice: datetime, until: datetime, cancel_at: datetime
) -> None:
    found = rules.state(owner(until=END, cancel_at=END), choice)
    assert (found.until, found.cancel_at) == (until, cancel_at)


@pytest.mark.parametrize(
    ("period_end", "until"),
    [
        (None, NOW + 7 * DAY),
        (NOW - DAY, NOW + 7 * DAY),
        (NOW + 7 * DAY - SECOND, NOW + 7 * DAY),
        (NOW + 7 * DAY + SECOND, NOW + 7 * DAY + SECOND),
        (NOW + 30 * DAY - SECOND, NOW + 30 * DAY - SECOND),
        (NOW + 30 * DAY + SECOND, NOW + 30 * DAY),
        (NOW + 365 * DAY, NOW + 30 * DAY),
    ],
)
def test_an_owner_has_the_paid_period_to_choose_but_a_week_at_least_and_a_month_at_most(
    period_end: datetime | None, until: datetime
) -> None:
    assert rules.choice_until(period_end, NOW) == until


@pytest.mark.parametrize(("seats", "room"), [(0, 0), (1, 0), (2, 1), (5, 4)])
def test_the_owner_has_one_of_the_seats(seats: int, room: int) -> None:
    assert owner(seats=seats).room == room


@pytest.mark.parametrize(
    ("room", "kept", "extra"), [(0, "", "abc"), (2, "ab", "c"), (3, "abc", ""), (4, "abc", "")]
)
def test_who_joined_last_is_too_many(room: int, kept: str, extra: str) -> None:
    assert rules.divide("abc", room) == (kept, extra)


@pytest.mark.parametrize(
    ("letters", "last", "may"),
    [
        (0, None, True),
        (1, NOW - timedelta(hours=1) + SECOND, False),
        (1, NOW - timedelta(hours=1), True),
        (4, NOW - DAY, True),
        (5, NOW - DAY, False),
    ],
)
def test_one_address_is_written_to_once_an_hour_and_five_times_at_most(
    letters: int, last: datetime | None, *, may: bool
) -> None:
    assert rules.may_write(letters, last, NOW) is may


@pytest.mark.parametrize(("seats", "letters"), [(0, 20), (10, 20), (11, 22), (500, 1000)])
def test_a_day_is_enough_to_invite_everyone_twice(seats: int, letters: int) -> None:
    assert rules.letters_a_day(seats) == letters


@pytest.mark.parametrize(
    ("age", "stands"),
    [
        (-SECOND, False),
        (timedelta(0), True),
        (timedelta(minutes=30) - SECOND, True),
        (timedelta(minutes=30), False),
    ],
)
def test_a_price_stands_for_half_an_hour_and_never_from_the_future(age: timedelta, *, stands: bool) -> None:
    assert rules.stands(NOW - age, NOW) is stands


@pytest.mark.parametrize(
    ("text", "least", "most"), [("2-2", 2, 2), ("5-50", 5, 50), (" 5 - 50 ", 5, 50), ("2-1000", 2, 1000)]
)
def test_a_range_of_seats_is_read(text: str, least: int, most: int) -> None:
    found = SeatRange.read(text)
    assert found == SeatRange(least, most)
    assert [n in found for n in (least - 1, least, most, most + 1)] == [False, True, True, False]


@pytest.mark.parametrize("text", ["", "5", "5-", "-5", "50-5", "1-5", "2-1001", "five-six", "5-50-500"])
def test_what_is_no_range_of_seats_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        SeatRange.read(text)
