"""Which articles bring patrons: what was counted of each, and which payments followed."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import Select, func, select

from paywall import clock
from paywall.access.journey.models import ArticleDay, ArticlePaid, FirstPayment
from paywall.access.journey.steps import Step
from paywall.accounts.models import StaffRole
from paywall.db import db, streamed
from paywall.membership.models import Plan
from paywall.money import Money
from paywall.reports import page
from paywall.reports.asked import Asked, Preset
from paywall.reports.journey import found
from paywall.reports.journey.found import COUNTED, Counts
from paywall.reports.journey.names import Named, beside, named
from paywall.reports.journey.words import ARTICLE_NOTES, LAST_TOUCH, SIGN_UPS
from paywall.reports.page import READS, Cell, Column, Figure, Kind, Link, Report, Row, Table

MOST = 100
USUAL = "last"
VISITS = "Article pages that somebody asked for."
FIRST = "Of all readers, whatever they had seen."
# What most want to know comes first: a narrow screen shows no more.
COLUMNS = (
    Column("Paid: last touch", Kind.NUMBER, "last"),
    Column("Paid: any touch", Kind.NUMBER, "any"),
    Column("Sign-ups", Kind.NUMBER, "sign_ups"),
    Column("Visits", Kind.NUMBER, "visits"),
    Column("Offers", Kind.NUMBER, "offers"),
    Column("Free reads spent", Kind.NUMBER, "meter_spent"),
)
BY_ARTICLE = (Column("Article"), *COLUMNS, Column("Section"), Column("Author"))
MONEY = (
    Column("Article"),
    Column("Payments: last touch", Kind.NUMBER),
    Column("Money: last touch", Kind.MONEY),
    Column("Payments: any touch", Kind.NUMBER),
    Column("Money: any touch", Kind.MONEY),
)


@page.report(
    "articles",
    "Articles",
    *READS,
    StaffRole.EDITOR,
    usual=Preset.THIS_MONTH,
    narrows=("plan",),
    orders=COUNTED,
)
def articles(asked: Asked) -> Report:
    """The articles with the highest counts, then sections and authors, then money by currency."""
    summed = found.found(asked, _today(asked), asked.order or USUAL, MOST)
    names = named([key for key, _ in summed.articles])
    rows = [_line(key, names.get(key), counts) for key, counts in summed.articles]
    meaning = f"The first {MOST}, by the column that you choose; the list of all is behind the figures."
    tables = (
        Table("Articles", meaning, BY_ARTICLE, rows),
        _grouped("Section", summed.sections),
        _grouped("Author", summed.authors),
        *_money(asked),
    )
    return Report("Articles", _figures(asked, summed.total), tables, ARTICLE_NOTES)


@page.behind("articles", "articles", "All articles", BY_ARTICLE)
def every(asked: Asked) -> Iterator[Row]:
    """Each of which something was counted."""
    for key, known, counts in found.every(asked, _today(asked), asked.order or USUAL):
        yield _line(key, known, counts)


@page.behind(
    "articles",
    "days",
    "Visits by day, article and what the door said, as far as days are kept",
    (Column("Day", Kind.DAY), Column("Article"), Column("What"), Column("Times", Kind.NUMBER)),
)
def days(asked: Asked) -> Iterator[Row]:
    """The counts themselves."""
    query = (
        select(*ArticleDay.__table__.columns)
        .where(ArticleDay.day.between(asked.since, asked.until), ArticleDay.word != Step.ACCOUNT)
        .order_by(ArticleDay.day.desc(), ArticleDay.key, ArticleDay.word)
    )
    for row, known in beside(streamed(query)):
        yield row.day, _title(row.key, known), row.word.replace("_", " "), row.times


@page.behind(
    "articles",
    "payments",
    "First payments by day, article and plan",
    (
        Column("Day", Kind.DAY),
        Column("Article"),
        Column("Plan"),
        Column("Last touch", Kind.NUMBER),
        Column("Money: last touch", Kind.MONEY),
        Column("Any touch", Kind.NUMBER),
        Column("Money: any touch", Kind.MONEY),
    ),
)
def payments(asked: Asked) -> Iterator[Row]:
    """Which payments were counted for which article."""
    plans = dict(db.session.execute(select(Plan.id, Plan.name)).all())
    order = (ArticlePaid.day.desc(), ArticlePaid.key, ArticlePaid.plan_id, ArticlePaid.currency)
    # Month by month: the first rows are there before all are sorted.
    for part in reversed(list(asked.months())):
        query = select(*ArticlePaid.__table__.columns).where(*found.paid_within(part)).order_by(*order)
        for row, known in beside(streamed(query)):
            last, any_ = Money(row.last_amount, row.currency), Money(row.any_amount, row.currency)
            yield row.day, _title(row.key, known), plans[row.plan_id], row.last, last, row.any, any_


@page.behind(
    "articles",
    "first",
    "First payments, whatever was seen before them",
    (Column("Day", Kind.DAY), Column("Plan"), Column("Paid", Kind.MONEY)),
)
def first(asked: Asked) -> Iterator[Row]:
    """Each of them, the latest first; without its reader, whom an editor need not know."""
    query = _firsts(asked, select(FirstPayment, Plan.name).join(Plan, Plan.id == FirstPayment.plan_id))
    order = (FirstPayment.day.desc(), FirstPayment.paid_at.desc(), FirstPayment.reader_id)
    for one, plan in streamed(query.order_by(*order)):
        yield one.day, plan, one.money


def _figures(asked: Asked, total: Counts) -> list[Figure]:
    before = asked.before
    visits, sign_ups = found.totals(before, _today(asked))
    return [
        Figure("Visits", total.visits, visits, VISITS, "days"),
        Figure("Sign-ups after an article", total.sign_ups, sign_ups, SIGN_UPS, "articles"),
        Figure("First payments", _first(asked), _first(before), FIRST, "first"),
        Figure("Paid after an article", total.last, _after(before), LAST_TOUCH, "payments"),
    ]


def _first(asked: Asked) -> int:
    return db.session.scalar(_firsts(asked, select(func.count()).select_from(FirstPayment))) or 0


def _firsts(asked: Asked, query: Any) -> Any:
    query = query.where(FirstPayment.day.between(asked.since, asked.until))
    if asked.plan is None:
        return query
    of_plan = select(Plan.id).where(Plan.slug == asked.plan).scalar_subquery()
    return query.where(FirstPayment.plan_id == of_plan)


def _after(asked: Asked) -> int:
    return int(db.session.scalar(select(func.sum(ArticlePaid.last)).where(*found.paid_within(asked))) or 0)


def _grouped(what: str, rows: list[tuple[str, Counts]]) -> Table:
    cells: list[tuple[Cell, ...]] = [(name or "Nobody", *_cells(counts)) for name, counts in rows]
    meaning = f"The sums of their articles; up to {MOST} are shown."
    return Table(f"By {what.lower()}", meaning, (Column(what), *COLUMNS), cells)


def _money(asked: Asked) -> Iterator[Table]:
    """A table for each currency: they are never added."""
    within = found.paid_within(asked)
    query = select(ArticlePaid.currency).where(*within).distinct().order_by(ArticlePaid.currency)
    for currency in db.session.scalars(query).all():
        meaning = "What these first payments came to. Money of any touch is not to be added up."
        yield Table(f"Money in {currency.upper()}", meaning, MONEY, _earned(asked, currency))


def _earned(asked: Asked, currency: str) -> list[Row]:
    sums = [func.sum(each) for each in (ArticlePaid.last, ArticlePaid.last_amount)]
    sums += [func.sum(each) for each in (ArticlePaid.any, ArticlePaid.any_amount)]
    query: Select[*tuple[Any, ...]] = select(ArticlePaid.key, *sums).where(
        *found.paid_within(asked), ArticlePaid.currency == currency
    )
    query = query.group_by(ArticlePaid.key).order_by(sums[1].desc(), sums[3].desc(), ArticlePaid.key)
    rows = db.session.execute(query.limit(MOST)).all()
    names = named([row[0] for row in rows])
    return [
        (
            _link(key, names.get(key)),
            int(last),
            Money(int(last_amount), currency),
            int(some),
            Money(int(some_amount), currency),
        )
        for key, last, last_amount, some, some_amount in rows
    ]


def _line(key: str, known: Named | None, counts: Counts) -> Row:
    where = (known.section, known.author) if known else ("", "")
    return (_link(key, known), *_cells(counts), *where)


def _cells(counts: Counts) -> tuple[int, ...]:
    return tuple(getattr(counts, column.order or "") for column in COLUMNS)


def _link(key: str, known: Named | None) -> str | Link:
    return Link(known.title, known.path) if known else _title(key, known)


def _title(key: str, known: Named | None) -> str:
    return known.title if known else f"No longer there ({key})"


def _today(asked: Asked) -> date:
    return clock.now().astimezone(asked.zone).date()
