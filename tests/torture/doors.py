"""Who may read now: what the door says, what is right, and for how long the two differed."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import select

from paywall.access.meter import NONE_FREE
from paywall.access.visitors import Readers
from paywall.accounts.models import Reader
from paywall.billing.gifts.models import Gift
from paywall.db import db
from paywall.membership.models import Plan
from tests.torture.oracle import Policy, Sub

READERS = Readers(NONE_FREE)
NAMES = select(Reader.id, Reader.fs_uniquifier)
GIVEN = select(Gift.redeemer_id, Plan.slug, Gift.ends_at).join(Plan).where(Gift.redeemer_id.is_not(None))


@dataclass(frozen=True)
class Doors:
    """The plans that the door would open to each reader at an instant, and those that a gift may open."""

    now: int
    open: dict[int, set[str]]
    given: dict[int, set[str]]

    def wrong(self, reader: int, subs: list[Sub]) -> Iterator[str]:
        """Where the door errs about a reader. Whether a gift is good is another check."""
        right = {sub.plan for sub in subs if sub.until is not None and sub.until > self.now}
        if locked := right - self.open[reader]:
            yield f"reader {reader} is locked out of {locked}"
        if free := self.open[reader] - right - self.given[reader]:
            yield f"reader {reader} reads {free} for nothing"


@dataclass
class Watch:
    """How long access differed from what was paid, slack and grace not counted: the longest, in seconds.

    "over": someone read on; "under": someone was locked out. "calm": while no event was under way.
    """

    since: dict[tuple[int, str], int] = field(default_factory=dict)
    longest: Counter[str] = field(default_factory=Counter)

    def note(self, reader: int, subs: list[Sub], doors: Doors, *, is_busy: bool) -> None:
        """Look at one reader at one instant."""
        paid = {sub.plan for sub in subs if sub.paid_until is not None and sub.paid_until > doors.now}
        differ = {
            "over": bool(doors.open[reader] - paid - doors.given[reader]),
            "under": bool(paid - doors.open[reader]),
        }
        for what, differs in differ.items():
            for name, counts in ((f"{what}, calm", not is_busy), (f"{what}, events under way", is_busy)):
                if not (differs and counts):
                    self.since.pop((reader, name), None)
                    continue
                since = self.since.setdefault((reader, name), doors.now)
                self.longest[name] = max(self.longest[name], doors.now - since)

    def too_long(self, policy: Policy) -> Iterator[str]:
        """Where access differed for longer than the policy allows, with no event that could be waited for."""
        if self.longest["over, calm"] > max(policy.slack, policy.grace):
            yield f"someone read on for {self.longest['over, calm']} seconds"
        if self.longest["under, calm"]:
            yield f"someone was locked out for {self.longest['under, calm']} seconds"


def look(now: int) -> Doors:
    """Try the door for everyone."""
    names, connection = db.session.execute(NAMES).all(), db.session.connection()
    instant = datetime.fromtimestamp(now, UTC)
    known = (READERS.by_session(connection, name, "", instant) for _, name in names)
    visitors = [one.visitor for one in known if one]
    given: dict[int, set[str]] = defaultdict(set)
    for reader, plan, ends in db.session.execute(GIVEN):
        if reader and ends and ends > instant:
            given[reader].add(plan)
    return Doors(now, {one.reader_id or 0: {held.plan for held in one.holdings} for one in visitors}, given)
