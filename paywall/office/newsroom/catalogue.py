"""The list of all articles, those that are not out too: what was changed last comes first."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, or_, select

from paywall.access.decision import Gate
from paywall.articles import gates, search, words
from paywall.articles.models import Article, Section
from paywall.articles.search import Part, TookTooLong
from paywall.articles.terms import House, Rule
from paywall.db import db
from paywall.errors import BadInput

A_PAGE = 50
# Of finds by words of the title the newest so many are looked through.
MOST_FOUND = 1000
# Later dates stand together in the index of words.
FAR_AHEAD = datetime(2106, 2, 7, tzinfo=UTC)
COLUMNS = (
    *gates.COLUMNS,
    Article.slug,
    Article.title,
    Section.name.label("section"),
    Article.updated_at,
    Article.saved_by,
    Article.version,
)


class State(enum.StrEnum):
    """Whether readers find it."""

    DRAFT = "draft"
    AHEAD = "ahead"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of the list ends: its last article."""

    updated_at: datetime
    article_id: int

    def __str__(self) -> str:
        return f"{self.updated_at.isoformat()}~{self.article_id}"

    @classmethod
    def parse(cls, text: str) -> "Place | None":
        """A place as an address holds it; None for what is none."""
        at, _, number = text.partition("~")
        try:
            instant = datetime.fromisoformat(at)
        except ValueError:
            return None
        is_good = instant.tzinfo and number.isdecimal() and len(number) < 10
        return cls(instant, int(number)) if is_good else None


@dataclass(frozen=True, slots=True)
class Asked:
    """Which articles are wanted, and after which place; empty asks for all."""

    title: str = ""
    state: State | None = None
    section: str = ""
    tag: str = ""
    after: Place | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One article of the list. `rule`: the first for it, whose gate stands if `own_gate` says nothing."""

    article_id: int
    slug: str
    title: str
    section: str
    tags: tuple[str, ...]
    state: State
    published_at: datetime | None
    updated_at: datetime
    saved_by: str
    own_gate: str
    rule: Rule | None
    gate: Gate


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the list, and the place after which the next one begins."""

    lines: tuple[Line, ...]
    next: Place | None


def page(asked: Asked, now: datetime) -> Page:
    """The articles that are asked for."""
    ids = db.session.scalars(_wanted(asked, now).limit(A_PAGE + 1)).all()
    query = (
        select(*COLUMNS).join(Section, Article.section_id == Section.id).where(Article.id.in_(ids[:A_PAGE]))
    )
    house = gates.house_now(now)
    rows = db.session.execute(query.order_by(Article.updated_at.desc(), Article.id.desc())).all()
    lines = tuple(_line(row, house, now) for row in rows)
    is_more = len(ids) > A_PAGE and lines
    return Page(lines, Place(lines[-1].updated_at, lines[-1].article_id) if is_more else None)


def state(published_at: datetime | None, now: datetime) -> State:
    """The state of an article that comes out, or came, at this instant."""
    if published_at is None:
        return State.DRAFT
    return State.AHEAD if published_at > now else State.OUT


def _wanted(asked: Asked, now: datetime) -> Select[Any]:
    """The ids; all that is asked for and ordered by stands in the index ix_article_catalogue."""
    query = select(Article.id).where(*_filters(asked, now))
    return query.order_by(Article.updated_at.desc(), Article.id.desc())


def _filters(asked: Asked, now: datetime) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if asked.state:
        wanted.append(_is(asked.state, now))
    if asked.section:
        known = db.session.scalar(select(Section.id).where(Section.slug == asked.section))
        # A sum, so that the index of sections is left alone: each row that it finds would have to be read.
        wanted.append(Article.section_id + 0 == (known or 0))
    if asked.tag:
        wanted.append(Article.tags.contains(f" {asked.tag} ", autoescape=True))
    if asked.title:
        wanted.append(Article.id.in_(_titled(asked.title)))
    if asked.after:
        at, last = asked.after.updated_at, asked.after.article_id
        wanted += [Article.updated_at <= at, or_(Article.updated_at < at, Article.id < last)]
    return wanted


def _is(state: State, now: datetime) -> ColumnElement[bool]:
    out_at = Article.published_at
    match state:
        case State.DRAFT:
            return out_at.is_(None)
        case State.AHEAD:
            return out_at > now
    return and_(out_at.is_not(None), out_at <= now)


def _titled(title: str) -> Sequence[int]:
    """Those with all these words in their title; drafts are not in the index of words, and there are few."""
    phrases = words.asked(title)
    try:
        found = search.newest(phrases, Part.TITLE, now=FAR_AHEAD, limit=MOST_FOUND)
    except TookTooLong:
        raise BadInput("This search took too long. Add a word of the title.") from None
    # A space on both sides, so that only whole words are found.
    spaced = " " + Article.search_title + " "
    whole = [spaced.contains(f" {' '.join(phrase)} ") for phrase in phrases]
    drafts = select(Article.id).where(Article.published_at.is_(None), *whole).limit(MOST_FOUND)
    return [*found, *(db.session.scalars(drafts) if phrases else ())]


def _line(row: Row[*tuple[Any, ...]], house: House, now: datetime) -> Line:
    return Line(
        row.article_id,
        row.slug,
        row.title,
        row.section,
        tuple(row.tags.split()),
        state(row.out_at, now),
        row.out_at,
        row.updated_at,
        row.saved_by,
        row.gate,
        house.rule(gates.about(row)),
        gates.of(row, house),
    )
