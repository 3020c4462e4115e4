"""What was counted of articles in some days, summed up by the database: by article, section and author."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import Any, Self

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)

from paywall.access.decision import Reason
from paywall.access.journey.counting import COLUMNS
from paywall.access.journey.models import ArticleDay, ArticleMonth, ArticlePaid, ArticleYear
from paywall.access.journey.steps import OFFERED, Step
from paywall.articles.models import Article, Section
from paywall.db import alone, db, streamed
from paywall.membership.models import Plan
from paywall.reports.asked import Asked
from paywall.reports.journey.names import Named, article_id, beside
from paywall.reports.journey.parts import Parts, parts

Query = Select[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted of some articles; `last` and `any` are first payments."""

    visits: int = 0
    offers: int = 0
    meter_spent: int = 0
    sign_ups: int = 0
    last: int = 0
    any: int = 0

    @classmethod
    def of(cls, row: Sequence[Any]) -> Self:
        """From a row that ends with them."""
        return cls(*map(int, row[-len(COUNTED) :]))

    def __add__(self, other: Self) -> "Counts":
        return Counts(*(mine + theirs for mine, theirs in zip(_all(self), _all(other), strict=True)))


COUNTED = tuple(Counts.__dataclass_fields__)
_all = attrgetter(*COUNTED)


@dataclass(frozen=True, slots=True)
class Found:
    """The articles with the highest counts, the sections and the authors, each by name; and all together."""

    articles: list[tuple[str, Counts]]
    sections: list[tuple[str, Counts]]
    authors: list[tuple[str, Counts]]
    total: Counts


def found(asked: Asked, today: date, order: str, most: int) -> Found:
    """The articles first in `order` (one of COUNTED), and the sums of all."""
    counted = _counted(asked, today)
    articles: dict[str, Counts] = {}
    sections: dict[str, Counts] = {}
    authors: dict[str, Counts] = {}
    total, names = Counts(), dict(db.session.execute(select(Section.id, Section.name)).all())
    both: Any = union_all(_first(counted, order, most), _shelves(counted))
    for row in db.session.execute(both):
        counts = Counts.of(row)
        if row.key:
            articles[row.key] = counts
            continue
        total += counts
        # Other sites' articles, and those that are no longer there, are on no shelf.
        if row.section_id:
            section = names[row.section_id]
            sections[section] = sections.get(section, Counts()) + counts
            authors[row.byline] = authors.get(row.byline, Counts()) + counts

    def by_rank(those: Mapping[str, Counts]) -> list[tuple[str, Counts]]:
        return sorted(those.items(), key=lambda one: (-getattr(one[1], order), one[0]))

    return Found(by_rank(articles), by_rank(sections), by_rank(authors)[:most], total)


def totals(asked: Asked, today: date) -> tuple[int, int]:
    """The visits and the sign-ups of all articles together."""
    some = union_all(*_parts(parts(asked, today))).subquery()
    visits, sign_ups = db.session.execute(select(_sum(some.c.visits), _sum(some.c.sign_ups))).one()
    return visits or 0, sign_ups or 0


def every(asked: Asked, today: date, order: str) -> Iterator[tuple[str, Named | None, Counts]]:
    """All articles of which something was counted, first in `order` first."""
    counted = _counted(asked, today)
    query = select(counted).order_by(counted.c[order].desc(), counted.c.key)
    for row, named in beside(streamed(query)):
        yield row.key, named, Counts.of(row)


def paid_within(asked: Asked) -> list[ColumnElement[bool]]:
    """Which first payments are asked for."""
    of_plan = select(Plan.id).where(Plan.slug == asked.plan).scalar_subquery()
    plan = [ArticlePaid.plan_id == of_plan] if asked.plan else []
    return [ArticlePaid.day.between(asked.since, asked.until), *plan]


def _first(counted: CTE, order: str, most: int) -> Query:
    where = (cast(null(), Integer).label("section_id"), cast(null(), Article.byline.type).label("byline"))
    sums = (counted.c[name] for name in COUNTED)
    query = select(counted.c.key, *where, *sums).order_by(counted.c[order].desc(), counted.c.key)
    return select(query.limit(most).subquery())


def _shelves(counted: CTE) -> Query:
    """The sums by section and author: few rows, which are added up further by hand.

    PostgreSQL takes `counted` for short, and would look up one article after the other.
    """
    shelf = select(Article.id, Article.section_id, Article.byline).cte("shelf")
    shelf = shelf.prefix_with("MATERIALIZED", dialect="postgresql")
    shelf = shelf.prefix_with("NOT MATERIALIZED", dialect="sqlite")
    where = (shelf.c.section_id, shelf.c.byline)
    sums = (_sum(counted.c[name]).label(name) for name in COUNTED)
    known = counted.outerjoin(shelf, shelf.c.id == article_id(counted.c.key))
    return select(literal("").label("key"), *where, *sums).select_from(known).group_by(*where)


def _counted(asked: Asked, today: date) -> CTE:
    """Each article's counts, made once however often they are read."""
    # PostgreSQL takes them for few articles: each worker would sum up nearly all, for one to do it again.
    alone()
    some = union_all(*_parts(parts(asked, today)), _paid(asked)).subquery()
    sums = {name: _sum(some.c[name]) for name in COUNTED}
    columns = (each.label(name) for name, each in sums.items())
    is_counted = sums["visits"] + sums["sign_ups"] + sums["any"] > 0
    query = select(some.c.key, *columns).group_by(some.c.key).having(is_counted)
    return query.cte("counted").prefix_with("MATERIALIZED")


def _parts(asked: Parts) -> Iterator[Query]:
    """The same article can be in several."""
    if asked.years:
        yield _rows(ArticleYear.key, _kept(ArticleYear), ArticleYear.year.in_(asked.years))
    kept = _kept(ArticleMonth)
    if asked.months:
        yield _rows(ArticleMonth.key, kept, ArticleMonth.month.in_(asked.months))
    if asked.off:
        less = {name: -each for name, each in kept.items()}
        yield _rows(ArticleMonth.key, less, ArticleMonth.month.in_(asked.off))
    if asked.days:
        times = {name: case((which, ArticleDay.times), else_=0) for name, which in _WORDS.items()}
        within = (ArticleDay.day.between(part.since, part.until) for part in asked.days)
        yield _rows(ArticleDay.key, times, or_(*within))


def _kept(table: type[ArticleMonth] | type[ArticleYear]) -> dict[str, Any]:
    return {name: getattr(table, name) for name in COLUMNS.values()}


_WORDS: dict[str, ColumnElement[bool]] = {
    "visits": ArticleDay.word != Step.ACCOUNT,
    "offers": ArticleDay.word.in_(sorted(OFFERED)),
    "meter_spent": ArticleDay.word == Reason.METER_SPENT,
    "sign_ups": ArticleDay.word == Step.ACCOUNT,
}


def _paid(asked: Asked) -> Query:
    return _rows(ArticlePaid.key, {"last": ArticlePaid.last, "any": ArticlePaid.any}, *paid_within(asked))


def _rows(key: Any, counts: Mapping[str, Any], *within: ColumnElement[bool]) -> Query:
    """SQLite has the rows of an article side by side: summed up here, few are left that it must sort."""
    is_ordered = db.engine.dialect.name == "sqlite"
    nothing: Any = literal(0)
    columns = (counts.get(name, nothing) for name in COUNTED)
    sums = (func.sum(each) if is_ordered else each for each in columns)
    named = (each.label(name) for name, each in zip(COUNTED, sums, strict=True))
    query = select(key.label("key"), *named).where(*within)
    return query.group_by(key) if is_ordered else query


def _sum(of: Any) -> ColumnElement[int]:
    # PostgreSQL's sum of sums would be a decimal.
    return cast(func.sum(of), BigInteger)
