"""Where an article was before its slug changed: the old address leads on to the new one."""

from datetime import datetime

from sqlalchemy import delete, select

from paywall.articles.cards import is_published
from paywall.articles.models import Article, OldAddress
from paywall.db import db


def leave(article: Article, new: str) -> None:
    """Let an article's slug lead on to it, because it will have the `new` one; the caller commits."""
    db.session.execute(delete(OldAddress).where(OldAddress.slug.in_({article.slug, new})))
    db.session.add(OldAddress(slug=article.slug, article_id=article.id))


def led_to(slug: str, now: datetime) -> str | None:
    """The slug of the article that was at this one before, if it is out at `now`."""
    query = select(Article.slug).join(OldAddress, OldAddress.article_id == Article.id)
    return db.session.scalar(query.where(OldAddress.slug == slug, is_published(now)))
