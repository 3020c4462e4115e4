"""What the sitemaps list: each article that is out, in parts by id; the news of two days; the sections."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select

from paywall.articles import cards
from paywall.articles.models import Article, Section
from paywall.db import db

# sitemaps.org allows 50,000 addresses a file and as many files in an index. A part of this size is asked for
# by a range of ids and read in a fraction of a second, however many articles there are.
PART = 10_000
# What Google reads of it: developers.google.com/search/docs/crawling-indexing/sitemaps/news-sitemap
NEWS_AGE = timedelta(hours=48)
MOST_NEWS = 1_000


@dataclass(frozen=True, slots=True)
class Place:
    """A page, and when it was last changed."""

    slug: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class News:
    """An article of these days."""

    slug: str
    title: str
    published_at: datetime | None


def parts(now: datetime, *, size: int = PART) -> list[int]:
    """The numbers, from 1, of the parts in which something is out."""
    last = db.session.scalar(select(func.max(Article.id))) or 0
    return [number for number in range(1, _part(last, size) + 1) if _has_any(number, now, size)]


def part(number: int, now: datetime, *, size: int = PART) -> list[Place]:
    """The articles of a part that are out: those with the ids of its range."""
    query = select(Article.slug, Article.updated_at, Article.published_at)
    rows = db.session.execute(
        query.where(*_within(number, size), cards.is_published(now)).order_by(Article.id)
    )
    return [
        Place(slug, max(updated_at, published_at or updated_at)) for slug, updated_at, published_at in rows
    ]


def news(now: datetime, *, age: timedelta = NEWS_AGE, limit: int = MOST_NEWS) -> list[News]:
    """The newest articles, none of them older than `age`."""
    query = select(Article.slug, Article.title, Article.published_at).where(
        cards.is_published(now), Article.published_at > now - age
    )
    newest = query.order_by(Article.published_at.desc(), Article.id.desc()).limit(limit)
    return [News(*row) for row in db.session.execute(newest)]


def sections(now: datetime) -> Sequence[Place]:
    """The sections in which something is out, each with the instant of its newest article."""
    newest = select(func.max(Article.published_at)).where(
        Article.section_id == Section.id, cards.is_published(now)
    )
    rows = db.session.execute(
        select(Section.slug, newest.scalar_subquery()).order_by(Section.position, Section.id)
    )
    return [Place(slug, published_at) for slug, published_at in rows if published_at is not None]


def _part(article_id: int, size: int) -> int:
    return (article_id + size - 1) // size


def _within(number: int, size: int) -> tuple[ColumnElement[bool], ...]:
    return Article.id > (number - 1) * size, Article.id <= number * size


def _has_any(number: int, now: datetime, size: int) -> bool:
    found = select(Article.id).where(*_within(number, size), cards.is_published(now)).limit(1)
    return db.session.scalar(found) is not None
