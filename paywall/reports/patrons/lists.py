"""The rows behind the figures: which reader on which day, folded from the ledger reader by reader."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import islice

from sqlalchemy import select

from paywall.accounts.models import Reader
from paywall.db import db
from paywall.money import Money
from paywall.reports import fold, ledger, page, rollup
from paywall.reports.asked import Asked, plus_months
from paywall.reports.fold import STOCKS, Kind, Line, month_of
from paywall.reports.page import Column, Row
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


def standing(report: str) -> None:
    """Declare the list of all who are patrons when the last day ends."""

    @page.behind(report, "patrons", "Patrons when the last day ends", STANDING)
    def rows(asked: Asked) -> Iterator[Row]:
        seen = look(asked)
        yield from _named(filter(None, (_stands(seen, lines) for lines in ledger.of(seen.scope))))


def _widened(asked: Asked) -> Asked:
    until = plus_months(month_of(asked.until), 1) - timedelta(days=1)
    return replace(asked, since=month_of(asked.since), until=until)


def _of_day(seen: Look, day: date, kinds: tuple[Kind, ...]) -> Iterator[tuple[int, Row]]:
    within = replace(seen.asked, since=day, until=day)
    for lines in ledger.moved(within.start, within.end):
        for move in fold.moves(lines, rollup.zone()):
            if move.day == day and move.kind in kinds and seen.scope in move.alike.scopes:
                money = Money(move.amount, move.currency) if move.currency else None
                yield lines[0].reader_id, (day, None, CALLED[move.kind], move.readers, money)


def _stands(seen: Look, lines: Sequence[Line]) -> tuple[int, Row] | None:
    """A reader's row, if they are a patron by then."""
    since, stands, money = None, Counter[Kind](), Counter[str]()
    for move in fold.moves(lines, rollup.zone()):
        if move.day <= seen.asked.until and seen.scope in move.alike.scopes:
            stands[move.kind] += move.readers
            money[move.currency] += move.amount
            since = move.day if move.kind in {Kind.JOINED, Kind.REJOINED} else since
    kind = next((kind for kind in STOCKS if stands[kind]), None)
    if kind is None:
        return None
    brings = [Money(amount, currency).text() for currency, amount in sorted(money.items()) if amount]
    return lines[0].reader_id, (None, CALLED[kind], since, " and ".join(brings))


def _named(found: Iterable[tuple[int, Row]]) -> Iterator[Row]:
    """Each row with its reader's address in the place that was left for it."""
    rest = iter(found)
    while some := list(islice(rest, BATCH)):
        whose = select(Reader.id, Reader.email).where(Reader.id.in_({reader_id for reader_id, _ in some}))
        emails = {row.id: row.email for row in db.session.execute(whose)}
        for reader_id, row in some:
            at = 0 if row[0] is None else 1
            yield (*row[:at], emails[reader_id], *row[at + 1 :])
