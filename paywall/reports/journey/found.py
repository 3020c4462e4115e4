"""What was counted of articles in some days, summed up by the database: by article, section and author."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Self

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    case,
    cast,
    false,
    func,
    literal,
    or_,
    select,
    union_all,
)

from paywall.access.decision import Reason
from paywall.access.journey.models import ArticleDay, ArticleMonth, ArticlePaid, ArticlePath
from paywall.access.journey.paying import DAYS_KEPT
from paywall.access.journey.steps import OFFERED, Step
from paywall.articles.gates import ARTICLE_PATH
from paywall.articles.models import Article, Section
from paywall.db import db, streamed
from paywall.membership.models import Plan
from paywall.reports.asked import Asked

DAY = timedelta(days=1)
# The keys of articles of ours are their ids; another site's are digests, which are longer.
LONGEST_ID = 10


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
        return cls(*(int(each or 0) for each in row[-len(COUNTED) :]))


COUNTED = tuple(Counts.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Found:
    """The articles with the highest counts, the sections and the authors, each by name; and all together."""

    articles: list[tuple[str, Counts]]
    sections: list[tuple[str, Counts]]
    authors: list[tuple[str, Counts]]
    total: Counts


@dataclass(frozen=True, slots=True)
class Named:
    """What an article is called, and where it stands; a page of another site has its path for a title."""

    title: str
    path: str
    section: str = ""
    author: str = ""


def found(asked: Asked, today: date, order: str, most: int) -> Found:
    """The articles first in `order` (one of COUNTED), and the sums of all."""
    counted = _counted(asked, today).cte("counted")
    sums = [func.sum(counted.c[name]).label(name) for name in COUNTED]
    known = counted.join(Article, Article.id == _id(counted.c.key))
    by_author = select(literal("author"), Article.byline, *sums).select_from(known).group_by(Article.byline)
    parts = (
        _first(select(literal("article"), *counted.c), counted.c[order], counted.c.key, most),
        select(literal("section"), Section.name, *sums)
        .select_from(known.join(Section, Section.id == Article.section_id))
        .group_by(Section.name),
        _first(by_author, func.sum(counted.c[order]), Article.byline, most),
        select(literal("total"), literal(""), *sums),
    )
    rows: dict[str, list[tuple[str, Counts]]] = {}
    everything: Any = union_all(*parts)
    for row in db.session.execute(everything):
        rows.setdefault(row[0], []).append((row[1], Counts.of(row)))

    def sorted_by(kind: str) -> list[tuple[str, Counts]]:
        return sorted(rows.get(kind, []), key=lambda one: (-getattr(one[1], order), one[0]))

    total = rows["total"][0][1]
    return Found(sorted_by("article"), sorted_by("section"), sorted_by("author"), total)


def every(asked: Asked, today: date, order: str) -> Iterator[tuple[str, Named, Counts]]:
    """All articles of which something was counted, first in `order` first."""
    counted = _counted(asked, today).cte("counted")
    query = (
        select(counted.c.key, *_NAMED, *(counted.c[name] for name in COUNTED))
        .select_from(counted.outerjoin(Article, Article.id == _id(counted.c.key)))
        .outerjoin(Section, Section.id == Article.section_id)
        .outerjoin(ArticlePath, ArticlePath.key == counted.c.key)
        .order_by(counted.c[order].desc(), counted.c.key)
    )
    for row in streamed(query):
        yield row.key, _named(row), Counts.of(row)


def named(keys: Sequence[str]) -> dict[str, Named]:
    """What these articles are called; those that are no longer there are missing."""
    ids = [int(key) for key in keys if len(key) <= LONGEST_ID and key.isdecimal()]
    ours = select(Article.id, *_NAMED[:-1]).join(Section).where(Article.id.in_(ids))
    theirs = select(ArticlePath.key, ArticlePath.path).where(ArticlePath.key.in_(keys))
    names = {key: Named(path, path) for key, path in db.session.execute(theirs)}
    return names | {
        str(row.id): Named(row.title, f"{ARTICLE_PATH}{row.slug}", row.name, row.byline)
        for row in db.session.execute(ours)
    }


def is_whole(part: Asked, today: date) -> bool:
    """Whether a part of a calendar month is all of it that there is: it begins at its first day, and ends
    with it or today. Of months whose days are no longer kept we know nothing but the whole.
    """
    ends = (part.until + DAY).day == 1 or part.until >= today
    return (part.since.day == 1 and ends) or part.since < today - DAYS_KEPT


_NAMED = (Article.title, Article.slug, Section.name, Article.byline, ArticlePath.path)


def _named(row: Any) -> Named:
    if row.title is not None:
        return Named(row.title, f"{ARTICLE_PATH}{row.slug}", row.name, row.byline)
    return Named(row.path or "No longer there", row.path or "")


def _counted(asked: Asked, today: date) -> Select[*tuple[Any, ...]]:
    parts = union_all(_months(asked, today), _days(asked, today), _paid(asked)).subquery()
    sums = (func.sum(parts.c[name]).label(name) for name in COUNTED)
    return select(parts.c.key, *sums).group_by(parts.c.key)


def _months(asked: Asked, today: date) -> Select[*tuple[Any, ...]]:
    whole = [part.since.replace(day=1) for part in asked.months() if is_whole(part, today)]
    within = ArticleMonth.month.between(whole[0], whole[-1]) if whole else false()
    columns = ("visits", "offers", "meter_spent", "sign_ups")
    sums = {name: func.sum(getattr(ArticleMonth, name)) for name in columns}
    return _row(ArticleMonth.key, sums).where(within).group_by(ArticleMonth.key)


def _days(asked: Asked, today: date) -> Select[*tuple[Any, ...]]:
    parts = [part for part in asked.months() if not is_whole(part, today)]
    within = or_(false(), *(ArticleDay.day.between(part.since, part.until) for part in parts))
    sums = {name: func.sum(case((which, ArticleDay.times), else_=0)) for name, which in _WORDS.items()}
    return _row(ArticleDay.key, sums).where(within).group_by(ArticleDay.key)


_WORDS: dict[str, ColumnElement[bool]] = {
    "visits": ArticleDay.word != Step.ACCOUNT,
    "offers": ArticleDay.word.in_(sorted(OFFERED)),
    "meter_spent": ArticleDay.word == Reason.METER_SPENT,
    "sign_ups": ArticleDay.word == Step.ACCOUNT,
}


def _paid(asked: Asked) -> Select[*tuple[Any, ...]]:
    sums = {"last": func.sum(ArticlePaid.last), "any": func.sum(ArticlePaid.any)}
    return _row(ArticlePaid.key, sums).where(*paid_within(asked)).group_by(ArticlePaid.key)


def paid_within(asked: Asked) -> list[ColumnElement[bool]]:
    """Which first payments are asked for."""
    of_plan = select(Plan.id).where(Plan.slug == asked.plan).scalar_subquery()
    plan = [ArticlePaid.plan_id == of_plan] if asked.plan else []
    return [ArticlePaid.day.between(asked.since, asked.until), *plan]


def _row(key: Any, sums: Mapping[str, Any]) -> Select[*tuple[Any, ...]]:
    return select(key.label("key"), *(sums.get(name, literal(0)).label(name) for name in COUNTED))


def _first(query: Select[*tuple[Any, ...]], by: Any, then: Any, most: int) -> Select[*tuple[Any, ...]]:
    return select(query.order_by(by.desc(), then).limit(most).subquery())


def _id(key: Any) -> ColumnElement[Any]:
    return case((func.length(key) <= LONGEST_ID, cast(key, Integer)))
