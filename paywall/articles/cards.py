"""What may be printed of an article without asking the door: its card, never its body."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, select

from paywall.access.decision import Gate, Level
from paywall.articles import gates
from paywall.articles.models import Article, Section
from paywall.articles.terms import House
from paywall.db import db

OPINION = "opinion"
PRINTED = (
    Article.slug,
    Article.title,
    Article.standfirst,
    Article.byline,
    Article.picture,
    Article.picture_alt,
    Article.picture_width,
    Article.picture_height,
    Article.published_at,
    Article.updated_at,
    Article.teaser_text,
    Section.slug,
    Section.name,
)
COLUMNS = (*PRINTED, *gates.COLUMNS)


@dataclass(frozen=True, slots=True)
class Card:
    """One article as front page, section, feed and neighbours show it; sizes in pixels."""

    slug: str
    title: str
    standfirst: str
    byline: str
    picture: str | None
    picture_alt: str
    picture_width: int | None
    picture_height: int | None
    published_at: datetime
    updated_at: datetime
    teaser_text: str
    section_slug: str
    section: str
    gate: Gate

    @classmethod
    def of(cls, row: Row[*tuple[Any, ...]], house: House, now: datetime) -> "Card":
        """The card in a row that begins with COLUMNS, its `gate` the one that stands at `now`."""
        fields: tuple[Any, ...] = (*row[: len(PRINTED)], gates.of(row, house).at(now))
        return cls(*fields)

    @property
    def level(self) -> Level:
        """What the gate asks, for the small label on the card."""
        return self.gate.level

    @property
    def changed_at(self) -> datetime:
        """When it last changed; what was written before it came out changed then."""
        return max(self.updated_at, self.published_at)

    @property
    def description(self) -> str:
        """A sentence or two that anyone may read: the standfirst, else the teaser."""
        return self.standfirst or self.teaser_text


@dataclass(frozen=True, slots=True)
class Front:
    """The front page: where each card stands."""

    lead: Card | None
    seconds: tuple[Card, ...]
    grid: tuple[Card, ...]
    opinion: tuple[Card, ...]
    earlier: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class SectionName:
    """A section as the navigation names it."""

    slug: str
    name: str


def is_published(now: datetime) -> ColumnElement[bool]:
    """The articles that are out at `now`."""
    return and_(Article.published_at.is_not(None), Article.published_at <= now)


def newest(now: datetime, *, limit: int, offset: int = 0, section: str | None = None) -> list[Card]:
    """The newest cards, of one section's slug or of all."""
    query = _cards(now).limit(limit).offset(offset)
    if section is not None:
        query = query.where(Section.slug == section)
    return read(query, gates.house_now(now), now)


def named(ids: Collection[int], now: datetime) -> dict[int, Card]:
    """The cards of these articles by id, without those that are not out."""
    query, house = _cards(now).where(Article.id.in_(ids)), gates.house_now(now)
    return {row.article_id: Card.of(row, house, now) for row in db.session.execute(query)}


def related(card: Card, house: House, now: datetime, *, limit: int = 3) -> list[Card]:
    """Neighbours of an article: the newest of its section, filled up from the others."""
    others = _cards(now).where(Article.slug != card.slug).limit(limit)
    same = read(others.where(Section.slug == card.section_slug), house, now)
    if len(same) < limit:
        rest = others.where(Section.slug != card.section_slug).limit(limit - len(same))
        same += read(rest, house, now)
    return same


def read(query: Select[*tuple[Any, ...]], house: House, now: datetime) -> list[Card]:
    """The cards that a query for COLUMNS finds."""
    return [Card.of(row, house, now) for row in db.session.execute(query)]


def sections(now: datetime) -> list[SectionName]:
    """The sections in which something is out, in their order."""
    has_any = select(Article.id).where(Article.section_id == Section.id, is_published(now)).exists()
    query = select(Section.slug, Section.name).where(has_any).order_by(Section.position, Section.id)
    return [SectionName(*row) for row in db.session.execute(query)]


def compose(cards: Sequence[Card]) -> Front:
    """Lay out cards, newest first: a story with a picture leads, opinion has its own place."""
    news = [card for card in cards if card.section_slug != OPINION]
    lead = next((card for card in news if card.picture), news[0] if news else None)
    rest = [card for card in news if card is not lead]
    return Front(
        lead=lead,
        seconds=tuple(rest[:3]),
        grid=tuple(rest[3:7]),
        opinion=tuple(card for card in cards if card.section_slug == OPINION)[:3],
        earlier=tuple(rest[7:]),
    )


def _cards(now: datetime) -> Select[*tuple[Any, ...]]:
    query = select(*COLUMNS).join(Section, Article.section_id == Section.id).where(is_published(now))
    return query.order_by(Article.published_at.desc(), Article.id.desc())
