"""What the lines of one reader in the ledger tell of leaving, and why: pure."""

from collections.abc import Iterator, Sequence
from datetime import date
from operator import itemgetter
from typing import NamedTuple
from zoneinfo import ZoneInfo

from paywall.membership.rules import HOLDING, Change, Source, Status
from paywall.reports.fold import Line

TELLING = (Change.ENDED, Change.CANCELING, Change.CANCEL_UNDONE)
# What is no word of Stripe's: a bill that had failed and was never paid; nothing was said.
UNPAID, UNSAID = "unpaid", ""


class Parting(NamedTuple):
    """A membership that ended, a cancellation that was asked for, or one that was taken back.

    `reason`, of an end only: Stripe's word for what the reader chose, or one of ours.
    """

    day: date
    plan_id: int
    source: Source
    change: Change
    reason: str


def partings(lines: Sequence[Line], zone: ZoneInfo) -> Iterator[Parting]:
    """Each of which the lines of one reader tell, under the day in `zone` on which it happened."""
    before: dict[int, Status] = {}
    for line in sorted(lines, key=itemgetter(0)):
        if line.change in TELLING and not _reads_on(line):
            reason = _reason(line, before.get(line.subscription_id))
            yield Parting(line.at.astimezone(zone).date(), line.plan_id, line.source, line.change, reason)
        before[line.subscription_id] = line.status


def _reads_on(line: Line) -> bool:
    """A change of currency writes an end into the ledger, too."""
    return line.change is Change.ENDED and line.status in HOLDING


def _reason(line: Line, before: Status | None) -> str:
    if line.change is not Change.ENDED:
        return UNSAID
    if line.feedback is not None:
        return line.feedback
    return UNPAID if before is Status.PAST_DUE else UNSAID
