"""What the lines of one reader in the ledger add to the figures, day by day: pure."""

import enum
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple
from zoneinfo import ZoneInfo

from paywall.membership.rules import Change, Source, Status

ALL_PLANS = 0
ALL_SOURCES = ""
# Patrons and members are counted whatever they pay in.
NO_CURRENCY = ""


class Kind(enum.StrEnum):
    """What is counted. The stocks are net changes of a day; all others count how often it happened."""

    # As the text that it is: an Enum's own hash takes most of the time of a roll-up.
    __hash__ = str.__hash__

    ACTIVE = "active"
    TRIAL = "trial"
    GRACE = "grace"
    MEMBERS = "members"
    JOINED = "joined"
    REJOINED = "rejoined"
    LEFT = "left"
    NEW = "new"
    RETURNING = "returning"
    UP = "up"
    DOWN = "down"
    LOST = "lost"
    TRIAL_BEGUN = "trial_begun"
    TRIAL_CONVERTED = "trial_converted"
    TRIAL_ENDED = "trial_ended"


# A patron is one of these; with several memberships the first that fits.
STOCKS = (Kind.ACTIVE, Kind.GRACE, Kind.TRIAL)
STANDINGS = {Status.ACTIVE: Kind.ACTIVE, Status.PAST_DUE: Kind.GRACE, Status.TRIALING: Kind.TRIAL}
PAID = (Kind.ACTIVE, Kind.GRACE)
SEAT = Source.GROUP
# In minor units a month, with the sign that it has for the sum.
MONEY = (Kind.NEW, Kind.RETURNING, Kind.UP, Kind.DOWN, Kind.LOST)


class Line(NamedTuple):
    """One line of the ledger. `delta` in minor units of `currency`; `feedback`: why it ended, if told."""

    id: int
    at: datetime
    reader_id: int
    subscription_id: int
    plan_id: int
    source: Source
    change: Change
    status: Status
    delta: int
    currency: str
    feedback: str | None = None


class Scope(NamedTuple):
    """Whose memberships count: those of a plan, or all; from a source, or all."""

    plan_id: int = ALL_PLANS
    source: str = ALL_SOURCES


@dataclass(frozen=True, slots=True, eq=False)
class Alike:
    """Scopes in which a reader stands the same: if they only ever held one kind, all in which it counts."""

    scopes: tuple[Scope, ...]


class Move(NamedTuple):
    """One reader's part of a figure of one day. `cohort`: their first month as a patron, in these scopes."""

    day: date
    alike: Alike
    currency: str
    kind: Kind
    readers: int
    amount: int
    cohort: date


def moves(lines: Sequence[Line], zone: ZoneInfo) -> Iterator[Move]:
    """What all lines of one reader add to the figures, for all scopes that they touch, in order of days.

    A day's end is compared with the end of the day before, in `zone`: what is undone on the same day is
    nothing. Trials stand under the day on which they began, with what has become of them by the last line.
    """
    counts_in = _as_one if len({(line.plan_id, line.source) for line in lines}) == 1 else _apart
    held: defaultdict[int, _Held] = defaultdict(_Held)
    seen: defaultdict[Alike, _Seen] = defaultdict(_Seen)
    for day, news in groupby(in_force(lines, zone), key=itemgetter(0)):
        touched: dict[Alike, None] = {}
        for _, line in news:
            one = held[line.subscription_id]
            touched |= dict.fromkeys(one.counts)
            one.take(line, day, counts_in(line.plan_id, line.source))
            touched |= dict.fromkeys(one.counts)
        for alike in touched:
            yield from seen[alike].end_of(day, alike, [one for one in held.values() if alike in one.counts])
    for one in held.values():
        yield from one.told_trials()


def in_force(lines: Iterable[Line], zone: ZoneInfo) -> list[tuple[date, Line]]:
    """The lines in the order of what happened, each with the day in `zone` from which on it counts.

    News can come late: then a line that was written later says of an earlier instant. It holds from that
    instant on, and what was written about the same membership before it cannot hold any later.
    """
    bound: dict[int, datetime] = {}
    found = []
    for line in sorted(lines, key=itemgetter(0), reverse=True):
        at = min(line.at, bound.get(line.subscription_id, line.at))
        bound[line.subscription_id] = at
        found.append((at, line))
    found.sort(key=lambda one: (one[0], one[1].id))
    return [(at.astimezone(zone).date(), line) for at, line in found]


def month_of(day: date) -> date:
    """The first of its month."""
    return day.replace(day=1)


@cache
def _as_one(plan_id: int, source: Source) -> tuple[Alike, ...]:
    return (Alike((Scope(), Scope(plan_id), Scope(source=source.value), Scope(plan_id, source.value))),)


@cache
def _apart(plan_id: int, source: Source) -> tuple[Alike, ...]:
    (one,) = _as_one(plan_id, source)
    return tuple(_alone(scope) for scope in one.scopes)


@cache
def _alone(scope: Scope) -> Alike:
    return Alike((scope,))


@dataclass(slots=True)
class _Trial:
    day: date
    counts: tuple[Alike, ...]
    outcome: Kind | None = None


@dataclass(slots=True)
class _Held:
    """One subscription as the lines so far have it."""

    standing: Kind | None = None
    is_seat: bool = False
    counts: tuple[Alike, ...] = ()
    money: dict[str, int] = field(default_factory=dict)
    trials: list[_Trial] = field(default_factory=list)

    def take(self, line: Line, day: date, counts: tuple[Alike, ...]) -> None:
        self.standing, self.is_seat, self.counts = STANDINGS.get(line.status), line.source is SEAT, counts
        if line.delta:
            self.money[line.currency] = self.money.get(line.currency, 0) + line.delta
        if line.change is Change.TRIAL_STARTED and not self.is_seat:
            self.trials.append(_Trial(day, counts))
        elif self.trials:
            self._judge(self.trials[-1])

    def _judge(self, trial: _Trial) -> None:
        """Once it was paid for it has converted, whatever comes; till then it goes by where it stands."""
        if trial.outcome is Kind.TRIAL_CONVERTED:
            return
        if self.standing in PAID:
            trial.outcome = Kind.TRIAL_CONVERTED
        else:
            trial.outcome = None if self.standing else Kind.TRIAL_ENDED

    def told_trials(self) -> Iterator[Move]:
        for trial in self.trials:
            for alike in trial.counts:
                for kind in filter(None, (Kind.TRIAL_BEGUN, trial.outcome)):
                    yield Move(trial.day, alike, NO_CURRENCY, kind, 1, 0, month_of(trial.day))


@dataclass(slots=True)
class _Seen:
    """Where a reader stood, in scopes that are alike, when the last day ended."""

    standing: Kind | None = None
    is_member: bool = False
    cohort: date | None = None
    money: dict[str, int] = field(default_factory=dict)

    def end_of(self, day: date, alike: Alike, held: Sequence[_Held]) -> Iterator[Move]:
        standing = _standing(held)
        is_first = self.cohort is None
        if is_first and standing:
            self.cohort = month_of(day)
        cohort = self.cohort or month_of(day)
        for kind, by in _crossed(self.standing, standing, is_first=is_first):
            yield Move(day, alike, NO_CURRENCY, kind, by, 0, cohort)
        self.standing = standing
        is_member = any(one.is_seat and one.standing for one in held)
        if is_member != self.is_member:
            yield Move(day, alike, NO_CURRENCY, Kind.MEMBERS, is_member - self.is_member, 0, cohort)
        self.is_member = is_member
        for currency, kind, by in self._paid(held):
            yield Move(day, alike, currency, kind, 1, by, cohort)

    def _paid(self, held: Sequence[_Held]) -> Iterator[tuple[str, Kind, int]]:
        """What a reader pays a month in each currency; who is in `money` has paid in it before."""
        now: dict[str, int] = {}
        for one in held:
            for currency, amount in one.money.items():
                now[currency] = now.get(currency, 0) + amount
        for currency in {**self.money, **now}:
            before, after = self.money.get(currency, 0), now.get(currency, 0)
            if before != after:
                yield currency, _called(before, after, is_first=currency not in self.money), after - before
                self.money[currency] = after


def _standing(held: Iterable[_Held]) -> Kind | None:
    found = [one.standing for one in held if not one.is_seat]
    return next((kind for kind in STOCKS if kind in found), None)


def _crossed(before: Kind | None, after: Kind | None, *, is_first: bool) -> Iterator[tuple[Kind, int]]:
    if before is after:
        return
    if before:
        yield before, -1
    if after:
        yield after, 1
    if before is None:
        yield (Kind.JOINED if is_first else Kind.REJOINED), 1
    elif after is None:
        yield Kind.LEFT, 1


def _called(before: int, after: int, *, is_first: bool) -> Kind:
    if before == 0:
        return Kind.NEW if is_first else Kind.RETURNING
    if after == 0:
        return Kind.LOST
    return Kind.UP if after > before else Kind.DOWN
