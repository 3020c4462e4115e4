"""How many of those who joined in a month are still patrons so many months later, and what they bring."""

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from fractions import Fraction

from paywall.reports import measures, page
from paywall.reports.asked import Asked, plus_months
from paywall.reports.fold import Kind, month_of
from paywall.reports.measures import Cohort
from paywall.reports.page import Cell, Column, Figure, Report, Row, Table
from paywall.reports.patrons import lists
from paywall.reports.patrons.look import Look, look

# After so many months; 0 is the month in which they joined.
STEPS = (*range(13), 18, 24, 30, 36, 42, 48, 54, 60)
TOLD = {3: "third", 6: "sixth", 12: "twelfth"}
KEPT = (
    "Of those who joined in these days, the share who were patrons at the end of the {nth} month after; "
    "only of months that are over."
)
JOINED = "Became patrons for the first time in the months of these days."
PATRONS = (
    "A row is all who became patrons in that month for the first time, whatever came later. Column 0 is the "
    "end of that same month, column 1 the end of the next. Who left and came back counts while they hold "
    "something."
)
MONEY = "The same patrons' MRR at those times. It can grow: trials are paid for, readers return."
WHOLE = (
    "Joined counts whole months: a first or last month of which only some days were asked for is taken whole."
)
TO_DATE = "The last cell of each row can be of the running month, to date."


@page.report("cohorts", "Who stays")
def cohorts(asked: Asked) -> Report:
    """Retention of patrons and of money, by the month in which they joined."""
    seen = look(asked)
    # Of those before only the shares are told.
    now, before = _cohorts(seen, asked, seen.currencies), _cohorts(seen, asked.before, ())
    last = _last_over(seen)
    figures = [Figure("Joined", _begun(now), _begun(before), JOINED, "joined")]
    for months, nth in TOLD.items():
        name, meaning = f"Still there after {months} months", KEPT.format(nth=nth)
        shares = [_kept(each, months, last) for each in (now, before)]
        figures.append(Figure(name, shares[0], shares[1], meaning, f"after-{months}"))
    tables = [_patrons(now), *(_money(now, currency) for currency in seen.currencies)]
    return Report("Who stays", figures, tables, (WHOLE, TO_DATE, *seen.notes))


def _last_over(seen: Look) -> date:
    """The last month that is over."""
    return plus_months(month_of(seen.rolled.as_of.astimezone(seen.asked.zone).date()), -1)


lists.moves("cohorts", "joined", "Who became a patron", Kind.JOINED, whole_months=True)
for _months in TOLD:
    lists.stayed("cohorts", _months, _last_over)


def _cohorts(seen: Look, days: Asked, currencies: Collection[str]) -> list[Cohort]:
    today = seen.rolled.as_of.astimezone(days.zone).date()
    until = min(plus_months(month_of(days.until), 1) - timedelta(days=1), today)
    found = seen.rolled.spans(month_of(days.since), until, [seen.scope], [Kind.JOINED])
    begun = {month.since: month.happened(Kind.JOINED).readers for month in found[seen.scope].months()}
    return list(measures.cohorts(seen.changes, begun, month_of(today), currencies))


def _begun(found: Sequence[Cohort]) -> int:
    return sum(one.begun for one in found)


def _kept(found: Sequence[Cohort], months: int, last: date) -> Fraction | None:
    old = [one for one in found if plus_months(one.month, months) <= last]
    begun = _begun(old)
    return Fraction(sum(one.patrons[months] for one in old), begun) if begun else None


def _columns(found: Sequence[Cohort], kind: page.Kind) -> tuple[Column, ...]:
    most = max((len(one.patrons) for one in found), default=0)
    return tuple(Column(str(step), kind) for step in STEPS if step < most)


def _patrons(found: Sequence[Cohort]) -> Table:
    steps = _columns(found, page.Kind.SHARE)
    columns = (Column("Month", page.Kind.MONTH), Column("Joined", page.Kind.NUMBER), *steps)
    rows: list[Row] = [
        (one.month, one.begun, *(_share(one, int(step.name)) for step in steps)) for one in found
    ]
    return Table("Patrons who stay", PATRONS, columns, rows)


def _share(one: Cohort, step: int) -> Fraction | None:
    return Fraction(one.patrons[step], one.begun) if one.begun and step < len(one.patrons) else None


def _money(found: Sequence[Cohort], currency: str) -> Table:
    steps = _columns(found, page.Kind.MONEY)
    columns = (Column("Month", page.Kind.MONTH), Column("Joined", page.Kind.NUMBER), *steps)

    def cell(one: Cohort, step: int) -> Cell:
        return one.monthly[currency][step] if step < len(one.patrons) else None

    rows: list[Row] = [
        (one.month, one.begun, *(cell(one, int(step.name)) for step in steps)) for one in found
    ]
    return Table(f"What they bring in {currency.upper()}", MONEY, columns, rows)
