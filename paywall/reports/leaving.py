"""Why patrons leave: what they said when they cancelled, from the ledger."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from fractions import Fraction

from sqlalchemy import ColumnElement, case, select
from sqlalchemy.orm import aliased

from paywall.accounts.models import Reader
from paywall.db import streamed
from paywall.membership.models import MembershipEvent, Plan
from paywall.membership.rules import HOLDING, Change, Source, Status
from paywall.reports import page
from paywall.reports.asked import Asked
from paywall.reports.fold import month_of
from paywall.reports.page import Chart, Column, Figure, Kind, Report, Row, Shape, Table
from paywall.reports.partings import UNPAID, UNSAID
from paywall.reports.patrons.look import Look, look
from paywall.reports.rolled import Monthly

# https://docs.stripe.com/api/subscriptions/object#subscription_object-cancellation_details-feedback
SAID = {
    "too_expensive": "Too expensive",
    "unused": "Does not use it enough",
    "missing_features": "Misses something",
    "low_quality": "Not good enough",
    "switched_service": "Reads something else",
    "customer_service": "Unhappy with how we treated them",
    "too_complex": "Too complicated",
    "other": "Something else",
}
WORDS = SAID | {UNPAID: "Never paid a bill that had failed", UNSAID: "Said nothing"}
CHOSEN = (Source.STRIPE, Source.PATREON)
LEFT = "Memberships that readers pay for themselves and that ended."
GAVE = "Of those, who told why when they cancelled."
NEVER_PAID = "Of those, whose last payment had failed and was never made good, and who said nothing."
ASKED_TO_END = "Cancelled for the end of what they had paid for; many of these still read."
UNDONE = "Took back a cancellation in time."
BY_MONTH = "The same, in the month in which the membership ended."
NOTE = "A reason is what a reader chose from Stripe's list; Patreon does not tell us any."
COLUMNS = (
    Column("Day", Kind.DAY),
    Column("Reader"),
    Column("Plan"),
    Column("Source"),
    Column("Reason"),
)


@page.report("leaving", "Why they leave")
def leaving(asked: Asked) -> Report:
    """The reasons of those who left, all together and month by month."""
    seen = look(asked)
    told, told_before = _partings(seen, asked), _partings(seen, asked.before)
    now, before = _reasons(told), _reasons(told_before)
    figures = (
        Figure("Left", now.total(), before.total(), LEFT, "left"),
        Figure("Gave a reason", _said(now), _said(before), GAVE, "reasons"),
        Figure("Never paid", now[UNPAID], before[UNPAID], NEVER_PAID, "unpaid"),
        _counted("Asked to end", Change.CANCELING, told, told_before, ASKED_TO_END, "asked"),
        _counted("Changed their minds", Change.CANCEL_UNDONE, told, told_before, UNDONE, "undone"),
    )
    tables = (_table(now, before), _by_month([month_of(days.since) for days in asked.months()], told))
    return Report("Why they leave", figures, tables, (NOTE, *seen.notes))


@page.behind("leaving", "left", "Who left", COLUMNS)
def left(asked: Asked) -> Iterator[Row]:
    """Each membership that ended, oldest first."""
    return _told(asked, Change.ENDED)


@page.behind("leaving", "reasons", "Who left and told why", COLUMNS)
def gave_a_reason(asked: Asked) -> Iterator[Row]:
    """Those of them with a reason of Stripe's list."""
    return _told(asked, Change.ENDED, _reason().not_in((UNPAID, UNSAID)))


@page.behind("leaving", "unpaid", "Who never paid a bill that had failed", COLUMNS)
def never_paid(asked: Asked) -> Iterator[Row]:
    """Those of them who said nothing, and whose last payment had failed."""
    return _told(asked, Change.ENDED, _reason() == UNPAID)


@page.behind("leaving", "asked", "Who asked for an end", COLUMNS[:-1])
def asked_to_end(asked: Asked) -> Iterator[Row]:
    """Each cancellation for the end of what was paid for."""
    return (row[:-1] for row in _told(asked, Change.CANCELING))


@page.behind("leaving", "undone", "Who took a cancellation back", COLUMNS[:-1])
def changed_their_minds(asked: Asked) -> Iterator[Row]:
    """Each cancellation that was taken back."""
    return (row[:-1] for row in _told(asked, Change.CANCEL_UNDONE))


def in_words(reason: str) -> str:
    """A reason for a person; one that Stripe has new, as it comes."""
    return WORDS.get(reason, reason.replace("_", " ").capitalize())


def _table(now: Counter[str], before: Counter[str]) -> Table:
    columns = (
        Column("Reason"),
        Column("Left", Kind.NUMBER),
        Column("Share", Kind.SHARE),
        Column("Before", Kind.NUMBER),
        Column("Share before", Kind.SHARE),
    )
    rows: list[Row] = [
        (in_words(one), now[one], _share(now, one), before[one], _share(before, one))
        for one in sorted(now | before, key=lambda one: (-now[one], -before[one], in_words(one)))
    ]
    meaning = (
        "Each membership that ended, by the one reason that its reader chose; shares are of all who left."
    )
    return Table("Reasons", meaning, columns, rows)


def _by_month(months: Sequence[date], told: Counter[Monthly]) -> Table:
    found = _reasons(told)
    new = sorted(found.keys() - WORDS.keys())
    named = {one: in_words(one) for one in (*(one for one in WORDS if found[one]), *new)}
    columns = (Column("Month", Kind.MONTH), *(Column(name, Kind.NUMBER) for name in named.values()))
    rows: list[Row] = [
        (month, *(told[Monthly(month, Change.ENDED, one)] for one in named)) for month in months
    ]
    chart = Chart(Shape.STACKED, tuple(named.values())) if named else None
    return Table("Reasons by month", BY_MONTH, columns, rows, chart)


def _partings(seen: Look, days: Asked) -> Counter[Monthly]:
    return seen.rolled.partings(days.since, days.until, seen.scope.plan_id, _sources(days))


def _reasons(told: Counter[Monthly]) -> Counter[str]:
    """How many left for each reason."""
    found: Counter[str] = Counter()
    for one, number in told.items():
        if one.change is Change.ENDED:
            found[one.reason] += number
    return found


def _counted(
    name: str,
    change: Change,
    told: Counter[Monthly],
    told_before: Counter[Monthly],
    meaning: str,
    behind: str,
) -> Figure:
    return Figure(name, _times(change, told), _times(change, told_before), meaning, behind)


def _times(change: Change, told: Counter[Monthly]) -> int:
    return sum(number for one, number in told.items() if one.change is change)


def _told(asked: Asked, change: Change, *which: ColumnElement[bool]) -> Iterator[Row]:
    """Line by line what partings.py counts."""
    query = (
        select(MembershipEvent.at, Reader.email, Plan.name, MembershipEvent.source, _reason())
        .join(Reader, Reader.id == MembershipEvent.reader_id)
        .join(Plan, Plan.id == MembershipEvent.plan_id)
        .where(MembershipEvent.change == change, MembershipEvent.source.in_(_sources(asked)), *which)
        .where(MembershipEvent.at >= asked.start, MembershipEvent.at < asked.end)
        .order_by(MembershipEvent.at, MembershipEvent.id)
    )
    if change is Change.ENDED:
        query = query.where(MembershipEvent.status.not_in(HOLDING))
    if asked.plan:
        query = query.where(Plan.slug == asked.plan)
    for at, email, plan, source, reason in streamed(query):
        yield (asked.day_of(at), email, plan, source.value, in_words(reason))


def _sources(asked: Asked) -> tuple[Source, ...]:
    return (asked.source,) if asked.source else CHOSEN


def _reason() -> ColumnElement[str]:
    """What was said, or else whether the line before this one says that a payment had failed."""
    earlier = aliased(MembershipEvent)
    status = (
        select(earlier.status)
        .where(earlier.subscription_id == MembershipEvent.subscription_id, earlier.id < MembershipEvent.id)
        .order_by(earlier.id.desc())
        .limit(1)
        .correlate(MembershipEvent)
        .scalar_subquery()
    )
    said = MembershipEvent.feedback
    return case((said.is_not(None), said), (status == Status.PAST_DUE, UNPAID), else_=UNSAID)


def _said(count: Counter[str]) -> int:
    return sum(number for one, number in count.items() if one not in {UNPAID, UNSAID})


def _share(count: Counter[str], one: str) -> Fraction | None:
    return Fraction(count[one], count.total()) if count.total() else None
