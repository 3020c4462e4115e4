"""The figures once more, from the bare lines of the ledger, day by day; nothing of the product is used."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

HOLDS = ("trialing", "active", "past_due")
PAYS = ("active", "past_due")
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Row:
    """A line of the ledger in plain words."""

    id: int
    at: datetime
    reader: int
    subscription: int
    plan: int
    source: str
    change: str
    status: str
    delta: int
    currency: str
    feedback: str | None = None


@dataclass
class Seen:
    """A reader at the end of a day."""

    statuses: set[str] = field(default_factory=set)
    has_seat: bool = False
    money: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def is_patron(self) -> bool:
        return bool(self.statuses)

    @property
    def standing(self) -> str:
        if "active" in self.statuses:
            return "active"
        return "grace" if "past_due" in self.statuses else "trial"


@dataclass(frozen=True)
class Books:
    """All lines, in the time zone of the newsroom; `plan` and `source`: only what is held by these counts."""

    rows: Sequence[Row]
    zone: ZoneInfo
    plan: int | None = None
    source: str | None = None
    known: dict[tuple[int, date], Seen] = field(default_factory=dict)

    @property
    def readers(self) -> set[int]:
        return {row.reader for row in self.rows}

    @property
    def currencies(self) -> set[str]:
        return {row.currency for row in self.rows if row.delta}

    def first_day(self) -> date:
        return min((row.at.astimezone(self.zone).date() for row in self.rows), default=date(2026, 1, 1))

    def seen(self, reader: int, day: date) -> Seen:
        """How it stood at the end of a day; looked up only once."""
        if (reader, day) not in self.known:
            self.known[reader, day] = self._seen(reader, day)
        return self.known[reader, day]

    def _seen(self, reader: int, day: date) -> Seen:
        """Of each membership, what was written last of all that had happened by then."""
        end = datetime.combine(day + DAY, time(), self.zone)
        found = Seen()
        for subscription in {row.subscription for row in self.rows if row.reader == reader}:
            mine = [row for row in self.rows if row.subscription == subscription]
            known = [row.id for row in mine if row.at < end]
            told = [row for row in mine if known and row.id <= max(known)]
            if not told or not self._counts(told[-1]):
                continue
            for row in told:
                found.money[row.currency] += row.delta
            if told[-1].status in HOLDS:
                if told[-1].source == "group":
                    found.has_seat = True
                else:
                    found.statuses.add(told[-1].status)
        return found

    def _counts(self, row: Row) -> bool:
        return self.plan in {None, row.plan} and self.source in {None, row.source}

    def days(self, since: date, until: date) -> Iterator[date]:
        day = since
        while day <= until:
            yield day
            day += DAY

    def standing(self, day: date) -> dict[str, int]:
        """Readers by where they stand at the end of a day."""
        found = dict.fromkeys(("active", "trial", "grace", "ended", "members"), 0)
        for reader in self.readers:
            now = self.seen(reader, day)
            found["members"] += now.has_seat
            if now.is_patron:
                found[now.standing] += 1
            else:
                found["ended"] += self.was_patron(reader, day)
        return found

    def was_patron(self, reader: int, until: date) -> bool:
        """Ever, by the end of a day."""
        return any(self.seen(reader, day).is_patron for day in self.days(self.first_day(), until))

    def patrons(self, day: date) -> int:
        return sum(self.seen(reader, day).is_patron for reader in self.readers)

    def crossed(self, since: date, until: date) -> dict[str, int]:
        """How often readers became patrons, became them again, and ceased to be."""
        found = dict.fromkeys(("joined", "rejoined", "left"), 0)
        for reader in self.readers:
            for day in self.days(since, until):
                before, after = self.seen(reader, day - DAY).is_patron, self.seen(reader, day).is_patron
                if before and not after:
                    found["left"] += 1
                elif after and not before:
                    found["rejoined" if self.was_patron(reader, day - DAY) else "joined"] += 1
        return found

    def monthly(self, day: date, currency: str) -> int:
        return sum(self.seen(reader, day).money[currency] for reader in self.readers)

    def payers(self, day: date, currency: str) -> int:
        return sum(self.seen(reader, day).money[currency] != 0 for reader in self.readers)

    def moved(self, since: date, until: date, currency: str) -> dict[str, tuple[int, int]]:
        """How often, and by how much, revenue moved in each way."""
        found = dict.fromkeys(("new", "returning", "up", "down", "lost"), (0, 0))
        for reader in self.readers:
            for day in self.days(since, until):
                before, after = (self.seen(reader, one).money[currency] for one in (day - DAY, day))
                if before != after:
                    way = self._way(reader, day, currency, before, after)
                    count, amount = found[way]
                    found[way] = count + 1, amount + after - before
        return found

    def _way(self, reader: int, day: date, currency: str, before: int, after: int) -> str:
        if before and after:
            return "up" if after > before else "down"
        if before:
            return "lost"
        has_paid = any(
            self.seen(reader, one).money[currency] for one in self.days(self.first_day(), day - DAY)
        )
        return "returning" if has_paid else "new"

    def currencies_until(self, until: date) -> list[str]:
        """In which anything was ever paid."""
        days = list(self.days(self.first_day(), until))
        return sorted(
            currency
            for currency in self.currencies
            if any(self.seen(reader, day).money[currency] for reader in self.readers for day in days)
        )

    def lost_patrons(self, since: date, until: date) -> Fraction | None:
        """The average share of patrons that left in a month."""
        found = whole_months(since, until)
        return share(
            sum(self.crossed(*month)["left"] for month in found),
            sum(self.patrons(first - DAY) for first, _ in found),
        )

    def lost_payers(self, since: date, until: date, currency: str) -> Fraction | None:
        """The average share of those who paid that paid nothing any more."""
        found = whole_months(since, until)
        return share(
            sum(self.moved(*month, currency)["lost"][0] for month in found),
            sum(self.payers(first - DAY, currency) for first, _ in found),
        )

    def lost_money(self, since: date, until: date, currency: str) -> Fraction | None:
        """The average share of money that was lost, or became less."""
        found = whole_months(since, until)
        moved = [self.moved(*month, currency) for month in found]
        return share(
            -sum(one["lost"][1] + one["down"][1] for one in moved),
            sum(self.monthly(first - DAY, currency) for first, _ in found),
        )

    def trials(self, since: date, until: date) -> tuple[int, int, int]:
        """Begun in these days; paid for since; ended."""
        begun = converted = ended = 0
        for row in self.rows:
            if row.change != "trial_started" or row.source == "group" or not self._counts(row):
                continue
            mine = [one for one in self.rows if one.subscription == row.subscription and one.id >= row.id]
            day = min(one.at for one in mine).astimezone(self.zone).date()
            if not since <= day <= until:
                continue
            again = [one.id for one in mine if one.change == "trial_started" and one.id > row.id]
            mine = [one for one in mine if not again or one.id < min(again)]
            begun += 1
            if any(one.status in PAYS for one in mine):
                converted += 1
            elif mine[-1].status not in HOLDS:
                ended += 1
        return begun, converted, ended

    def cohort(self, month: date) -> set[int]:
        """Who became a patron in a month for the first time."""
        return {
            reader
            for reader in self.readers
            if self.was_patron(reader, last_day(month)) and not self.was_patron(reader, month - DAY)
        }

    def kept(self, month: date, later: date) -> int:
        """Of a month's cohort, how many were patrons at the end of a later one."""
        return sum(self.seen(reader, last_day(later)).is_patron for reader in self.cohort(month))

    def kept_money(self, month: date, later: date, currency: str) -> int:
        return sum(self.seen(reader, last_day(later)).money[currency] for reader in self.cohort(month))


def months(since: date, until: date) -> Iterator[tuple[date, date]]:
    """The days of each calendar month from one day to another, both included."""
    while since <= until:
        yield since, min(last_day(since.replace(day=1)), until)
        since = last_day(since.replace(day=1)) + DAY


def whole_months(since: date, until: date) -> list[tuple[date, date]]:
    """Those of them that are complete; all, if none is."""
    found = list(months(since, until))
    return [one for one in found if one[0].day == 1 and one[1] == last_day(one[0])] or found


def last_day(month: date) -> date:
    """Of the month that begins on a day."""
    return (month + timedelta(days=31)).replace(day=1) - DAY


def share(part: int, of: int) -> Fraction | None:
    return Fraction(part, of) if of else None
