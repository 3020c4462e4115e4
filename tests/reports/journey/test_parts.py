"""A stretch of days is answered by years, months and days that come to just these days."""

from collections import Counter
from datetime import date, timedelta

import pytest

from paywall.reports.asked import DAY, Asked, plus_months
from paywall.reports.journey.parts import Parts, parts

TODAY = date(2026, 11, 26)


def days_of(since: date, until: date) -> list[date]:
    return [since + timedelta(days=passed) for passed in range((until - since).days + 1)]


def counted(found: Parts) -> dict[date, int]:
    """How often each day is in it, as far as there are days."""
    months = [*found.months, *(plus_months(year, number) for year in found.years for number in range(12))]
    days = Counter(day for month in months for day in days_of(month, plus_months(month, 1) - DAY))
    days.subtract(day for month in found.off for day in days_of(month, plus_months(month, 1) - DAY))
    days.update(day for part in found.days for day in days_of(part.since, part.until))
    return {day: times for day, times in days.items() if times and day <= TODAY}


@pytest.mark.parametrize(
    ("since", "until", "years", "months", "off", "parts_by_day"),
    [
        (date(2026, 11, 1), TODAY, 0, 1, 0, 0),
        (date(2026, 10, 5), date(2026, 10, 5), 0, 0, 0, 1),
        (date(2025, 12, 1), TODAY, 1, 1, 1, 0),
        (date(2021, 12, 1), TODAY, 5, 1, 1, 0),
        (date(2026, 1, 1), date(2026, 6, 30), 0, 6, 0, 0),
        (date(2026, 1, 1), date(2026, 7, 31), 1, 0, 5, 0),
        (date(2026, 3, 10), date(2026, 11, 25), 1, 0, 5, 2),
        (date(2026, 2, 10), date(2026, 9, 12), 0, 6, 0, 2),
    ],
)
def test_each_day_that_is_asked_for_is_counted_once(
    since: date, until: date, years: int, months: int, off: int, parts_by_day: int
) -> None:
    found = parts(Asked(since, until), TODAY)
    assert tuple(map(len, (found.years, found.months, found.off, found.days))) == (
        years,
        months,
        off,
        parts_by_day,
    )
    assert counted(found) == dict.fromkeys(days_of(since, until), 1)


def test_months_whose_days_are_gone_are_whole() -> None:
    found = parts(Asked(date(2024, 3, 10), date(2024, 4, 5)), TODAY)
    assert found == Parts((), (date(2024, 3, 1), date(2024, 4, 1)), (), ())
