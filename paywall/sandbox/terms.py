"""When periods begin and end (pure): calendar months from the anchor, short months clamped."""

from calendar import monthrange
from datetime import UTC, datetime

_SECONDS = {"day": 86_400, "week": 7 * 86_400}
_MONTHS = {"month": 1, "year": 12}


def plus(instant: int, interval: str, count: int) -> int:
    """So many days, weeks, months or years later (Unix seconds, UTC)."""
    if interval in _SECONDS:
        return instant + count * _SECONDS[interval]
    return _plus_months(instant, count * _MONTHS[interval])


def period_end(anchor: int, start: int, interval: str, count: int) -> int:
    """The first instant after `start` that is whole periods from the anchor (31 Jan > 28 Feb > 31 Mar)."""
    step = 0
    if interval in _SECONDS:
        step = max(0, (start - anchor) // (count * _SECONDS[interval]))
    else:
        step = max(0, _months_between(anchor, start) // (count * _MONTHS[interval]) - 1)
    while plus(anchor, interval, step * count) <= start:
        step += 1
    return plus(anchor, interval, step * count)


def _months_between(earlier: int, later: int) -> int:
    a, b = datetime.fromtimestamp(earlier, UTC), datetime.fromtimestamp(later, UTC)
    return (b.year - a.year) * 12 + b.month - a.month


def _plus_months(instant: int, months: int) -> int:
    start = datetime.fromtimestamp(instant, UTC)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    day = min(start.day, monthrange(year, month + 1)[1])
    return int(start.replace(year=year, month=month + 1, day=day).timestamp())
