"""Who may read now: what the door says, what is right, and for how long the two differed."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import select

from paywall.access.visitors import visitor
from paywall.accounts.models import Reader
from paywall.billing.gifts.models import Gift
from paywall.db import db
from paywall.membership.models import Plan
from tests.torture.oracle import Oracle, Sub

_NAMES = select(Reader.id, Reader.fs_uniquifier)
_GIVEN = select(Gift.redeemer_id, Plan.slug, Gift.ends_at).join(Plan).where(Gift.redeemer_id.is_not(None))


@dataclass
class Watch:
    """How long access differed from what was paid: since when it does, and the longest, in seconds.

    While nothing was under way, that is what the policy's slack and grace give.
    """

    since: dict[tuple[int, str], int] = field(default_factory=dict)
    longest: Counter[str] = field(default_factory=Counter)

    def note(self, reader: int, subs: list[Sub], doors: set[str], seen: Oracle, *, is_busy: bool) -> None:
        """Look at one reader at one instant."""
        paid = {sub.plan for sub in subs if sub.paid_until is not None and sub.paid_until > seen.now}
        for what, differs in (("over", bool(doors - paid)), ("under", bool(paid - doors))):
            key = (reader, what)
            if not differs:
                self.since.pop(key, None)
                continue
            since = self.since.setdefault(key, seen.now)
            name = f"{what}, {'events under way' if is_busy else 'nothing under way'}"
            self.longest[name] = max(self.longest[name], seen.now - since)


def held(now: int) -> dict[int, set[str]]:
    """The plans that the door would open to each reader now."""
    names, connection = db.session.execute(_NAMES).all(), db.session.connection()
    visitors = (visitor(connection, name, _instant(now)) for _, name in names)
    return {one.reader_id or 0: {holding.plan for holding in one.holdings} for one in visitors}


def wrong(reader: int, subs: list[Sub], doors: set[str], seen: Oracle) -> Iterator[str]:
    """Where the door errs about a reader. A gift opens it, too: whether that is good is another check."""
    right = {sub.plan for sub in subs if sub.until is not None and sub.until > seen.now}
    if right - doors:
        yield f"reader {reader} is locked out of {right - doors}"
    if doors - right:
        now, given = _instant(seen.now), db.session.execute(_GIVEN).all()
        doors = doors - {plan for whom, plan, ends in given if whom == reader and ends and ends > now}
    if doors - right:
        yield f"reader {reader} reads {doors - right} for nothing"


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
