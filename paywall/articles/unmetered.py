"""What search and personal feeds ask: the door's decision, with no free read given or spent."""

from datetime import datetime

from paywall.access.decision import Gate, Show, Visitor, decide
from paywall.access.visitors import visitor
from paywall.accounts.models import Reader
from paywall.articles.cards import Card
from paywall.db import db


def known(reader: Reader, now: datetime) -> Visitor:
    """A reader as the door knows them at `now`."""
    return visitor(db.session.connection(), reader.fs_uniquifier, now)


def may_read(card: Card, visitor: Visitor, now: datetime) -> bool:
    """Whether this visitor may read the whole article at `now`."""
    return decide(Gate.parse(card.gate), visitor, now).show is Show.FULL
