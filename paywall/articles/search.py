"""The index of all words: FTS5 on SQLite, tsvector on PostgreSQL. It knows no reader and shows no text.

Triggers keep it: what is written into the article's search_ columns is in the index in the same transaction,
whoever wrote it (migration 0018). Both indexes are asked for words alone (articles/words.py).
"""

import enum
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from psycopg.errors import QueryCanceled
from sqlalchemy import TextClause, select, text, update
from sqlalchemy.exc import OperationalError

from paywall.articles.models import Article
from paywall.articles.render import describe
from paywall.articles.words import Phrase
from paywall.db import db

# On SQLite an article's place in the index is its second, then its id: walking back is going back in time.
ID_BITS = 31
# On PostgreSQL the newest so many articles are looked through before all of them are.
SLICE = 2000
PATIENCE_MS = 1000
# A plan made for any words would be wrong for most, so each search gets its own. To look into the words of
# an article costs far more than the planner thinks: it does not count that they are fetched and unpacked.
MANNERS = (
    "SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL cpu_operator_cost = 0.25;"
    " SET LOCAL statement_timeout = {patience}"
)
BATCH = 200


class TookTooLong(Exception):
    """PostgreSQL ran out of patience: words that are common and never in a row are asked for in a row."""


class Part(enum.StrEnum):
    """How much of an article is searched; each holds those before it."""

    TITLE = "title"
    TEASER = "teaser"
    BODY = "body"


# The columns of the SQLite index for each part; on PostgreSQL each part has a column that holds all of it.
FTS_COLUMNS = {Part.TITLE: "title", Part.TEASER: "title teaser", Part.BODY: "title body"}


def newest(
    phrases: Sequence[Phrase], part: Part, *, now: datetime, limit: int, section_id: int | None = None
) -> list[int]:
    """The ids of the newest articles with all `phrases` in this part of them, out at `now` to the second."""
    if not phrases:
        return []
    if _is_sqlite():
        return _newest_sqlite(phrases, part, now, limit, section_id)
    return _newest_postgresql(phrases, part, now, limit, section_id)


def rebuild() -> Iterator[int]:
    """Make the index anew, then the words of each article; yields the number of those in a batch.

    The caller commits after each, so that others can write in between.
    """
    # In this order: a trigger takes old words out of the index, which must be there.
    if _is_sqlite():
        db.session.execute(text("INSERT INTO article_search(article_search) VALUES ('rebuild')"))
    else:
        db.session.execute(text("DELETE FROM article_search"))
        db.session.execute(update(Article).values(search_title=Article.search_title))
    last = 0
    while batch := db.session.scalars(_after(last)).all():
        for article in batch:
            describe(article)
        last = batch[-1].id
        yield len(batch)


def _after(last: int) -> Any:
    return select(Article).where(Article.id > last).order_by(Article.id).limit(BATCH)


def _is_sqlite() -> bool:
    return db.engine.dialect.name == "sqlite"


def _newest_sqlite(
    phrases: Sequence[Phrase], part: Part, now: datetime, limit: int, section_id: int | None
) -> list[int]:
    # Words hold letters and digits only, so there is nothing in them to escape.
    asked = " AND ".join(f'"{" ".join(phrase)}"' for phrase in phrases)
    match = f"{{{FTS_COLUMNS[part]}}} : ({asked})"
    if section_id is not None:
        match = f'section : "{section_id}" AND {match}'
    query = text(
        f"SELECT rowid & {2**ID_BITS - 1} FROM article_search"  # noqa: S608  # a number of ours
        " WHERE article_search MATCH :match AND rowid < :next ORDER BY rowid DESC LIMIT :limit"
    )
    given = {"match": match, "next": int(now.timestamp()) + 1 << ID_BITS, "limit": limit}
    return list(db.session.scalars(query, given))


def _newest_postgresql(
    phrases: Sequence[Phrase], part: Part, now: datetime, limit: int, section_id: int | None
) -> list[int]:
    """The newest slice first: of a common word it holds enough, and of a rare one there are few anywhere."""
    given: dict[str, Any] = {f"phrase_{number}": " ".join(phrase) for number, phrase in enumerate(phrases)}
    given |= {"now": now, "limit": limit, "section": section_id, "slice": SLICE}
    db.session.execute(text(MANNERS.format(patience=PATIENCE_MS)))
    try:
        edge = db.session.scalar(_edge(section_id), given)
        for since in (edge, None) if edge else (None,):
            found = list(
                db.session.scalars(_match(phrases, part, section_id, since), given | {"since": since})
            )
            if len(found) >= limit:
                break
    except OperationalError as failure:
        db.session.rollback()
        if isinstance(failure.orig, QueryCanceled):
            raise TookTooLong from None
        raise
    return found


def _edge(section_id: int | None) -> TextClause:
    within = "AND section_id = :section" if section_id is not None else ""
    return text(
        f"SELECT published_at FROM article_search WHERE published_at <= :now {within}"  # noqa: S608  # ours
        " ORDER BY published_at DESC OFFSET :slice LIMIT 1"
    )


def _match(
    phrases: Sequence[Phrase], part: Part, section_id: int | None, since: datetime | None
) -> TextClause:
    asked = " && ".join(f"phraseto_tsquery('simple', :phrase_{number})" for number in range(len(phrases)))
    conditions = [f"{part} @@ ({asked})", "published_at <= :now"]
    if section_id is not None:
        conditions.append("section_id = :section")
    if since is not None:
        conditions.append("published_at >= :since")
    # The sum keeps the planner from walking all articles by date and reading each: it must ask the index.
    return text(
        f"SELECT article_id FROM article_search WHERE {' AND '.join(conditions)}"  # noqa: S608  # ours
        " ORDER BY published_at + interval '0' DESC, article_id DESC LIMIT :limit"
    )
