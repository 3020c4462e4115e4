"""By which sums a stretch of days is answered quickest: whole years, whole months, and single days. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from paywall.access.journey.steps import DAYS_KEPT
from paywall.reports.asked import DAY, Asked, plus_months


@dataclass(frozen=True, slots=True)
class Parts:
    """What is added up: years and months by their first days, and stretches of days.

    `off` are months that are in one of the years and were not asked for: they are taken off again.
    """

    years: tuple[date, ...]
    months: tuple[date, ...]
    off: tuple[date, ...]
    days: tuple[Asked, ...]


def parts(asked: Asked, today: date) -> Parts:
    """Of a year: all of it without some months if that is less to add up, or else its months."""
    by_month = list(asked.months())
    whole = [part.since.replace(day=1) for part in by_month if is_whole(part, today)]
    years: list[date] = []
    months: list[date] = []
    off: list[date] = []
    for year, some in groupby(whole, key=lambda month: month.replace(month=1)):
        wanted = list(some)
        others = [month for month in _months(year) if month not in wanted]
        if len(others) < len(wanted):
            years.append(year)
            off += others
        else:
            months += wanted
    days = tuple(part for part in by_month if not is_whole(part, today))
    return Parts(tuple(years), tuple(months), tuple(off), days)


def is_whole(part: Asked, today: date) -> bool:
    """Whether a part of a calendar month is all of it that there is: it begins at its first day, and ends
    with it or today. Of months whose days are no longer kept we know nothing but the whole.
    """
    ends = (part.until + DAY).day == 1 or part.until >= today
    return (part.since.day == 1 and ends) or part.since < today - DAYS_KEPT


def _months(year: date) -> Iterator[date]:
    return (plus_months(year, number) for number in range(12))
