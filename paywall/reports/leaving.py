"""Why patrons leave: what they said when they cancelled, from the ledger."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from fractions import Fraction
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, func, select, text
from sqlalchemy.orm import aliased

from paywall.accounts.models import Reader
from paywall.db import UTCDateTime, db, streamed
from paywall.membership.models import LEAVING as LINES
from paywall.membership.models import MembershipEvent, Plan
from paywall.membership.rules import HOLDING, Change, Source, Status
from paywall.reports import page
from paywall.reports.asked import Asked
from paywall.reports.page import Chart, Column, Figure, Kind, Report, Row, Shape, Table

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
UNPAID = "unpaid"
UNSAID = {UNPAID: "Never paid a bill that had failed", "": "Said nothing"}
WORDS = SAID | UNSAID
CHOSEN = (Source.STRIPE, Source.PATREON)
LEFT = "Memberships that readers pay for themselves and that ended."
NEVER_PAID = "Of those, whose last payment had failed and was never made good, and who said nothing."
ASKED_TO_END = "Cancelled for the end of what they had paid for; many of these still read."
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
    reasons = _counter(asked)
    months = [(month, reasons(month)) for month in asked.months()]
    now, before = sum((count for _, count in months), Counter[str]()), reasons(asked.before)
    figures = (
        Figure("Left", now.total(), before.total(), LEFT, "left"),
        Figure("Gave a reason", _said(now), _said(before), "Of those, who told why when they cancelled."),
        Figure("Never paid", now[UNPAID], before[UNPAID], NEVER_PAID),
        _counted("Asked to end", Change.CANCELING, asked, ASKED_TO_END),
        _counted("Changed their minds", Change.CANCEL_UNDONE, asked, "Took back a cancellation in time."),
    )
    return Report("Why they leave", figures, (_table(now, before), _by_month(months)), (NOTE,))


@page.behind("leaving", "left", "Who left", COLUMNS)
def left(asked: Asked) -> Iterator[Row]:
    """Each membership that ended, oldest first."""
    query = (
        _ends(asked, MembershipEvent.at, Reader.email, Plan.name, MembershipEvent.source, _reason())
        .join(Reader, Reader.id == MembershipEvent.reader_id)
        .join(Plan, Plan.id == MembershipEvent.plan_id)
        .order_by(MembershipEvent.at, MembershipEvent.id)
    )
    for at, email, plan, source, reason in streamed(query, _days(asked)):
        yield (asked.day_of(at), email, plan, source.value, in_words(reason))


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


def _by_month(months: list[tuple[Asked, Counter[str]]]) -> Table:
    known = [one for one in WORDS if any(count[one] for _, count in months)]
    new = sorted({one for _, count in months for one in count} - WORDS.keys())
    named = {one: in_words(one) for one in (*known, *new)}
    columns = (Column("Month", Kind.MONTH), *(Column(name, Kind.NUMBER) for name in named.values()))
    rows: list[Row] = [
        (month.since.replace(day=1), *(count[one] for one in named)) for month, count in months
    ]
    chart = Chart(Shape.STACKED, tuple(named.values())) if named else None
    return Table(
        "Reasons by month", "The same, in the month in which the membership ended.", columns, rows, chart
    )


def _counter(asked: Asked) -> Callable[[Asked], Counter[str]]:
    """How many left in some days for each reason: Stripe's word, "unpaid", or "" where nothing was said.

    The query is made once and asked for each month.
    """
    # Within the fence of an offset each reason is found once, and not once more to group by it.
    each = _ends(asked, _reason()).offset(0).subquery()
    query = select(each.c.reason, func.count().label("number")).group_by(each.c.reason)

    def count(days: Asked) -> Counter[str]:
        found = db.session.execute(query, _days(days))
        return Counter({row.reason: row.number for row in found})

    return count


def _ends(asked: Asked, *columns: Any) -> Any:
    """Real ends only: a change of currency writes an end into the ledger, too, of who reads on."""
    query: Any = select(*columns).select_from(MembershipEvent)
    ended = (MembershipEvent.change == Change.ENDED, MembershipEvent.status.not_in(HOLDING))
    return query.where(*ended, *_asked_for(asked))


def _counted(name: str, change: Change, asked: Asked, meaning: str) -> Figure:
    return Figure(name, _count(asked, change), _count(asked.before, change), meaning)


def _count(asked: Asked, change: Change) -> int:
    query = select(func.count()).select_from(MembershipEvent)
    query = query.where(MembershipEvent.change == change, *_asked_for(asked))
    return db.session.scalar(query, _days(asked)) or 0


def _asked_for(asked: Asked) -> list[Any]:
    sources = [asked.source] if asked.source else list(CHOSEN)
    found = [
        text(f"membership_event.{LINES}"),
        MembershipEvent.at >= bindparam("start", type_=UTCDateTime()),
        MembershipEvent.at < bindparam("end", type_=UTCDateTime()),
        MembershipEvent.source.in_(sources),
    ]
    if asked.plan:
        plan = select(Plan.id).where(Plan.slug == asked.plan).scalar_subquery()
        found.append(MembershipEvent.plan_id == plan)
    return found


def _days(asked: Asked) -> dict[str, datetime]:
    return {"start": asked.start, "end": asked.end}


def _reason() -> ColumnElement[str]:
    """What was said, or else whether the line before this one says that a payment had failed."""
    earlier = aliased(MembershipEvent)
    status = (
        select(earlier.status)
        .where(
            and_(earlier.subscription_id == MembershipEvent.subscription_id, earlier.id < MembershipEvent.id)
        )
        .order_by(earlier.id.desc())
        .limit(1)
        .correlate(MembershipEvent)
        .scalar_subquery()
    )
    said = MembershipEvent.feedback
    return case((said.is_not(None), said), (status == Status.PAST_DUE, UNPAID), else_="").label("reason")


def _said(count: Counter[str]) -> int:
    return sum(number for one, number in count.items() if one not in UNSAID)


def _share(count: Counter[str], one: str) -> Fraction | None:
    return Fraction(count[one], count.total()) if count.total() else None
