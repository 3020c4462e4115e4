"""What time it is: the only place that asks, so that demo mode and tests can move it."""

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def _wall() -> datetime:
    return datetime.now(UTC)


_source: Callable[[], datetime] = _wall


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return _source()


def wall() -> datetime:
    """The machine's own time, never moved: for signs of life and back-off, not for what a reader holds."""
    return _wall()


def month_start(instant: datetime, zone: ZoneInfo) -> datetime:
    """When the calendar month of `zone` began in which an instant lies; aware UTC."""
    first = instant.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
    return first.astimezone(UTC)


def use(source: Callable[[], datetime] | None) -> None:
    """Take the time from `source` (aware UTC) from now on; None puts the wall clock back."""
    global _source
    _source = source or _wall
