"""What articles are called that were counted by their keys."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Integer, case, cast, func, select

from paywall.access.journey.models import ArticlePath
from paywall.articles.gates import ARTICLE_PATH
from paywall.articles.models import Article, Section
from paywall.db import db

# The keys of articles of ours are their ids; another site's are digests, which are longer.
LONGEST_ID = 10
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Named:
    """What an article is called, and where it stands; a page of another site has its path for a title."""

    title: str
    path: str
    section: str = ""
    author: str = ""


def named(keys: Collection[str]) -> dict[str, Named]:
    """What these articles are called; those that are no longer there are missing."""
    ids = [int(key) for key in keys if len(key) <= LONGEST_ID and key.isdecimal()]
    ours = select(Article.id, Article.title, Article.slug, Section.name, Article.byline).join(Section)
    theirs = select(ArticlePath.key, ArticlePath.path).where(ArticlePath.key.in_(keys))
    names = {key: Named(path, path) for key, path in db.session.execute(theirs)}
    return names | {
        str(row.id): Named(row.title, f"{ARTICLE_PATH}{row.slug}", row.name, row.byline)
        for row in db.session.execute(ours.where(Article.id.in_(ids)))
    }


def beside(rows: Iterable[Any]) -> Iterator[tuple[Any, Named | None]]:
    """Rows with a `key` as they come, each with what its article is called; many are looked up at once."""
    waiting = iter(rows)
    while some := list(islice(waiting, AT_ONCE)):
        names = named({row.key for row in some})
        for row in some:
            yield row, names.get(row.key)


def article_id(key: Any) -> ColumnElement[Any]:
    """In the database: the id of an article of ours, by its key."""
    return case((func.length(key) <= LONGEST_ID, cast(key, Integer)))
