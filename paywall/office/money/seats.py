"""Groups: who owns one, how many seats they pay for, how many are filled, and how many are free."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import aliased, joinedload

from paywall.accounts.models import Reader
from paywall.billing.groups.models import Group, Seat
from paywall.db import db, streamed
from paywall.membership.models import Plan, Subscription
from paywall.membership.rules import HOLDING
from paywall.reports import page
from paywall.reports.asked import Asked
from paywall.reports.page import Chart, Column, Figure, Kind, Report, Row, Shape, Table

GROUPS = "Groups whose owner holds the membership today, whatever days are asked for."
SOLD = "Seats that the owners of these groups pay for today; the owner has one of them."
FILLED = "Of those, the owners' own and those that members have taken."
FREE = "Of those, what nobody has taken yet."
JOINED = "Members who took a seat in these days."
LEFT = "Members who lost or gave up a seat in these days, also by the end of the group."
NEW = "Groups that were made in these days."
COLUMNS = (
    Column("Joined", Kind.DAY),
    Column("Member"),
    Column("Owner"),
    Column("Left", Kind.DAY),
    Column("Why"),
)

GROUP = (
    Column("Owner"),
    Column("Plan"),
    *(Column(name, Kind.NUMBER) for name in ("Seats", "Filled", "Free")),
    Column("Since", Kind.DAY),
    Column("Ends", Kind.DAY),
)


@dataclass(frozen=True, slots=True)
class Filled:
    """A group today; `filled` with its owner."""

    owner: str
    plan: str
    seats: int
    filled: int
    since: date
    ends: date | None

    @property
    def free(self) -> int:
        """Seats that nobody has taken; none while more are taken than paid for."""
        return max(0, self.seats - self.filled)


@page.report("groups", "Groups", narrows=("plan",))
def groups(asked: Asked) -> Report:
    """The groups of today, and how they have changed in the days that were asked for."""
    now = today(asked)
    sold, filled = sum(one.seats for one in now), sum(one.filled for one in now)
    moved = [_by_months(column, asked) for column in (Group.made_at, Seat.joined_at, Seat.left_at)]
    figures = (
        Figure("Groups today", len(now), None, GROUPS, "today"),
        Figure("Seats sold today", sold, None, SOLD, "today"),
        Figure("Filled today", filled, None, FILLED, "today"),
        Figure("Free today", sum(one.free for one in now), None, FREE, "today"),
        Figure("New groups", moved[0].total(), _count(Group.made_at, asked.before), NEW, "new"),
        Figure("Joined", moved[1].total(), _count(Seat.joined_at, asked.before), JOINED, "joined"),
        Figure("Left", moved[2].total(), _count(Seat.left_at, asked.before), LEFT, "left"),
    )
    return Report("Groups", figures, (_table(now), _by_month(asked, moved)))


@page.behind("groups", "joined", "Members who joined", COLUMNS)
def joined(asked: Asked) -> Iterator[Row]:
    """Each of them, oldest first."""
    return _members(Seat.joined_at, asked)


@page.behind("groups", "left", "Members who left", COLUMNS)
def left(asked: Asked) -> Iterator[Row]:
    """Each of them, in the order in which they left."""
    return _members(Seat.left_at, asked)


@page.behind("groups", "today", "Groups today", GROUP)
def every(asked: Asked) -> Iterator[Row]:
    """Each whose owner holds the membership."""
    return map(_row, today(asked))


@page.behind("groups", "new", "New groups", (Column("Made", Kind.DAY), Column("Owner"), Column("Plan")))
def new(asked: Asked) -> Iterator[Row]:
    """Each that was made, whatever became of it."""
    query = _asked_for(select(Group.made_at, Reader.email, Plan.name), Group.made_at, asked)
    query = query.join(Subscription, Subscription.id == Group.subscription_id)
    query = query.join(Reader, Reader.id == Subscription.reader_id).join(
        Plan, Plan.id == Subscription.plan_id
    )
    for made_at, owner, plan in streamed(query.order_by(Group.made_at, Group.id)):
        yield (asked.day_of(made_at), owner, plan)


def _members(column: Any, asked: Asked) -> Iterator[Row]:
    query = _asked_for(select(Seat), column, asked).order_by(column, Seat.id)
    owner = joinedload(Seat.group).joinedload(Group.subscription).joinedload(Subscription.reader)
    for (seat,) in streamed(query.options(joinedload(Seat.reader), owner)):
        gone = asked.day_of(seat.left_at) if seat.left_at else None
        why = seat.why.value if seat.why else None
        yield (asked.day_of(seat.joined_at), seat.reader.email, seat.group.owner.email, gone, why)


def today(asked: Asked) -> list[Filled]:
    """The groups whose owner holds the membership, by the owner's address."""
    taken = select(func.count()).where(Seat.group_id == Group.id, Seat.left_at.is_(None)).scalar_subquery()
    query: Any = (
        select(Group, Subscription, Reader.email, Plan.name, Plan.slug, taken.label("taken"))
        .join(Subscription, Subscription.id == Group.subscription_id)
        .join(Reader, Reader.id == Subscription.reader_id)
        .join(Plan, Plan.id == Subscription.plan_id)
        .order_by(Reader.email, Group.id)
    )
    # Told apart here and not in the query, which would begin with all memberships in place of all groups.
    return [
        Filled(
            owner=row.email,
            plan=row.name,
            seats=row.Subscription.seats,
            filled=1 + row.taken,
            since=asked.day_of(row.Group.made_at),
            ends=asked.day_of(row.Subscription.cancel_at) if row.Subscription.cancel_at else None,
        )
        for row in db.session.execute(query)
        if row.Subscription.status in HOLDING and asked.plan in (None, row.slug)
    ]


def _table(now: list[Filled]) -> Table:
    return Table("Groups today", "Each group whose owner holds the membership.", GROUP, list(map(_row, now)))


def _row(one: Filled) -> Row:
    return (one.owner, one.plan, one.seats, one.filled, one.free, one.since, one.ends)


def _by_month(asked: Asked, moved: Sequence[Counter[date]]) -> Table:
    columns = (
        Column("Month", Kind.MONTH),
        *(Column(name, Kind.NUMBER) for name in ("New groups", "Joined", "Left")),
    )
    firsts = [month.since.replace(day=1) for month in asked.months()]
    lines: list[Row] = [(first, *(counted[first] for counted in moved)) for first in firsts]
    meaning = "Groups by the month in which they were made, members by the one in which they came or went."
    return Table("By month", meaning, columns, lines, Chart(Shape.BARS, ("Joined", "Left")))


def _by_months(column: Any, asked: Asked) -> Counter[date]:
    """How often it happened in each month, by its first day."""
    return Counter(asked.month_of(at) for (at,) in streamed(_asked_for(select(column), column, asked)))


def _count(column: Any, asked: Asked) -> int:
    query = _asked_for(select(func.count()).select_from(column.class_), column, asked)
    return db.session.scalar(query) or 0


def _asked_for(query: Any, column: Any, asked: Asked) -> Any:
    """Those of some days and of a plan. Which plan, is asked of each group: there are few of them."""
    query = query.where(column >= asked.start, column < asked.end)
    if asked.plan is None:
        return query
    group = Seat.group_id if column.class_ is Seat else Group.id
    held, whose = aliased(Subscription), aliased(Group)
    plan = select(Plan.slug).join(held, held.plan_id == Plan.id).join(whose, whose.subscription_id == held.id)
    return query.where(plan.where(whose.id == group).scalar_subquery() == asked.plan)
