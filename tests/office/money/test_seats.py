"""Groups: each figure is what plain Python makes of the same groups and seats."""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paywall.billing.groups.models import Group, Seat
from paywall.membership.rules import HOLDING, Source, Status
from paywall.office.money import seats
from paywall.reports.asked import Asked
from tests.reports.house import (
    FEW,
    HOURS,
    PLAN,
    asked_for,
    at,
    check_rows,
    day,
    figures,
    house,
    table,
    within,
)

pytestmark = [
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("context"),
]


SUMS = {"Seats sold today": "Seats", "Filled today": "Filled", "Free today": "Free"}


class Class(NamedTuple):
    """A group, and its members: when each joined, and how long they stayed if they left."""

    made: int
    plan: str
    status: Status
    seats: int
    members: list[tuple[int, int | None]]


CLASS = st.builds(
    Class,
    HOURS,
    PLAN,
    st.sampled_from([Status.ACTIVE, Status.PAST_DUE, Status.CANCELED]),
    st.integers(2, 5),
    st.lists(st.tuples(HOURS, st.none() | st.integers(1, 500)), max_size=6),
)


@FEW
@given(classes=st.lists(CLASS, max_size=6), asked=asked_for())
def test_groups(classes: list[Class], asked: Asked) -> None:
    with house() as home:
        for one in classes:
            group = Group(subscription=home.held(one.plan, one.status, seats=one.seats), made_at=at(one.made))
            home.add(group)
            for joined, stayed in one.members:
                reader = home.held(one.plan, Status.ACTIVE, Source.GROUP).reader
                left = None if stayed is None else at(joined + stayed)
                home.add(Seat(group=group, reader=reader, joined_at=at(joined), left_at=left))
        report = seats.groups(asked)
        check_rows("groups", report, asked, **SUMS)
    mine = [one for one in classes if asked.plan in (None, one.plan)]
    held = [one for one in mine if one.status in HOLDING]
    filled = [1 + sum(stayed is None for _, stayed in one.members) for one in held]
    got = figures(report)
    assert got["Groups today"] == (len(held), None)
    assert got["Seats sold today"] == (sum(one.seats for one in held), None)
    assert got["Filled today"] == (sum(filled), None)
    free = [max(0, one.seats - taken) for one, taken in zip(held, filled, strict=True)]
    assert got["Free today"] == (sum(free), None)
    made = [at(one.made) for one in mine]
    came = [at(joined) for one in mine for joined, _ in one.members]
    went = [at(joined + stayed) for one in mine for joined, stayed in one.members if stayed is not None]
    for name, instants in (("New groups", made), ("Joined", came), ("Left", went)):
        assert got[name] == tuple(
            sum(within(one, some) for one in instants) for some in (asked, asked.before)
        )
        for row in table(report, "By month"):
            inside = [one for one in instants if within(one, asked)]
            assert row[name] == sum(day(one).replace(day=1) == row["Month"] for one in inside)
    assert sorted(row["Free"] for row in table(report, "Groups today")) == sorted(free)
