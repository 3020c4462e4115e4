"""How a manuscript becomes an article: held against the tables, rendered, and kept under its slug."""

import enum
import re
from collections.abc import Iterator
from dataclasses import asdict, fields, replace

from flask import current_app
from sqlalchemy import func, select

from paywall import clock
from paywall.access.decision import Gate
from paywall.articles.manuscript import Fault, Manuscript
from paywall.articles.models import Article, Section
from paywall.articles.pictures import Picture
from paywall.articles.render import render
from paywall.articles.terms import Terms
from paywall.config import Settings
from paywall.db import db
from paywall.membership.models import Plan

# What another manuscript may change; a row that agrees in all of it is left alone.
COMPARED = tuple(
    column.key
    for column in Article.__table__.columns
    if column.key not in {"id", "slug", "version", "updated_at"}
)


class Kept(enum.StrEnum):
    """What became of a manuscript."""

    ADDED = "added"
    CHANGED = "changed"
    SAME = "same"


def unknown_plans(given: Manuscript) -> Iterator[Fault]:
    """The plans in its gate that there are not."""
    known = set(db.session.scalars(select(Plan.slug)))
    for slug in sorted(Gate.parse(given.terms.gate).plans - known):
        plans = f"there are {', '.join(sorted(known))}" if known else "make it with `flask paywall plan`"
        yield Fault("gate", f"there is no plan {slug!r}: {plans}")


def keep(given: Manuscript, picture: Picture | None) -> Kept:
    """Add the article, or write what is different into the one of the same slug; the caller commits.

    `picture` is the file that it names. A section that is new comes after the others.
    """
    settings: Settings = current_app.extensions["settings"]
    new = _article(given, picture)
    render(new, words=settings.teaser_words)
    old = find(given.slug)
    if old is None:
        db.session.add(new)
        return Kept.ADDED
    if all(getattr(old, name) == getattr(new, name) for name in COMPARED):
        return Kept.SAME
    for name in COMPARED:
        setattr(old, name, getattr(new, name))
    _count_change(old)
    return Kept.CHANGED


def withdraw(article: Article) -> None:
    """Take an article out of the paper; its row stays. The caller commits."""
    if article.published_at is not None:
        article.published_at = None
        _count_change(article)


def find(slug: str) -> Article | None:
    """The article of this slug, published or not, which nobody else changes until the transaction ends."""
    return db.session.scalar(select(Article).where(Article.slug == slug).with_for_update())


def manuscript(article: Article) -> Manuscript:
    """The manuscript that an article was made of."""
    same = {field.name for field in fields(Manuscript)} - {"section", "picture", "tags", "terms"}
    return Manuscript(
        **{name: getattr(article, name) for name in same},
        section=article.section.name,
        picture=article.picture or "",
        tags=tuple(article.tags.split()),
        terms=Terms(**{field.name: getattr(article, field.name) for field in fields(Terms)}),
    )


def _count_change(article: Article) -> None:
    article.version += 1
    article.updated_at = clock.now()


def _article(given: Manuscript, picture: Picture | None) -> Article:
    gate = str(Gate.parse(given.terms.gate)) if given.terms.gate else ""
    return Article(
        slug=given.slug,
        title=given.title,
        standfirst=given.standfirst,
        byline=given.byline,
        section_id=_section(given.section),
        picture=picture.name if picture else None,
        picture_alt=given.picture_alt,
        picture_credit=given.picture_credit,
        picture_width=picture.width if picture else None,
        picture_height=picture.height if picture else None,
        body=given.body.strip() + "\n",
        is_html=given.is_html,
        tags=f" {' '.join(given.tags)} " if given.tags else "",
        published_at=given.published_at,
        **asdict(replace(given.terms, gate=gate)),
    )


def _section(name: str) -> int:
    """The id of the section of this name."""
    slug = re.sub(r"[\W_]+", "-", name.lower()).strip("-") or "news"
    known = db.session.scalar(select(Section.id).where(Section.slug == slug))
    if known is not None:
        return known
    last = db.session.scalar(select(func.max(Section.position))) or 0
    section = Section(slug=slug, name=name, position=last + 1)
    db.session.add(section)
    db.session.flush()
    return section.id
