"""The rows behind the figures: which reader on which day, folded from the ledger reader by reader."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from itertools import islice

from sqlalchemy import ColumnElement, select

from paywall.accounts.models import Reader
from paywall.db import db
from paywall.membership.models import MembershipEvent
from paywall.membership.rules import Status
from paywall.money import Money
from paywall.reports import fold, ledger, page, rollup
from paywall.reports.asked import DAY, Asked, plus_months
from paywall.reports.fold import SEAT, STOCKS, Kind, Line, Move, month_of
from paywall.reports.page import Cell, Column, Row
from paywall.reports.patrons.look import Look, look

# So many readers' addresses are looked up at once.
BATCH = 200
MOVES = (
    Column("Day", page.Kind.DAY),
    Column("Reader"),
    Column("What"),
    Column("Number", page.Kind.NUMBER),
    Column("MRR", page.Kind.MONEY),
)
STANDING = (Column("Reader"), Column("Stands"), Column("Since", page.Kind.DAY), Column("MRR"))
STAYED = (Column("Joined", page.Kind.DAY), Column("Reader"), Column("Still there"))
# What is left of the trials of a day.
IS_OPEN = {Kind.TRIAL_BEGUN: 1, Kind.TRIAL_CONVERTED: -1, Kind.TRIAL_ENDED: -1}
CALLED = {kind: kind.value.replace("_", " ").capitalize() for kind in Kind} | {
    Kind.ACTIVE: "Paid",
    Kind.GRACE: "In grace",
    Kind.TRIAL: "In trial",
    Kind.REJOINED: "Came back",
    Kind.MEMBERS: "Seat",
    Kind.TRIAL_CONVERTED: "Paid for",
    Kind.TRIAL_ENDED: "Ended",
}


def moves(report: str, which: str, title: str, *kinds: Kind, whole_months: bool = False) -> None:
    """Declare the list of all that happened of some kinds, day by day."""

    @page.behind(report, which, title, MOVES)
    def rows(asked: Asked) -> Iterator[Row]:
        seen = look(_widened(asked) if whole_months else asked)
        for day in seen.rolled.days(seen.asked.since, seen.asked.until, seen.scope, kinds):
            yield from _named(_of_day(seen, day, kinds))


def standing(report: str, *which: str) -> None:
    """Declare some of the lists of who stands where when the last day ends (those in STOCKED)."""
    for one in which:
        _stock(report, one, STOCKED[one], look)


def opening(report: str) -> None:
    """Declare the list of all who pay before the first day begins."""
    _stock(report, "opening", replace(STOCKED["paying"], title="Who pays before the first day"), _before)


def still_open(report: str) -> None:
    """Declare the list of all trials that began in these days and are neither paid for nor ended."""

    @page.behind(report, "open", "Trials that are still going on, by the day on which they began", MOVES)
    def rows(asked: Asked) -> Iterator[Row]:
        seen = look(asked)
        in_trial = ledger.of(seen.scope, ledger.stood(Status.TRIALING, datetime.max.replace(tzinfo=UTC)))
        found = [row for lines in in_trial for row in _open_trials(seen, lines)]
        yield from _named(sorted(found, key=lambda row: (row[1][0], row[0])))


def stayed(report: str, months: int, last: Callable[[Look], date]) -> None:
    """Declare the list of all who joined, and whether they were patrons so many months later.

    `last`: the last month that is over.
    """

    @page.behind(report, f"after-{months}", f"Who joined, and is there {months} months later", STAYED)
    def rows(asked: Asked) -> Iterator[Row]:
        seen = look(_widened(asked))
        for day in seen.rolled.days(seen.asked.since, seen.asked.until, seen.scope, (Kind.JOINED,)):
            if plus_months(month_of(day), months) <= last(seen):
                yield from _named(_joined_on(seen, day, plus_months(month_of(day), months + 1)))


@dataclass(frozen=True, slots=True)
class Stock:
    """Who is in a list: by how often each kind came to be, and by what they bring.

    `said`: what a line says of whoever is in it, when an instant is the end: nobody else is looked at then.
    `since`: they are in it since the last of these.
    """

    title: str
    is_in: Callable[[Counter[Kind], Counter[str]], bool]
    said: Callable[[datetime], ColumnElement[bool]] | None = None
    since: tuple[Kind, ...] = (Kind.JOINED, Kind.REJOINED)


def _stood(title: str, kind: Kind, status: Status) -> Stock:
    def is_in(stands: Counter[Kind], _: Counter[str]) -> bool:
        return stands[kind] > 0

    return Stock(f"{title} when the last day ends", is_in, partial(ledger.stood, status), (kind,))


STOCKED = {
    "patrons": Stock(
        "Patrons when the last day ends", lambda stands, _: any(stands[kind] for kind in STOCKS)
    ),
    "paying": Stock("Who pays when the last day ends", lambda _, money: any(money.values())),
    "paid": Stock(
        "Patrons with a membership that is paid when the last day ends",
        lambda stands, _: stands[Kind.ACTIVE] > 0,
        since=(Kind.ACTIVE,),
    ),
    "grace": _stood("Patrons in grace", Kind.GRACE, Status.PAST_DUE),
    "trial": _stood("Patrons in trial", Kind.TRIAL, Status.TRIALING),
    "members": Stock(
        "Who reads with a seat when the last day ends",
        lambda stands, _: stands[Kind.MEMBERS] > 0,
        said=lambda _: MembershipEvent.source == SEAT,
        since=(Kind.MEMBERS,),
    ),
    "ended": Stock(
        "Who was a patron and is none when the last day ends",
        lambda stands, _: stands[Kind.LEFT] > stands[Kind.REJOINED],
        since=(Kind.LEFT,),
    ),
}


def _stock(report: str, which: str, stock: Stock, seen_of: Callable[[Asked], Look]) -> None:
    @page.behind(report, which, stock.title, STANDING)
    def rows(asked: Asked) -> Iterator[Row]:
        seen = seen_of(asked)
        said = [stock.said(seen.asked.end)] if stock.said else []
        found = (_stands(seen, stock, lines) for lines in ledger.of(seen.scope, *said))
        yield from _named(filter(None, found))


def _before(asked: Asked) -> Look:
    return look(replace(asked, until=asked.since - DAY))


def _widened(asked: Asked) -> Asked:
    until = plus_months(month_of(asked.until), 1) - DAY
    return replace(asked, since=month_of(asked.since), until=until)


def _moved(seen: Look, day: date) -> Iterator[tuple[int, list[Move]]]:
    """Of each reader of whom a day tells anything: all that ever moved in the scope."""
    within = replace(seen.asked, since=day, until=day)
    for lines in ledger.moved(within.start, within.end):
        found = fold.moves(lines, rollup.zone())
        yield lines[0].reader_id, [move for move in found if seen.scope in move.alike.scopes]


def _of_day(seen: Look, day: date, kinds: tuple[Kind, ...]) -> Iterator[tuple[int, Row]]:
    for reader_id, moved in _moved(seen, day):
        for move in moved:
            if move.day == day and move.kind in kinds:
                money = Money(move.amount, move.currency) if move.currency else None
                yield reader_id, (day, None, CALLED[move.kind], move.readers, money)


def _open_trials(seen: Look, lines: Sequence[Line]) -> Iterator[tuple[int, Row]]:
    """A reader's, by the days on which they began."""
    left = Counter[date]()
    for move in fold.moves(lines, rollup.zone()):
        if seen.asked.since <= move.day <= seen.asked.until and seen.scope in move.alike.scopes:
            left[move.day] += IS_OPEN.get(move.kind, 0)
    for day, number in left.items():
        if number:
            yield lines[0].reader_id, (day, None, CALLED[Kind.TRIAL], number, None)


def _joined_on(seen: Look, day: date, until: date) -> Iterator[tuple[int, Row]]:
    """Who joined on a day, and whether they stand anywhere just before another day begins."""
    for reader_id, moved in _moved(seen, day):
        if any(move.day == day and move.kind is Kind.JOINED for move in moved):
            stands = sum(move.readers for move in moved if move.kind in STOCKS and move.day < until)
            yield reader_id, (day, None, "yes" if stands else "no")


def _stands(seen: Look, stock: Stock, lines: Sequence[Line]) -> tuple[int, Row] | None:
    """A reader's row, if they are in the list by then."""
    since, stands, money = None, Counter[Kind](), Counter[str]()
    for move in fold.moves(lines, rollup.zone()):
        if move.day <= seen.asked.until and seen.scope in move.alike.scopes:
            stands[move.kind] += move.readers
            money[move.currency] += move.amount
            since = move.day if move.kind in stock.since else since
    currency = seen.asked.currency
    if not stock.is_in(stands, money) or (currency and not money[currency]):
        return None
    kind = next((kind for kind in (*STOCKS, Kind.MEMBERS) if stands[kind]), Kind.LEFT)
    return lines[0].reader_id, (None, CALLED[kind], since, _brings(money, currency))


def _brings(money: Counter[str], currency: str | None) -> Cell:
    """What a reader brings; in one currency as money, which a spreadsheet adds up."""
    if currency:
        return Money(money[currency], currency)
    return " and ".join(
        Money(amount, currency).text() for currency, amount in sorted(money.items()) if amount
    )


def _named(found: Iterable[tuple[int, Row]]) -> Iterator[Row]:
    """Each row with its reader's address in the place that was left for it."""
    rest = iter(found)
    while some := list(islice(rest, BATCH)):
        whose = select(Reader.id, Reader.email).where(Reader.id.in_({reader_id for reader_id, _ in some}))
        emails = {row.id: row.email for row in db.session.execute(whose)}
        for reader_id, row in some:
            at = 0 if row[0] is None else 1
            yield (*row[:at], emails[reader_id], *row[at + 1 :])
