"""Days in a row: what stood before the first of them, and what happened until the last; pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from paywall.reports.asked import plus_months
from paywall.reports.fold import MONEY, NO_CURRENCY, Kind, month_of
from paywall.reports.tally import PAYERS, Sum

Cell = tuple[str, Kind]
Cells = Mapping[Cell, Sum]
PATRONS = {Kind.JOINED: 1, Kind.REJOINED: 1, Kind.LEFT: -1}


@dataclass(frozen=True, slots=True)
class Stretch:
    """The days from `since` to `until`, both in it. `opening`: all that happened before, `flow`: in them."""

    since: date
    until: date
    opening: Cells
    flow: Cells

    def happened(self, kind: Kind, currency: str = NO_CURRENCY) -> Sum:
        """How often in these days, and by how much in minor units a month."""
        return self.flow.get((currency, kind), Sum())

    def at_start(self, kind: Kind, currency: str = NO_CURRENCY) -> Sum:
        """All of a kind up to the first day: of a stock, how much of it there was."""
        return self.opening.get((currency, kind), Sum())

    def at_end(self, kind: Kind, currency: str = NO_CURRENCY) -> Sum:
        """All of a kind up to the end of the last day."""
        return self.at_start(kind, currency).plus(*self.happened(kind, currency))

    def patrons(self, *, at_end: bool = True) -> int:
        """How many held something."""
        found = self.at_end if at_end else self.at_start
        return sum(sign * found(kind).readers for kind, sign in PATRONS.items())

    def payers(self, currency: str, *, at_end: bool = True) -> int:
        """How many patrons brought something a month in a currency."""
        found = self.at_end if at_end else self.at_start
        return sum(sign * found(kind, currency).readers for kind, sign in PAYERS.items())

    def monthly(self, currency: str, *, at_end: bool = True) -> int:
        """What they brought a month, in minor units."""
        found = self.at_end if at_end else self.at_start
        return sum(found(kind, currency).amount for kind in MONEY)

    def currencies(self) -> list[str]:
        """All in which anything was ever paid."""
        return sorted({currency for currency, _ in (*self.opening, *self.flow) if currency})


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch by calendar months: `flows` by the first of the month, for each that has any."""

    since: date
    until: date
    opening: Cells
    flows: Mapping[date, Cells]

    def whole(self) -> Stretch:
        """All its days as one."""
        flow: dict[Cell, Sum] = {}
        for month in sorted(self.flows):
            flow = _added(flow, self.flows[month])
        return Stretch(self.since, self.until, self.opening, flow)

    def months(self) -> Iterator[Stretch]:
        """Each calendar month of it; the first and the last may be cut off."""
        opening = self.opening
        for first, last in months_of(self.since, self.until):
            flow = self.flows.get(month_of(first), {})
            yield Stretch(first, last, opening, flow)
            opening = _added(opening, flow)


def months_of(since: date, until: date) -> Iterator[tuple[date, date]]:
    """The first and the last day of each calendar month from one day to another, both in it."""
    while since <= until:
        following = plus_months(month_of(since), 1)
        yield since, min(until, following - timedelta(days=1))
        since = following


def _added(some: Cells, more: Cells) -> dict[Cell, Sum]:
    return {**some, **{cell: some.get(cell, Sum()).plus(*found) for cell, found in more.items()}}
