"""What a report is asked for: which days, plan and source, as read from the address of its page. Pure."""

import enum
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from urllib.parse import urlencode

from paywall.errors import BadInput
from paywall.membership.rules import Source

FIRST, LAST = date(2000, 1, 1), date(2199, 12, 31)
DAY = timedelta(days=1)
NARROWS = ("plan", "source")


class Preset(enum.StrEnum):
    """Stretches of days that people ask for by name."""

    THIS_MONTH = "This month"
    LAST_MONTH = "Last month"
    YEAR = "12 months"
    THIS_YEAR = "This year"
    LAST_YEAR = "Last year"
    FIVE_YEARS = "5 years"


@dataclass(frozen=True, slots=True)
class Asked:
    """From the day `since` to the day `until`, both of them included, by the calendar of `zone`.

    `plan` is a slug; with None all plans count, and all sources. `order`: by what rows are sorted, where a
    report can be told. `currency`: rows behind a figure can be asked for in one alone.
    """

    since: date
    until: date
    plan: str | None = None
    source: Source | None = None
    zone: tzinfo = UTC
    order: str | None = None
    currency: str | None = None

    @property
    def start(self) -> datetime:
        """The first instant; aware UTC."""
        return datetime.combine(self.since, time(), self.zone).astimezone(UTC)

    @property
    def end(self) -> datetime:
        """The first instant that is not asked for any more; aware UTC."""
        return datetime.combine(self.until + DAY, time(), self.zone).astimezone(UTC)

    @property
    def before(self) -> "Asked":
        """As long a time before: 1 to 26 November after 1 to 26 October, a whole month after a whole one.

        What does not begin with a month comes after as many days just before it.
        """
        if self.since.day != 1:
            return replace(self, since=self.since - (self.until - self.since) - DAY, until=self.since - DAY)
        count = len(list(self.months()))
        last = plus_months(self.until.replace(day=1), 1 - count) - DAY
        is_whole = (self.until + DAY).day == 1
        until = last if is_whole else last.replace(day=min(last.day, self.until.day))
        return replace(self, since=plus_months(self.since, -count), until=until)

    @property
    def query(self) -> str:
        """The same in an address."""
        said = {"since": self.since, "until": self.until, "plan": self.plan, "source": self.source}
        said |= {"order": self.order, "currency": self.currency}
        return urlencode({name: str(value) for name, value in said.items() if value is not None})

    def day_of(self, instant: datetime) -> date:
        """The day of an instant by the calendar of `zone`."""
        return instant.astimezone(self.zone).date()

    def month_of(self, instant: datetime) -> date:
        """The first day of its month."""
        return self.day_of(instant).replace(day=1)

    def by(self, order: str) -> "Asked":
        """The same in another order."""
        return replace(self, order=order)

    def of(self, currency: str | None) -> "Asked":
        """The same in one currency alone; with None, in all."""
        return replace(self, currency=currency)

    def months(self) -> Iterator["Asked"]:
        """Its calendar months, oldest first; the first and the last may be parts of one."""
        since = self.since
        while since <= self.until:
            following = plus_months(since.replace(day=1), 1)
            yield replace(self, since=since, until=min(self.until, following - DAY))
            since = following


def preset(which: Preset, today: date) -> tuple[date, date]:
    """The first and the last day of a stretch; those that are not over end today."""
    month, year = today.replace(day=1), today.replace(month=1, day=1)
    return {
        Preset.THIS_MONTH: (month, today),
        Preset.LAST_MONTH: (plus_months(month, -1), month - DAY),
        Preset.YEAR: (plus_months(month, -11), today),
        Preset.THIS_YEAR: (year, today),
        Preset.LAST_YEAR: (year.replace(year=year.year - 1), year - DAY),
        Preset.FIVE_YEARS: (plus_months(month, -59), today),
    }[which]


def read(said: Mapping[str, str], usual: Asked, plans: Collection[str], narrows: Collection[str]) -> Asked:
    """What an address asks for; what it leaves out is as `usual`. Raises BadInput in words for a person."""
    for name in NARROWS:
        if said.get(name) and name not in narrows:
            raise BadInput(f"This report is not told apart by {name}.")
    since, until = _day(said, "since", usual.since), _day(said, "until", usual.until)
    if until < since:
        raise BadInput(f"The last day ({until}) is before the first ({since}).")
    plan, source = said.get("plan") or None, said.get("source") or None
    if plan is not None and plan not in plans:
        raise BadInput(f"There is no plan {plan!r}.")
    if source is not None and source not in set(Source):
        raise BadInput(f"There is no source {source!r}: choose from {', '.join(Source)}.")
    chosen = Source(source) if source else None
    return replace(usual, since=since, until=until, plan=plan, source=chosen)


def plus_months(first: date, count: int) -> date:
    """The first day of a month so many months later, or earlier; `first` is the first of its own."""
    years, month = divmod(first.month - 1 + count, 12)
    return first.replace(year=first.year + years, month=month + 1)


def _day(said: Mapping[str, str], name: str, usual: date) -> date:
    text = said.get(name, "").strip()
    try:
        day = date.fromisoformat(text) if text else usual
    except ValueError:
        raise BadInput(f"{text!r} is not a day: write it like 2026-10-31.") from None
    if not FIRST <= day <= LAST:
        raise BadInput(f"{day} is too far away: ask for days from {FIRST} to {LAST}.")
    return day
