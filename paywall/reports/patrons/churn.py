"""Which share of patrons and of money is lost in a month."""

from collections.abc import Iterator

from paywall.money import Money
from paywall.reports import measures, page
from paywall.reports.asked import Asked
from paywall.reports.fold import NO_CURRENCY, Kind
from paywall.reports.measures import Churn
from paywall.reports.page import Chart, Column, Figure, Report, Row, Shape, Table
from paywall.reports.patrons import lists
from paywall.reports.patrons.look import BY_DAY, Look, look
from paywall.reports.stretch import Span, Stretch

PATRONS = "Of those who were patrons when a month began, as many as this left in it; on average."
PAYERS = (
    "Of those who paid in this currency when a month began, as many as this came to pay nothing; on average."
)
MONEY = (
    "Of the MRR with which a month began, as much as this went with readers who left or pay less; on average."
)
AVERAGE = (
    "The average is over the months that lie wholly in these days; each weighs as much as there was when it "
    "began. Without a whole month, the days are taken as one."
)
BACK = "Who comes back counts as left all the same: look at Revenue movement for what returned."


@page.report("churn", "Churn")
def churn(asked: Asked) -> Report:
    """The average and each month, of patrons and, by currency, of money."""
    seen = look(asked)
    tables = [_patrons(seen), *(_money(seen, currency) for currency in seen.currencies)]
    return Report("Churn", list(_figures(seen)), tables, (AVERAGE, BACK, BY_DAY, *seen.notes))


lists.moves("churn", "left", "Who left", Kind.LEFT)
lists.moves("churn", "lost", "Who pays nothing any more", Kind.LOST)
lists.moves("churn", "less", "Who pays nothing any more, or less", Kind.LOST, Kind.DOWN)


def _figures(seen: Look) -> Iterator[Figure]:
    now, before = (_average(span, NO_CURRENCY) for span in (seen.now, seen.before))
    yield Figure("Patrons lost a month", now.patrons, before.patrons, PATRONS, "left")
    for currency in seen.currencies:
        now, before = (_average(span, currency) for span in (seen.now, seen.before))
        name = currency.upper()
        yield Figure(f"Paying in {name} lost a month", now.payers, before.payers, PAYERS, "lost", currency)
        yield Figure(f"MRR in {name} lost a month", now.money, before.money, MONEY, "less", currency)


def _average(span: Span, currency: str) -> Churn:
    return measures.churn(measures.whole_months(span.months()), currency)


def _patrons(seen: Look) -> Table:
    columns = (
        Column("Month", page.Kind.MONTH),
        Column("Patrons", page.Kind.NUMBER),
        Column("Left", page.Kind.NUMBER),
        Column("Churn", page.Kind.SHARE),
    )
    rows: list[Row] = [
        (
            month.since.replace(day=1),
            month.patrons(at_end=False),
            month.happened(Kind.LEFT).readers,
            measures.churn([month], NO_CURRENCY).patrons,
        )
        for month in seen.now.months()
    ]
    meaning = "Patrons when the month began, and how many left in it."
    return Table("Patrons lost by month", meaning, columns, rows, Chart(Shape.LINES, ("Churn",)))


def _money(seen: Look, currency: str) -> Table:
    columns = (
        Column("Month", page.Kind.MONTH),
        Column("Paying", page.Kind.NUMBER),
        Column("Lost", page.Kind.NUMBER),
        Column("Churn of patrons", page.Kind.SHARE),
        Column("MRR", page.Kind.MONEY),
        Column("Lost or less", page.Kind.MONEY),
        Column("Churn of money", page.Kind.SHARE),
    )
    meaning = "Who paid and what they brought when the month began, and what was lost of it."
    rows = [_lost(month, currency) for month in seen.now.months()]
    chart = Chart(Shape.LINES, ("Churn of patrons", "Churn of money"))
    return Table(f"Lost in {currency.upper()} by month", meaning, columns, rows, chart)


def _lost(month: Stretch, currency: str) -> Row:
    found, moved = measures.churn([month], currency), measures.movement(month, currency)
    return (
        month.since.replace(day=1),
        month.payers(currency, at_end=False),
        moved.lost.readers,
        found.payers,
        moved.opening,
        Money(-moved.lost.money.amount - moved.down.money.amount, currency),
        found.money,
    )
