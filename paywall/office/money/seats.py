"""Groups: who owns one, how many seats they pay for, how many are filled, and how many are free."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

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
    figures = (
        Figure("Groups today", len(now), None, GROUPS),
        Figure("Seats sold today", sold, None, SOLD),
        Figure("Filled today", filled, None, FILLED),
        Figure("Free today", sum(one.free for one in now), None, FREE),
        _moved("New groups", Group.made_at, asked, NEW),
        _moved("Joined", Seat.joined_at, asked, JOINED, "joined"),
        _moved("Left", Seat.left_at, asked, LEFT),
    )
    return Report("Groups", figures, (_table(now), _by_month(asked)))


@page.behind("groups", "joined", "Members who joined", COLUMNS)
def joined(asked: Asked) -> Iterator[Row]:
    """Each of them, oldest first."""
    query = _asked_for(select(Seat), Seat.joined_at, asked).order_by(Seat.joined_at, Seat.id)
    owner = joinedload(Seat.group).joinedload(Group.subscription).joinedload(Subscription.reader)
    for (seat,) in streamed(query.options(joinedload(Seat.reader), owner)):
        left = asked.day_of(seat.left_at) if seat.left_at else None
        why = seat.why.value if seat.why else None
        yield (asked.day_of(seat.joined_at), seat.reader.email, seat.group.owner.email, left, why)


def today(asked: Asked) -> list[Filled]:
    """The groups whose owner holds the membership, by the owner's address."""
    taken = select(func.count()).where(Seat.group_id == Group.id, Seat.left_at.is_(None)).scalar_subquery()
    query: Any = (
        select(Group, Subscription, Reader.email, Plan.name, taken.label("taken"))
        .join(Subscription, Subscription.id == Group.subscription_id)
        .join(Reader, Reader.id == Subscription.reader_id)
        .join(Plan, Plan.id == Subscription.plan_id)
        .where(Subscription.status.in_(HOLDING))
        .order_by(Reader.email, Group.id)
    )
    if asked.plan:
        query = query.where(Plan.slug == asked.plan)
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
    ]


def _table(now: list[Filled]) -> Table:
    columns = (
        Column("Owner"),
        Column("Plan"),
        *(Column(name, Kind.NUMBER) for name in ("Seats", "Filled", "Free")),
        Column("Since", Kind.DAY),
        Column("Ends", Kind.DAY),
    )
    lines = [(one.owner, one.plan, one.seats, one.filled, one.free, one.since, one.ends) for one in now]
    return Table("Groups today", "Each group whose owner holds the membership.", columns, lines)


def _by_month(asked: Asked) -> Table:
    columns = (
        Column("Month", Kind.MONTH),
        *(Column(name, Kind.NUMBER) for name in ("New groups", "Joined", "Left")),
    )
    moved = (Group.made_at, Seat.joined_at, Seat.left_at)
    lines: list[Row] = [
        (month.since.replace(day=1), *(_count(column, month) for column in moved)) for month in asked.months()
    ]
    meaning = "Groups by the month in which they were made, members by the one in which they came or went."
    return Table("By month", meaning, columns, lines, Chart(Shape.BARS, ("Joined", "Left")))


def _moved(name: str, column: Any, asked: Asked, meaning: str, behind: str | None = None) -> Figure:
    return Figure(name, _count(column, asked), _count(column, asked.before), meaning, behind)


def _count(column: Any, asked: Asked) -> int:
    query = _asked_for(select(func.count()).select_from(column.class_), column, asked)
    return db.session.scalar(query) or 0


def _asked_for(query: Any, column: Any, asked: Asked) -> Any:
    query = query.where(column >= asked.start, column < asked.end)
    if asked.plan is None:
        return query
    if column.class_ is Seat:
        query = query.join(Group, Group.id == Seat.group_id)
    of_plan = query.join(Subscription, Subscription.id == Group.subscription_id)
    return of_plan.join(Plan, Plan.id == Subscription.plan_id).where(Plan.slug == asked.plan)
