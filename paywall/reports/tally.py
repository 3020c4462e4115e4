"""Moves of many readers added up, by day and by cohort: pure."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple, TypeVar

from paywall.reports.fold import STOCKS, Kind, Move, Scope, month_of

K = TypeVar("K")
# What a kind says of how many pay.
PAYERS = {Kind.NEW: 1, Kind.RETURNING: 1, Kind.LOST: -1}


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
    """Sums that grow by moves, and shrink by moves that are taken back."""

    def __init__(self) -> None:
        self.days: defaultdict[DayKey, Sum] = defaultdict(Sum)
        self.cohorts: defaultdict[CohortKey, Sum] = defaultdict(Sum)

    def add(self, moves: Iterable[Move], *, sign: int = 1) -> None:
        """Count these moves; with a `sign` of -1 they are no more."""
        for day, scope, currency, kind, readers, amount, cohort in moves:
            key = DayKey(scope, day, currency, kind)
            self.days[key] = self.days[key].plus(sign * readers, sign * amount)
            by = readers if kind in STOCKS else PAYERS.get(kind, 0)
            if by or amount:
                of = CohortKey(scope, currency, cohort, month_of(day))
                self.cohorts[of] = self.cohorts[of].plus(sign * by, sign * amount)

    def settle(self) -> None:
        """Forget what has come to nothing."""
        _settle(self.days)
        _settle(self.cohorts)


def _settle(sums: dict[K, Sum]) -> None:
    for key in [key for key, found in sums.items() if found == Sum()]:
        del sums[key]
