"""What search and personal feeds ask: the door's decision, with no free read given or spent."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select

from paywall.access.decision import Gate, Show, Visitor, decide
from paywall.access.visitors import visitor
from paywall.accounts.models import Reader
from paywall.articles import cards
from paywall.articles.cards import Card
from paywall.articles.models import Article
from paywall.db import db


def known(reader: Reader, now: datetime) -> Visitor:
    """A reader as the door knows them at `now`."""
    return visitor(db.session.connection(), reader.fs_uniquifier, now)


def may_read(card: Card, visitor: Visitor, now: datetime) -> bool:
    """Whether this visitor may read the whole article at `now`."""
    return _is_open(Gate.parse(card.gate), visitor, now)


def readable(ids: Collection[int], visitor: Visitor, now: datetime) -> set[int]:
    """Those of these articles that are out and that this visitor may read whole at `now`."""
    query = select(Article.id, Article.gate).where(Article.id.in_(ids), cards.is_published(now))
    return {row.id for row in db.session.execute(query) if _is_open(Gate.parse(row.gate), visitor, now)}


def _is_open(gate: Gate, visitor: Visitor, now: datetime) -> bool:
    return decide(gate, visitor, now).show is Show.FULL
