"""How the monthly revenue got from the beginning of each month to its end."""

from collections.abc import Callable, Iterator
from functools import partial

from paywall.reports import measures, page
from paywall.reports.asked import Asked
from paywall.reports.fold import MONEY, Kind
from paywall.reports.measures import Movement
from paywall.reports.page import Cell, Chart, Column, Figure, Report, Row, Shape, Table
from paywall.reports.patrons import lists
from paywall.reports.patrons.look import BY_DAY, Look, look

NAMES = {
    Kind.NEW: (
        "New",
        "From readers who had never paid in this currency; a trial counts when it is paid for.",
    ),
    Kind.RETURNING: ("Returning", "From readers who had paid in this currency before, and then nothing."),
    Kind.UP: ("Up", "More from readers who paid before: a dearer plan, more seats, a discount that ended."),
    Kind.DOWN: ("Down", "Less from readers who still pay."),
    Kind.LOST: (
        "Lost",
        "From readers who pay nothing any more in this currency, whether they ended or paused.",
    ),
}
OPENING = "What patrons brought a month before the first day."
NET = "All five together: the closing MRR less the opening one."
CLOSING = "What they bring when the last day ends: opening MRR and all five, to the cent."
TIES = "Every month: opening, plus new, returning and up, less down and lost, is closing."
SWITCHES = (
    "With a plan or a source chosen, only what is held by it counts: who changes to another is lost here, "
    "and new or returning there. Who changes to another currency is lost in the one, and new or returning in "
    "the other. A break in which nothing is paid is lost, and returning when it is over."
)
NAMED = [name for name, _ in NAMES.values()]


@page.report("movement", "Revenue movement")
def movement(asked: Asked) -> Report:
    """New, returning, up, down and lost, by month and currency."""
    seen = look(asked)
    figures = [figure for currency in seen.currencies for figure in _figures(seen, currency)]
    tables = [
        table(seen, currency) for currency in seen.currencies for table in (_money_table, _reader_table)
    ]
    return Report("Revenue movement", figures, tables, (TIES, SWITCHES, BY_DAY, *seen.notes))


for _kind, (_name, _) in NAMES.items():
    lists.moves("movement", _kind.value, _name, _kind)
lists.moves("movement", "net", "All that moved the revenue", *MONEY)
lists.opening("movement")
lists.standing("movement", "paying")


def _figures(seen: Look, currency: str) -> Iterator[Figure]:
    def figure(name: str, of: Callable[[Movement], Cell], meaning: str, behind: str | None = None) -> Figure:
        title = f"{name} in {currency.upper()}"
        return seen.figure(title, lambda days: of(measures.movement(days, currency)), meaning, behind)

    yield figure("Opening MRR", lambda moved: moved.opening, OPENING, "opening")
    for kind, (name, meaning) in NAMES.items():
        yield figure(name, partial(_part, kind), meaning, kind.value)
    yield figure("Net", lambda moved: moved.net, NET, "net")
    yield figure("Closing MRR", lambda moved: moved.closing, CLOSING, "paying")


def _part(kind: Kind, moved: Movement) -> Cell:
    return moved.parts[kind].money


def _money_table(seen: Look, currency: str) -> Table:
    names = ("Opening", *NAMED, "Net", "Closing")
    columns = (Column("Month", page.Kind.MONTH), *(Column(name, page.Kind.MONEY) for name in names))
    rows: list[Row] = []
    for month in seen.now.months():
        moved = measures.movement(month, currency)
        parts = (part.money for part in moved.parts.values())
        rows.append((month.since.replace(day=1), moved.opening, *parts, moved.net, moved.closing))
    title = f"MRR in {currency.upper()} by month"
    return Table(title, TIES, columns, rows, Chart(Shape.STACKED, tuple(NAMED)))


def _reader_table(seen: Look, currency: str) -> Table:
    columns = (Column("Month", page.Kind.MONTH), *(Column(name, page.Kind.NUMBER) for name in NAMED))
    rows: list[Row] = [
        (month.since.replace(day=1), *(month.happened(kind, currency).readers for kind in MONEY))
        for month in seen.now.months()
    ]
    meaning = "How often it happened; one reader can be lost and return in the same month."
    return Table(f"Readers who pay in {currency.upper()}, by month", meaning, columns, rows)
