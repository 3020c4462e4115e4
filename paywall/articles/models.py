"""Articles, their sections, and what says who may read them, as tables."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from paywall.db import Id, Model, utcnow


class Section(Model):
    """A part of the paper, in the order of its front page."""

    __tablename__ = "section"

    id: Mapped[Id]
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    position: Mapped[int] = mapped_column(default=0)


class HasTerms:
    """The columns of `terms.Terms`, of an article and of a rule."""

    gate: Mapped[str] = mapped_column(String(200), default="")
    first_hours: Mapped[int | None]
    archive_days: Mapped[int | None]
    is_metered: Mapped[bool | None]


class Article(HasTerms, Model):
    """One article. `version` grows with every change; what was rendered is kept for just that version.

    `tags`: slugs with a space before, between and after them. `gate` "": as the rules say. `body` is
    Markdown, or with `is_html` HTML. `saved_by`: who made this version, "" if it is not known.
    """

    __tablename__ = "article"
    __table_args__ = (
        Index("ix_article_section_id_published_at", "section_id", "published_at"),
        # Whatever the newsroom's list is asked for, it is found here, and no row is read for it.
        Index("ix_article_catalogue", "updated_at", "id", "section_id", "published_at", "tags"),
        # Where all articles stand, and who wrote them, without their texts.
        Index("ix_article_shelf", "id", "section_id", "byline"),
    )

    id: Mapped[Id]
    slug: Mapped[str] = mapped_column(String(120), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    standfirst: Mapped[str] = mapped_column(String(400), default="")
    byline: Mapped[str] = mapped_column(String(120), default="")
    section_id: Mapped[int] = mapped_column(ForeignKey("section.id"))
    picture: Mapped[str | None] = mapped_column(String(200))
    picture_alt: Mapped[str] = mapped_column(String(400), default="")
    picture_credit: Mapped[str] = mapped_column(String(200), default="")
    picture_width: Mapped[int | None]
    picture_height: Mapped[int | None]
    body: Mapped[str] = mapped_column(Text)
    is_html: Mapped[bool] = mapped_column(default=False, server_default=false())
    tags: Mapped[str] = mapped_column(String(1000), default="")
    free_until: Mapped[datetime | None]
    free_from: Mapped[datetime | None]
    published_at: Mapped[datetime | None] = mapped_column(index=True)
    version: Mapped[int] = mapped_column(default=1)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)
    saved_by: Mapped[str] = mapped_column(String(320), default="", server_default="")
    full_html: Mapped[str] = mapped_column(Text, default="")
    teaser_html: Mapped[str] = mapped_column(Text, default="")
    teaser_text: Mapped[str] = mapped_column(Text, default="")
    words: Mapped[int] = mapped_column(default=0)
    words_left: Mapped[int] = mapped_column(default=0)
    search_title: Mapped[str] = mapped_column(Text, default="", server_default="")
    search_teaser: Mapped[str] = mapped_column(Text, default="", server_default="")
    search_body: Mapped[str] = mapped_column(Text, default="", server_default="")
    section: Mapped[Section] = relationship()


class ArticleVersion(Model):
    """An article as it was until `replaced_at`: `manuscript` is JSON, which articles/versions reads."""

    __tablename__ = "article_version"
    __table_args__ = (UniqueConstraint("article_id", "version"),)

    id: Mapped[Id]
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"))
    version: Mapped[int]
    manuscript: Mapped[str] = mapped_column(Text)
    published_at: Mapped[datetime | None]
    saved_at: Mapped[datetime]
    saved_by: Mapped[str] = mapped_column(String(320))
    replaced_at: Mapped[datetime] = mapped_column(default=utcnow)


class OldAddress(Model):
    """A slug under which an article was out before, and which still leads to it."""

    __tablename__ = "old_address"

    slug: Mapped[str] = mapped_column(String(120), primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"), index=True)
    left_at: Mapped[datetime] = mapped_column(default=utcnow)


class GateRule(HasTerms, Model):
    """Terms for a section, a tag or, with neither, all articles whose own gate says nothing."""

    __tablename__ = "gate_rule"
    __table_args__ = (CheckConstraint("section_id IS NULL OR tag IS NULL", name="one_kind"),)

    id: Mapped[Id]
    position: Mapped[int]
    section_id: Mapped[int | None] = mapped_column(ForeignKey("section.id"))
    tag: Mapped[str | None] = mapped_column(String(60))
    section: Mapped[Section | None] = relationship()


class Unlock(Model):
    """An article, or all with a tag, is open to everyone for a time. Rows stay; `closed_at` ends it early."""

    __tablename__ = "unlock"
    __table_args__ = (CheckConstraint("(article_id IS NULL) <> (tag IS NULL)", name="one_thing"),)

    id: Mapped[Id]
    article_id: Mapped[int | None] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"))
    tag: Mapped[str | None] = mapped_column(String(60))
    since: Mapped[datetime]
    until: Mapped[datetime] = mapped_column(index=True)
    why: Mapped[str] = mapped_column(String(400))
    opened_by: Mapped[str] = mapped_column(String(320))
    opened_at: Mapped[datetime] = mapped_column(default=utcnow)
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None] = mapped_column(String(320))
    article: Mapped[Article | None] = relationship()
