"""Articles and their sections, as tables."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from paywall.db import Id, Model, utcnow


class Section(Model):
    """A part of the paper, in the order of its front page."""

    __tablename__ = "section"

    id: Mapped[Id]
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    position: Mapped[int] = mapped_column(default=0)


class Article(Model):
    """One article. `version` grows with every change; what was rendered is kept for just that version."""

    __tablename__ = "article"
    __table_args__ = (Index("ix_article_section_id_published_at", "section_id", "published_at"),)

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
    gate: Mapped[str] = mapped_column(String(200), default="patrons")
    published_at: Mapped[datetime | None] = mapped_column(index=True)
    version: Mapped[int] = mapped_column(default=1)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)
    full_html: Mapped[str] = mapped_column(Text, default="")
    teaser_html: Mapped[str] = mapped_column(Text, default="")
    teaser_text: Mapped[str] = mapped_column(Text, default="")
    words: Mapped[int] = mapped_column(default=0)
    words_left: Mapped[int] = mapped_column(default=0)
    search_title: Mapped[str] = mapped_column(Text, default="", server_default="")
    search_teaser: Mapped[str] = mapped_column(Text, default="", server_default="")
    search_body: Mapped[str] = mapped_column(Text, default="", server_default="")
    section: Mapped[Section] = relationship()
