"""Moves of many readers added up, by day and by cohort, and their partings by day: pure."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

from paywall.reports.fold import MONEY, STOCKS, Kind, Move, Scope, month_of
from paywall.reports.partings import Parting

# What a kind says of how many pay.
PAYERS = {Kind.NEW: 1, Kind.RETURNING: 1, Kind.LOST: -1}
# By how much a cohort grows with each reader.
COHORTS = dict.fromkeys(STOCKS, 1) | dict.fromkeys(MONEY, 0) | PAYERS


class DayKey(NamedTuple):
    """What a row of the days stands for."""

    scope: Scope
    day: date
    currency: str
    kind: Kind


class CohortKey(NamedTuple):
    """What a row of the cohorts stands for; without a currency it counts patrons, else who pays in it."""

    scope: Scope
    currency: str
    cohort: date
    month: date


class Sum(NamedTuple):
    """How many readers, and how much money in minor units."""

    readers: int = 0
    amount: int = 0

    def plus(self, readers: int, amount: int) -> "Sum":
        """Both with more to them."""
        return Sum(self.readers + readers, self.amount + amount)


class Tally:
    """Sums that grow by moves and partings, and shrink by those that are taken back."""

    def __init__(self) -> None:
        self._days: _Growing = defaultdict(lambda: [0, 0])
        self._cohorts: _Growing = defaultdict(lambda: [0, 0])
        self._partings: defaultdict[Parting, int] = defaultdict(int)

    def add(self, moves: Iterable[Move], *, sign: int = 1) -> None:
        """Count these moves; with a `sign` of -1 they are no more."""
        for day, alike, currency, kind, readers, amount, cohort in moves:
            total = self._days[alike, day, currency, kind]
            total[0] += sign * readers
            total[1] += sign * amount
            by = COHORTS.get(kind)
            if by is not None:
                total = self._cohorts[alike, currency, cohort, month_of(day)]
                total[0] += sign * by * readers
                total[1] += sign * amount

    def part(self, partings: Iterable[Parting], *, sign: int = 1) -> None:
        """Count these partings; with a `sign` of -1 they are no more."""
        for parting in partings:
            self._partings[parting] += sign

    def days(self) -> dict[DayKey, Sum]:
        """What has come to anything, by day."""
        return {DayKey(*key): total for key, total in _expanded(self._days).items()}

    def cohorts(self) -> dict[CohortKey, Sum]:
        """The same by cohort."""
        return {CohortKey(*key): total for key, total in _expanded(self._cohorts).items()}

    def partings(self) -> dict[Parting, int]:
        """How often there was each parting, where it has come to anything."""
        return {parting: number for parting, number in self._partings.items() if number}


_Growing = defaultdict[tuple[Any, ...], list[int]]


def _expanded(sums: _Growing) -> dict[tuple[Any, ...], Sum]:
    """By scope, where they were added up for several alike."""
    found: dict[tuple[Any, ...], Sum] = {}
    for (alike, *rest), (readers, amount) in sums.items():
        for scope in alike.scopes:
            key = (scope, *rest)
            found[key] = found.get(key, Sum()).plus(readers, amount)
    return {key: total for key, total in found.items() if total != Sum()}
