"""Why they leave: each figure is what plain Python makes of the same lines of the ledger."""

from collections import Counter
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paywall.membership.models import MembershipEvent
from paywall.membership.rules import HOLDING, Change, Source, Status
from paywall.reports import leaving
from paywall.reports.asked import Asked
from tests.reports.house import (
    FEW,
    HOURS,
    PLAN,
    START,
    ZONE,
    House,
    asked_for,
    at,
    check_rows,
    day,
    figures,
    house,
    share,
    table,
    within,
)

pytestmark = [
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("context"),
]


class Leaver(NamedTuple):
    """A membership: a line of the ledger before its last, and its last."""

    plan: str
    source: Source
    before: Status
    change: Change
    status: Status
    feedback: str | None
    hour: int


LEAVER = st.builds(
    Leaver,
    PLAN,
    st.sampled_from([Source.STRIPE, Source.PATREON, Source.GIFT, Source.GROUP]),
    st.sampled_from([Status.ACTIVE, Status.PAST_DUE]),
    st.sampled_from([Change.ENDED, Change.ENDED, Change.ENDED, Change.CANCELING, Change.CANCEL_UNDONE]),
    st.sampled_from([Status.CANCELED, Status.CANCELED, Status.UNPAID, Status.ACTIVE]),
    st.sampled_from([None, None, "unused", "too_expensive", "a_new_word"]),
    HOURS,
)


def write(home: House, one: Leaver) -> None:
    """A membership with two lines in the ledger."""
    held = home.held(one.plan, one.status, one.source)
    same: dict[str, Any] = {"reader_id": held.reader_id, "subscription_id": held.id, "plan_id": held.plan_id}
    same |= {"source": one.source, "monthly_delta": 0, "currency": "eur"}
    home.add(MembershipEvent(at=START, change=Change.STARTED, status=one.before, **same))
    last = {"change": one.change, "status": one.status, "feedback": one.feedback}
    home.add(MembershipEvent(at=at(one.hour), **last, **same))


def is_asked(one: Leaver, asked: Asked) -> bool:
    """Whether it counts among those asked for: one that reads on has not left."""
    sources = (asked.source,) if asked.source else (Source.STRIPE, Source.PATREON)
    is_end = one.change is not Change.ENDED or one.status not in HOLDING
    return is_end and within(at(one.hour), asked) and asked.plan in (None, one.plan) and one.source in sources


def reason(one: Leaver) -> str:
    """Why someone left, in words."""
    if one.feedback:
        return leaving.SAID.get(one.feedback, "A new word")
    unpaid = one.before is Status.PAST_DUE
    return "Never paid a bill that had failed" if unpaid else "Said nothing"


@FEW
@given(leavers=st.lists(LEAVER, max_size=16), asked=asked_for(), source=st.sampled_from([None, *Source]))
def test_leaving(leavers: list[Leaver], asked: Asked, source: Source | None) -> None:
    asked = Asked(asked.since, asked.until, asked.plan, source, ZONE)
    with house() as home:
        for one in leavers:
            write(home, one)
        report = leaving.leaving(asked)
        rows = list(leaving.left(asked))
        check_rows("leaving", report, asked)

    def of(some: Asked, *changes: Change) -> list[Leaver]:
        return [one for one in leavers if one.change in changes and is_asked(one, some)]

    now, before, got = of(asked, Change.ENDED), of(asked.before, Change.ENDED), figures(report)
    assert got["Left"] == (len(now), len(before)) == (len(rows), len(before))
    assert got["Gave a reason"][0] == sum(one.feedback is not None for one in now)
    assert got["Never paid"][0] == sum(reason(one).startswith("Never") for one in now)
    for name, change in (("Asked to end", Change.CANCELING), ("Changed their minds", Change.CANCEL_UNDONE)):
        assert got[name] == (len(of(asked, change)), len(of(asked.before, change)))
    counted, earlier = Counter(map(reason, now)), Counter(map(reason, before))
    for row in table(report, "Reasons"):
        assert (row["Left"], row["Before"]) == (counted[row["Reason"]], earlier[row["Reason"]])
        assert row["Share"] == share(row["Left"], len(now))
    assert {row["Reason"] for row in table(report, "Reasons")} == set(counted) | set(earlier)
    for row in table(report, "Reasons by month"):
        monthly = Counter(reason(one) for one in now if day(at(one.hour)).replace(day=1) == row["Month"])
        assert {name: count for name, count in row.items() if name != "Month" and count} == monthly
