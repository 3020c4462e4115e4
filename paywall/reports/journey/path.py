"""The path: how many go how far from teaser to payment, step by step and as time goes on."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from sqlalchemy import func, select

from paywall.access.journey.models import FirstPayment, JourneyDay
from paywall.access.journey.steps import Step
from paywall.accounts.models import Reader
from paywall.db import db, streamed
from paywall.membership.models import Plan
from paywall.reports import page
from paywall.reports.asked import Asked
from paywall.reports.journey.words import PATH_NOTES
from paywall.reports.page import Chart, Column, Figure, Kind, Report, Row, Shape, Table

PAID = "paid"
# Up to so many days are shown one by one, up to so many by the week.
BY_DAY, BY_WEEK = timedelta(days=31), timedelta(days=183)


@dataclass(frozen=True, slots=True)
class Stage:
    """A step in words; `of` is the step whose share it is."""

    word: str
    name: str
    meaning: str
    of: str | None = None


STAGES = (
    Stage(Step.VISIT, "Visits", "Article pages that somebody asked for, gated or not; a reload is one more."),
    Stage(
        Step.OFFER,
        "Offers shown",
        "Of the visits, those that saw the teaser, with what it takes to read on below it.",
        of=Step.VISIT,
    ),
    Stage(
        Step.METER_SPENT,
        "Free reads spent",
        "Of the offers, those to somebody who had read all their free articles.",
        of=Step.OFFER,
    ),
    Stage(
        Step.PLAN_PAGE,
        "Plan pages",
        "How often the page with the plans was shown, as a share of the offers: some come from elsewhere.",
        of=Step.OFFER,
    ),
    Stage(
        Step.SIGN_UP_PAGE,
        "Sign-up pages",
        "How often the page to make an account was shown, as a share of the offers.",
        of=Step.OFFER,
    ),
    Stage(
        Step.ACCOUNT,
        "Accounts made",
        "Addresses that were proven for the first time, by a code or a link in a letter.",
        of=Step.SIGN_UP_PAGE,
    ),
    Stage(
        Step.CHECKOUT,
        "Checkouts opened",
        "How often Stripe's page was opened for a reader; who goes back and opens it again counts twice.",
        of=Step.PLAN_PAGE,
    ),
    Stage(
        PAID,
        "First payments",
        "Readers who paid for a membership for the first time ever, on the day of the payment. What is given"
        " back later is not taken out again; renewals, gifts and who comes back are not in it.",
        of=Step.CHECKOUT,
    ),
)


@page.report("path", "From teaser to payment", narrows=())
def path(asked: Asked) -> Report:
    """Each step, its share of the one before, and the period before beside it."""
    days = by_day(asked)
    now, before = sum(days.values(), Counter[str]()), sum(by_day(asked.before).values(), Counter[str]())
    figures = [Figure(one.name, now[one.word], before[one.word], one.meaning, one.word) for one in STAGES]
    return Report(
        "From teaser to payment", figures, (_shares(now, before), _in_time(asked, days)), PATH_NOTES
    )


@page.behind(
    "path",
    PAID,
    "First payments",
    (Column("Day", Kind.DAY), Column("Reader"), Column("Plan"), Column("Paid", Kind.MONEY)),
)
def paid(asked: Asked) -> Iterator[Row]:
    """Who paid first, the latest first."""
    query = (
        select(FirstPayment, Reader.email, Plan.name)
        .join(Reader, Reader.id == FirstPayment.reader_id)
        .join(Plan, Plan.id == FirstPayment.plan_id)
        .where(FirstPayment.day.between(asked.since, asked.until))
        .order_by(FirstPayment.day.desc(), FirstPayment.reader_id.desc())
    )
    for first, email, plan in streamed(query):
        yield first.day, email, plan, first.money


def _days(step: str, name: str) -> None:
    """Declare the list of how often a step was taken on which day: no more is kept of whoever took it."""

    @page.behind("path", step, f"{name}, by day", (Column("Day", Kind.DAY), Column("Times", Kind.NUMBER)))
    def rows(asked: Asked) -> Iterator[Row]:
        query = select(JourneyDay.day, JourneyDay.times).where(JourneyDay.step == step)
        query = query.where(JourneyDay.day.between(asked.since, asked.until))
        yield from map(tuple, streamed(query.order_by(JourneyDay.day.desc())))


for _stage in STAGES:
    if _stage.word != PAID:
        _days(_stage.word, _stage.name)


def by_day(asked: Asked) -> dict[date, Counter[str]]:
    """How often each step was taken on each day."""
    steps = select(JourneyDay.day, JourneyDay.step, JourneyDay.times)
    found: dict[date, Counter[str]] = {}
    for day, step, times in db.session.execute(steps.where(JourneyDay.day.between(asked.since, asked.until))):
        found.setdefault(day, Counter())[step] += times
    payments = select(FirstPayment.day, func.count()).group_by(FirstPayment.day)
    for day, times in db.session.execute(payments.where(FirstPayment.day.between(asked.since, asked.until))):
        found.setdefault(day, Counter())[PAID] += times
    return found


def _shares(now: Counter[str], before: Counter[str]) -> Table:
    names = {one.word: one.name for one in STAGES}
    rows = [
        (
            one.name,
            now[one.word],
            _share(one, now),
            before[one.word],
            _share(one, before),
            names[one.of].lower() if one.of else None,
        )
        for one in STAGES
    ]
    columns = (
        Column("Step"),
        Column("Now", Kind.NUMBER),
        Column("Share", Kind.SHARE),
        Column("Before", Kind.NUMBER),
        Column("Share before", Kind.SHARE),
        Column("Of the"),
    )
    meaning = "Each step as a share of the step that it is most often taken from."
    return Table("Step by step", meaning, columns, rows)


def _share(stage: Stage, counted: Counter[str]) -> Fraction | None:
    base = counted[stage.of] if stage.of else 0
    return Fraction(counted[stage.word], base) if base else None


def _in_time(asked: Asked, days: dict[date, Counter[str]]) -> Table:
    kind, word, stretches = _stretches(asked)
    rows: list[Row] = []
    for since, until in stretches:
        counted = sum((days[day] for day in days if since <= day <= until), Counter[str]())
        rows.append((since, *(counted[one.word] for one in STAGES)))
    columns = (Column(word.capitalize(), kind), *(Column(one.name, Kind.NUMBER) for one in STAGES))
    drawn = Chart(Shape.LINES, ("Accounts made", "Checkouts opened", "First payments"))
    meaning = f"The same by {word}; a {word} that is asked for in part counts in part."
    return Table(f"By {word}", meaning, columns, rows, drawn)


def _stretches(asked: Asked) -> tuple[Kind, str, list[tuple[date, date]]]:
    """Days, weeks (which begin on Monday) or months, as fits on a page."""
    length = asked.until - asked.since
    if length > BY_WEEK:
        return Kind.MONTH, "month", [(part.since, part.until) for part in asked.months()]
    step = timedelta(days=1) if length <= BY_DAY else timedelta(days=7)
    first = asked.since if step.days == 1 else asked.since - timedelta(days=asked.since.weekday())
    count = (asked.until - first) // step + 1
    starts = [first + number * step for number in range(count)]
    return (
        Kind.DAY,
        "day" if step.days == 1 else "week",
        [(max(each, asked.since), min(each + step - timedelta(days=1), asked.until)) for each in starts],
    )
