"""What each figure means, computed from what happened in a stretch of days: pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from paywall.money import Money
from paywall.reports.asked import plus_months
from paywall.reports.fold import MONEY, NO_CURRENCY, Kind
from paywall.reports.stretch import Stretch
from paywall.reports.tally import CohortKey, Sum

MONTHS_A_YEAR = 12
NOTHING = Sum()


@dataclass(frozen=True, slots=True)
class Standing:
    """How many readers stand where at the end of a day.

    A patron has paid (`active`), is in grace (the last payment failed and is tried again) or in trial; with
    several memberships, the first of these that fits one. `ended`: were patrons once, and hold nothing.
    `members` read with a seat that a patron pays for: a group is one patron, its owner.
    """

    active: int
    trial: int
    grace: int
    ended: int
    members: int

    @property
    def patrons(self) -> int:
        """All who hold something."""
        return self.active + self.trial + self.grace


@dataclass(frozen=True, slots=True)
class Part:
    """So many readers, and by how much a month the revenue moved with them, signed."""

    readers: int
    money: Money


@dataclass(frozen=True, slots=True)
class Movement:
    """How the monthly revenue in one currency got from `opening` to `closing`: by the five parts alone."""

    opening: Money
    new: Part
    returning: Part
    up: Part
    down: Part
    lost: Part
    closing: Money

    @property
    def parts(self) -> dict[Kind, Part]:
        """All five."""
        return {kind: getattr(self, kind.value) for kind in MONEY}

    @property
    def net(self) -> Money:
        """What they come to."""
        return self.closing - self.opening


@dataclass(frozen=True, slots=True)
class Churn:
    """Of those who were there when a stretch began, the share that was lost in it; None if nobody was there.

    `patrons`: held something. `payers`, `money`: brought something, in one currency; of money, what went with
    those who were lost or pay less.
    """

    patrons: Fraction | None
    payers: Fraction | None
    money: Fraction | None


@dataclass(frozen=True, slots=True)
class Worth:
    """What a paying patron is worth in one currency, on average.

    `yearly` (ARR): twelve times what all bring a month. `average`: a month, of each who pays. `lifetime`: the
    average, for as many months as a patron stays when so many are lost as in this stretch; None if none is.
    """

    yearly: Money
    average: Money | None
    lifetime: Money | None


@dataclass(frozen=True, slots=True)
class Trials:
    """Trials that began in a stretch, and what has become of them since: each is one of the other three."""

    begun: int
    converted: int
    ended: int

    @property
    def still_open(self) -> int:
        """Neither paid for nor ended."""
        return self.begun - self.converted - self.ended

    @property
    def conversion(self) -> Fraction | None:
        """The share that was paid for, of those that are decided."""
        return _share(self.converted, self.converted + self.ended)


@dataclass(frozen=True, slots=True)
class Cohort:
    """Who became patrons in `month`: how many were patrons at the end of it and of each month after, and how
    much they brought a month. `begun`: how many they are in all.
    """

    month: date
    begun: int
    patrons: tuple[int, ...]
    monthly: Mapping[str, tuple[Money, ...]]


def standing(stretch: Stretch) -> Standing:
    """Where readers stand when a stretch ends."""
    counts = {kind: stretch.at_end(kind).readers for kind in Kind}
    return Standing(
        active=counts[Kind.ACTIVE],
        trial=counts[Kind.TRIAL],
        grace=counts[Kind.GRACE],
        ended=counts[Kind.LEFT] - counts[Kind.REJOINED],
        members=counts[Kind.MEMBERS],
    )


def movement(stretch: Stretch, currency: str) -> Movement:
    """How the revenue in a currency moved in a stretch."""
    parts = {kind: stretch.happened(kind, currency) for kind in MONEY}
    return Movement(
        opening=Money(stretch.monthly(currency, at_end=False), currency),
        **{kind.value: Part(found.readers, Money(found.amount, currency)) for kind, found in parts.items()},
        closing=Money(stretch.monthly(currency), currency),
    )


def churn(stretches: Sequence[Stretch], currency: str) -> Churn:
    """The churn of one stretch; of several, their average: each weighs as much as was there when it began."""

    def lost(kind: Kind, of: str) -> Sum:
        found = [stretch.happened(kind, of) for stretch in stretches]
        return Sum(sum(one.readers for one in found), -sum(one.amount for one in found))

    return Churn(
        patrons=_share(
            lost(Kind.LEFT, NO_CURRENCY).readers, sum(one.patrons(at_end=False) for one in stretches)
        ),
        payers=_share(
            lost(Kind.LOST, currency).readers, sum(one.payers(currency, at_end=False) for one in stretches)
        ),
        money=_share(
            lost(Kind.LOST, currency).amount + lost(Kind.DOWN, currency).amount,
            sum(one.monthly(currency, at_end=False) for one in stretches),
        ),
    )


def worth(stretch: Stretch, currency: str, monthly_churn: Fraction | None) -> Worth:
    """What patrons are worth when a stretch ends; `monthly_churn` is the share of payers lost in a month."""
    monthly, payers = stretch.monthly(currency), stretch.payers(currency)
    average = Fraction(monthly, payers) if payers else None
    return Worth(
        yearly=Money(monthly * MONTHS_A_YEAR, currency),
        average=_money(average, currency),
        lifetime=_money(average / monthly_churn if average is not None and monthly_churn else None, currency),
    )


def trials(stretch: Stretch) -> Trials:
    """The trials that began in a stretch."""
    return Trials(
        *(
            stretch.happened(kind).readers
            for kind in (Kind.TRIAL_BEGUN, Kind.TRIAL_CONVERTED, Kind.TRIAL_ENDED)
        )
    )


def whole_months(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Those that are a calendar month from its first day to its last; all, if none is."""
    found = list(stretches)
    return [one for one in found if is_whole(one)] or found


def is_whole(stretch: Stretch) -> bool:
    """Whether it is a calendar month from its first day to its last."""
    return stretch.since.day == 1 and (plus_months(stretch.since, 1) - stretch.until).days == 1


def cohorts(
    changes: Mapping[CohortKey, Sum], begun: Mapping[date, int], last: date, currencies: Collection[str]
) -> Iterator[Cohort]:
    """The cohorts of the months in which so many have `begun`, each followed to the month of `last`."""
    of: dict[tuple[date, str], dict[date, Sum]] = {}
    for key, change in changes.items():
        of.setdefault((key.cohort, key.currency), {})[key.month] = change
    all_months = list(_months(min(begun, default=last), last))
    for month, count in sorted(begun.items()):
        followed = [one for one in all_months if one >= month]
        steps = {
            currency: list(_grown(of.get((month, currency), {}), followed))
            for currency in (NO_CURRENCY, *currencies)
        }
        yield Cohort(
            month,
            begun=count,
            patrons=tuple(one.readers for one in steps[NO_CURRENCY]),
            monthly={
                currency: tuple(Money(one.amount, currency) for one in steps[currency])
                for currency in currencies
            },
        )


def _months(month: date, last: date) -> Iterator[date]:
    while month <= last:
        yield month
        month = plus_months(month, 1)


def _grown(changes: Mapping[date, Sum], months: Iterable[date]) -> Iterator[Sum]:
    total = NOTHING
    for month in months:
        if change := changes.get(month):
            total = total.plus(*change)
        yield total


def _share(part: int, of: int) -> Fraction | None:
    return Fraction(part, of) if of else None


def _money(amount: Fraction | None, currency: str) -> Money | None:
    return None if amount is None else Money(round(amount), currency)
