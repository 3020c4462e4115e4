"""What a reader is shown of what a search finds. No word of a text counts that this reader may not read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import select

from paywall.access import teaser
from paywall.access.decision import Visitor
from paywall.articles import cards, search, unmetered, words
from paywall.articles.cards import Card
from paywall.articles.models import Article
from paywall.articles.search import Part
from paywall.articles.words import Phrase, Piece
from paywall.db import db

SIZE = 20
LAST_PAGE = 10
# Of what is found in whole texts the newest so many are looked through for those that this reader may read.
LOOKED_THROUGH = 500


@dataclass(frozen=True, slots=True)
class Search:
    """What is asked, in one section or in all; `number` is that of the page, from 1."""

    phrases: tuple[Phrase, ...]
    section_id: int | None = None
    by_date: bool = False
    number: int = 1


@dataclass(frozen=True, slots=True)
class Found:
    """One article, and where it answers the search."""

    card: Card
    snippet: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Results:
    """A page of what is found, and whether another one follows."""

    found: tuple[Found, ...]
    has_more: bool


def find(asked: Search, visitor: Visitor, now: datetime) -> Results:
    """The articles that hold all phrases in title and teaser, or in a text that this visitor may read.

    The best first: who has them in the title, then in the teaser, then in the text; of each the newest first.
    """
    start = (asked.number - 1) * SIZE
    needed = start + SIZE + 1
    ids = _open(asked, now, needed)
    if asked.by_date or len(ids) < needed:
        ids = list(dict.fromkeys((*ids, *_readable(asked, visitor, now, needed))))
    known = cards.named(ids if asked.by_date else ids[start:needed], now)
    if asked.by_date:
        ids = sorted(known, key=lambda one: (known[one].published_at, one), reverse=True)
    shown = [(one, known[one]) for one in ids[start : start + SIZE] if one in known]
    has_more = len(ids) >= needed and asked.number < LAST_PAGE
    return Results(tuple(_found(shown, asked.phrases, visitor, now)), has_more)


def _open(asked: Search, now: datetime, needed: int) -> list[int]:
    """What anyone finds."""
    newest = partial(search.newest, asked.phrases, now=now, limit=needed, section_id=asked.section_id)
    titles = [] if asked.by_date else newest(Part.TITLE)
    return titles if len(titles) == needed else list(dict.fromkeys((*titles, *newest(Part.TEASER))))


def _readable(asked: Search, visitor: Visitor, now: datetime, needed: int) -> list[int]:
    """What is found in whole texts that this visitor may read. First a few are tried: most may be."""
    for limit in (2 * needed, LOOKED_THROUGH):
        ids = search.newest(asked.phrases, Part.BODY, now=now, limit=limit, section_id=asked.section_id)
        may_read = unmetered.readable(ids, visitor, now)
        if len(may_read) >= needed or len(ids) < limit:
            break
    return [one for one in ids if one in may_read]


def _found(
    shown: Sequence[tuple[int, Card]], phrases: Sequence[Phrase], visitor: Visitor, now: datetime
) -> Iterator[Found]:
    whole = unmetered.readable([one for one, _card in shown], visitor, now)
    query = select(Article.id, Article.full_html).where(Article.id.in_(whole))
    bodies = {row.id: row.full_html for row in db.session.execute(query)}
    for one, card in shown:
        text = teaser.plain(bodies[one]) if one in bodies else card.teaser_text
        yield Found(card, _snippet((card.standfirst, text), phrases))


def _snippet(texts: Sequence[str], phrases: Sequence[Phrase]) -> tuple[Piece, ...]:
    """From the first text with a hit; without one from the first: the title has it then."""
    first: tuple[Piece, ...] = ()
    for text in texts:
        pieces = words.snippet(text, phrases)
        if words.has_hit(pieces):
            return pieces
        first = first or pieces
    return first
