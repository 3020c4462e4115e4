"""What a gift link is worth: its instants, its month, and who has come by it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from paywall.access.gift_links.rules import REMEMBERED, State, Terms, came_by, state

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("until", "revoked_at", "said"),
    [
        (NOW + INSTANT, None, State.GOOD),
        (NOW, None, State.EXPIRED),
        (NOW - INSTANT, None, State.EXPIRED),
        (NOW + DAY, NOW, State.REVOKED),
        (NOW - DAY, NOW - DAY, State.REVOKED),
    ],
)
def test_it_is_good_until_just_before_its_instant(
    until: datetime, revoked_at: datetime | None, said: State
) -> None:
    assert state(until, revoked_at, NOW) is said


@pytest.mark.parametrize(
    ("zone", "now", "began"),
    [
        (
            "Europe/Sofia",
            datetime(2026, 11, 30, 21, 59, 59, tzinfo=UTC),
            datetime(2026, 10, 31, 22, tzinfo=UTC),
        ),
        ("Europe/Sofia", datetime(2026, 11, 30, 22, tzinfo=UTC), datetime(2026, 11, 30, 22, tzinfo=UTC)),
        # It begins in summer time and ends in winter time.
        ("Europe/Sofia", datetime(2026, 10, 31, 12, tzinfo=UTC), datetime(2026, 9, 30, 21, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 12, 1, 4, 59, tzinfo=UTC), datetime(2026, 11, 1, 4, tzinfo=UTC)),
        ("UTC", datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)),
    ],
)
def test_the_month_begins_where_the_paper_is(zone: str, now: datetime, began: datetime) -> None:
    assert Terms(5, DAY, ZoneInfo(zone)).month(now) == began


@pytest.mark.parametrize(
    ("opened", "joined", "came"),
    [
        (NOW - DAY, NOW, True),
        (NOW, NOW, True),
        (NOW, NOW - INSTANT, False),
        (NOW - REMEMBERED + INSTANT, NOW, True),
        (NOW - REMEMBERED, NOW, False),
    ],
)
def test_who_joined_after_opening_it_has_come_by_it(opened: datetime, joined: datetime, came: bool) -> None:  # noqa: FBT001
    assert came_by(opened, joined, NOW) is came
