"""What a gift link is worth, and how many a patron has: pure."""

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from paywall import clock

# Who signs up this long after they have opened a link has come by it.
REMEMBERED = timedelta(days=30)


class State(enum.StrEnum):
    """What came of looking at the token in an address: GOOD opens the article, the others do not."""

    GOOD = "good"
    EXPIRED = "expired"
    REVOKED = "revoked"
    UNKNOWN = "unknown"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True)
class Terms:
    """How many links a patron may give each calendar month of `zone`, and for how long one is good."""

    a_month: int
    good_for: timedelta
    zone: ZoneInfo

    def month(self, now: datetime) -> datetime:
        """When the month of `now` began, in aware UTC."""
        return clock.month_start(now, self.zone)


def state(until: datetime, revoked_at: datetime | None, now: datetime) -> State:
    """How a link stands at `now`."""
    if revoked_at is not None:
        return State.REVOKED
    return State.GOOD if now < until else State.EXPIRED


def came_by(opened_at: datetime, joined_at: datetime, now: datetime) -> bool:
    """Whether who signs in at `now` has come by a link opened at `opened_at`: the account is younger."""
    return opened_at <= joined_at and now < opened_at + REMEMBERED
