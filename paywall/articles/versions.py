"""What each article was before: every change leaves the version before it, and nothing takes one away."""

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from paywall.articles.manuscript import INSTANTS, Manuscript
from paywall.articles.models import Article, ArticleVersion
from paywall.articles.terms import Terms
from paywall.db import db

TERMS = frozenset(field.name for field in fields(Terms))


def keep(article: Article, given: Manuscript) -> None:
    """Keep an article, made of `given`, as it is before it changes; the caller commits."""
    db.session.add(
        ArticleVersion(
            article_id=article.id,
            version=article.version,
            manuscript=to_json(given),
            published_at=article.published_at,
            saved_at=article.updated_at,
            saved_by=article.saved_by,
        )
    )


def of(article_id: int, *, most: int) -> Sequence[ArticleVersion]:
    """The versions before the present one, the newest first."""
    query = select(ArticleVersion).where(ArticleVersion.article_id == article_id)
    return db.session.scalars(query.order_by(ArticleVersion.version.desc()).limit(most)).all()


def find(article_id: int, version: int) -> ArticleVersion | None:
    """One of them."""
    query = select(ArticleVersion).where(ArticleVersion.article_id == article_id)
    return db.session.scalar(query.where(ArticleVersion.version == version))


def may_have_been_out(article: Article, now: datetime) -> bool:
    """Whether anyone can have read it by `now`: it is out, or was, or not all of its past is known."""
    if article.published_at is not None and article.published_at <= now:
        return True
    mine = ArticleVersion.article_id == article.id
    known = db.session.scalar(select(func.count()).where(mine))
    was_out = ArticleVersion.published_at <= ArticleVersion.replaced_at
    return known != article.version - 1 or bool(db.session.scalar(select(func.count()).where(mine, was_out)))


def to_json(given: Manuscript) -> str:
    """A manuscript as it is kept."""
    said = asdict(given)
    said |= said.pop("terms")
    return json.dumps(said | {name: said[name].isoformat() for name in INSTANTS if said[name]})


def from_json(text: str) -> Manuscript:
    """A manuscript that was kept."""
    said: dict[str, Any] = json.loads(text)
    said |= {name: datetime.fromisoformat(said[name]) for name in INSTANTS if said[name]}
    terms = Terms(**{name: said.pop(name) for name in TERMS})
    return Manuscript(**said | {"tags": tuple(said["tags"])}, terms=terms)
