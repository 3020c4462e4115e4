"""Gift links, the readers who came by one, and what is left of both later, as tables."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from paywall.access.gift_links import rules
from paywall.access.gift_links.rules import State
from paywall.access.tokens import new_nonce
from paywall.accounts.models import Reader
from paywall.db import Id, Model, utcnow


class GiftLink(Model):
    """One article (`key`, the door's name for it) given away by one reader until an instant.

    The token is kept nowhere: `nonce` and our secret key make it. `by_staff`: it counts against no quota.
    Some time after its end the row goes, and its numbers are added to PastGifts.
    """

    __tablename__ = "gift_link"
    __table_args__ = (
        Index("ix_gift_link_giver_id_made_at", "giver_id", "made_at"),
        # The audit trail names links by number: that of a forgotten one is nobody else's.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[Id]
    giver_id: Mapped[int] = mapped_column(ForeignKey("reader.id"))
    key: Mapped[str] = mapped_column(String(64))
    by_staff: Mapped[bool]
    nonce: Mapped[str] = mapped_column(String(32), default=new_nonce)
    made_at: Mapped[datetime] = mapped_column(default=utcnow)
    until: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    opened: Mapped[int] = mapped_column(default=0)
    giver: Mapped[Reader] = relationship()

    def state(self, now: datetime) -> State:
        """How it stands at `now`."""
        return rules.state(self.until, self.revoked_at, now)


class GiftArrival(Model):
    """A reader who signed up after opening a link in the same browser. Givers see how many, never who."""

    __tablename__ = "gift_arrival"

    id: Mapped[Id]
    gift_link_id: Mapped[int] = mapped_column(ForeignKey("gift_link.id"), index=True)
    reader_id: Mapped[int] = mapped_column(ForeignKey("reader.id"), unique=True)
    at: Mapped[datetime]


class PastGifts(Model):
    """What came of those links to an article of which nobody knows any more who gave them."""

    __tablename__ = "past_gifts"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    links: Mapped[int]
    opened: Mapped[int]
    signed_up: Mapped[int]
    paid: Mapped[int]
