"""What search and personal feeds ask: the door's decision, with no free read given or spent."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select

from paywall.access.decision import Show, Visitor, decide
from paywall.access.institutions.reading import by_address
from paywall.access.meter import NONE_FREE
from paywall.access.visitors import Readers
from paywall.accounts.models import Reader
from paywall.articles import cards, gates
from paywall.articles.cards import Card
from paywall.articles.models import Article, Section
from paywall.db import db

_readers = Readers(NONE_FREE)


def known(reader: Reader, now: datetime) -> Visitor:
    """A reader as the door knows them at `now`, wherever they sit."""
    return by_address(_readers.by_session(db.session.connection(), reader.fs_uniquifier, "", now), now)


def may_read(card: Card, visitor: Visitor, now: datetime) -> bool:
    """Whether this visitor may read the whole article at `now`."""
    return decide(card.gate, visitor, now).show is Show.FULL


def readable(ids: Collection[int], visitor: Visitor, now: datetime) -> set[int]:
    """Those of these articles that are out and that this visitor may read whole at `now`."""
    query = select(*gates.COLUMNS).join(Section, Article.section_id == Section.id)
    rows = db.session.execute(query.where(Article.id.in_(ids), cards.is_published(now))).all()
    house = gates.house_now(now)
    return {row.article_id for row in rows if decide(gates.of(row, house), visitor, now).show is Show.FULL}
