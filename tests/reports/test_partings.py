"""What a line of the ledger tells of leaving: tables, with the instants at which days begin."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from paywall.membership.rules import Change, Source, Status
from paywall.reports.fold import Line
from paywall.reports.partings import Parting, partings

SOFIA = ZoneInfo("Europe/Sofia")
MAY = datetime(2026, 5, 10, 12, tzinfo=UTC)


def line(
    number: int,
    change: Change,
    status: Status,
    feedback: str | None = None,
    *,
    at: datetime = MAY,
    subscription: int = 1,
) -> Line:
    return Line(number, at, 1, subscription, 7, Source.STRIPE, change, status, 0, "eur", feedback)


FAILED = line(2, Change.FAILED, Status.PAST_DUE)
ENDED = line(3, Change.ENDED, Status.CANCELED)


@pytest.mark.parametrize(
    ("lines", "reasons"),
    [
        ([ENDED], [""]),
        ([line(3, Change.ENDED, Status.CANCELED, "unused")], ["unused"]),
        ([FAILED, ENDED], ["unpaid"]),
        ([FAILED, line(3, Change.ENDED, Status.UNPAID, "unused")], ["unused"]),
        ([FAILED._replace(subscription_id=2), ENDED], [""]),
        ([FAILED, line(1, Change.STARTED, Status.ACTIVE), ENDED], ["unpaid"]),
        ([FAILED, line(4, Change.RECOVERED, Status.ACTIVE), ENDED._replace(id=5)], [""]),
        ([FAILED._replace(id=4), ENDED], [""]),
        ([FAILED, line(3, Change.ENDED, Status.PAST_DUE), line(4, Change.STARTED, Status.PAST_DUE)], []),
    ],
)
def test_why_a_membership_ended(lines: list[Line], reasons: list[str]) -> None:
    for order in (lines, lines[::-1]):
        assert [one.reason for one in partings(order, SOFIA)] == reasons


def test_cancellations_are_told_with_no_reason_and_nothing_else_is() -> None:
    lines = [line(number, change, Status.ACTIVE, "unused") for number, change in enumerate(Change, start=1)]
    found = [(one.change, one.reason) for one in partings(lines, SOFIA)]
    assert found == [(Change.CANCELING, ""), (Change.CANCEL_UNDONE, "")]


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (datetime(2026, 4, 30, 20, 59, 59, tzinfo=UTC), date(2026, 4, 30)),
        (datetime(2026, 4, 30, 21, tzinfo=UTC), date(2026, 5, 1)),
    ],
)
def test_the_day_is_that_of_the_line_where_the_paper_is_made(at: datetime, day: date) -> None:
    later = line(4, Change.STARTED, Status.ACTIVE, at=at.replace(month=1))
    told = list(partings([ENDED._replace(at=at), later], SOFIA))
    assert told == [Parting(day, 7, Source.STRIPE, Change.ENDED, "")]
