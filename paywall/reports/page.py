"""What a report is made of, and which reports there are: figures with their meanings, tables, rows behind.

A report is a function that is handed an `Asked` and gives back a `Report`; `@report` puts it on staff's pages
(reports/routes.py). Rooms above this one add theirs in the same way. What it looks like is said in
reports/shown.py and its template.
"""

import enum
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from paywall.accounts.models import StaffRole
from paywall.money import Money
from paywall.reports.asked import NARROWS, Asked, Preset

READS = (StaffRole.OWNER, StaffRole.MEMBERSHIP, StaffRole.BOOKKEEPER)


@dataclass(frozen=True, slots=True)
class Link:
    """Words that lead to an address (a path of ours, or at Stripe)."""

    text: str
    to: str


Cell = int | Money | Fraction | str | date | Link | None
Row = Sequence[Cell]


class Kind(enum.StrEnum):
    """What the cells of a column are, which says how they are aligned, printed and written to a CSV file."""

    TEXT = "text"
    NUMBER = "number"
    MONEY = "money"
    SHARE = "share"
    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Column:
    """MONEY: all money in one row is of one currency. MONTH: the cells are the first days of months.

    `order`: the word by which the report can be asked to sort by it.
    """

    name: str
    kind: Kind = Kind.TEXT
    order: str | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its definition, and what it was in the period before; `behind` names a list of rows.

    `currency`: in which the rows are that count, if it is not money itself.
    """

    name: str
    now: Cell
    before: Cell
    meaning: str
    behind: str | None = None
    currency: str | None = None

    @property
    def in_currency(self) -> str | None:
        """In which the rows behind it are, if they are of one."""
        money = next((cell for cell in (self.now, self.before) if isinstance(cell, Money)), None)
        return money.currency if money else self.currency


class Shape(enum.StrEnum):
    """How a chart is drawn."""

    BARS = "bars"
    STACKED = "stacked"
    LINES = "lines"


@dataclass(frozen=True, slots=True)
class Chart:
    """Which columns of a table are drawn, by the table's first column. It adds nothing: the table has it all.

    All of them are of one kind, and their money of one currency.
    """

    shape: Shape
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns; the first cell of a row says what the row is about."""

    title: str
    meaning: str
    columns: tuple[Column, ...]
    rows: Sequence[Row]
    chart: Chart | None = None

    @property
    def name(self) -> str:
        """In an address: "Patrons by month" is patrons-by-month."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")


@dataclass(frozen=True, slots=True)
class Report:
    """What a report says of what it was asked for; `notes` are sentences on what it does not know."""

    title: str
    figures: Sequence[Figure]
    tables: Sequence[Table]
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Behind:
    """The rows behind a figure: read one after the other, so that there may be a million."""

    title: str
    columns: tuple[Column, ...]
    rows: Callable[[Asked], Iterable[Row]]

    def told(self, asked: Asked) -> Iterator[Row]:
        """Those that are asked for: with a currency, none that has money of another."""
        for row in self.rows(asked):
            money = (cell.currency for cell in row if isinstance(cell, Money))
            if asked.currency is None or all(one == asked.currency for one in money):
                yield row


@dataclass(frozen=True, slots=True)
class Page:
    """A report, who may see it, and which days it shows to whoever says nothing else."""

    name: str
    title: str
    roles: tuple[StaffRole, ...]
    make: Callable[[Asked], Report]
    usual: Preset
    narrows: tuple[str, ...]
    orders: tuple[str, ...] = ()
    lists: dict[str, Behind] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Where it is."""
        return f"/staff/reports/{self.name}"


Make = Callable[[Asked], Report]
Rows = Callable[[Asked], Iterable[Row]]
_pages: dict[str, Page] = {}


def report(
    name: str,
    title: str,
    *roles: StaffRole,
    usual: Preset = Preset.YEAR,
    narrows: tuple[str, ...] = NARROWS,
    orders: tuple[str, ...] = (),
) -> Callable[[Make], Make]:
    """Put a report on the page `/staff/reports/<name>`; without `roles` all who read reports may see it.

    `narrows`: what it can be asked for besides days. `orders`: by what it can be asked to sort.
    """

    def add(make: Make) -> Make:
        _pages[name] = Page(name, title, roles or READS, make, usual, narrows, orders)
        return make

    return add


def behind(name: str, which: str, title: str, columns: tuple[Column, ...]) -> Callable[[Rows], Rows]:
    """Declare the rows behind the figures of a report that say `behind=which`."""

    def add(rows: Rows) -> Rows:
        _pages[name].lists[which] = Behind(title, columns, rows)
        return rows

    return add


def all_of_them() -> tuple[Page, ...]:
    """Every report, in the order in which staff see them."""
    return tuple(_pages.values())
