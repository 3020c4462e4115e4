"""A group, its taken seats, and the invitations to it."""

from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, Index, String, UniqueConstraint, cast, literal, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from paywall import clock
from paywall.accounts.models import Reader
from paywall.billing.groups.rules import Left, Owner
from paywall.db import Id, Model, utcnow, words
from paywall.membership.models import Subscription
from paywall.membership.rules import Source


class Group(Model):
    """The seats of one subscription with several: its reader is the owner, and has the first.

    `surplus_until`: while more are taken than paid for, the end of the owner's time to choose who goes.
    """

    __tablename__ = "seat_group"

    id: Mapped[Id]
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscription.id"), unique=True)
    surplus_until: Mapped[datetime | None]
    made_at: Mapped[datetime] = mapped_column(default=utcnow)
    subscription: Mapped[Subscription] = relationship()

    @property
    def owner(self) -> Reader:
        """Who pays."""
        return self.subscription.reader

    @property
    def owned(self) -> Owner:
        """The owner's membership, for the rules."""
        held = self.subscription
        return Owner(
            status=held.status,
            seats=held.seats,
            access_until=held.access_until,
            period_end=held.period_end,
            cancel_at=held.cancel_at,
            ended_at=held.ended_at,
        )


class Seat(Model):
    """A member's seat: taken until `left_at`. What it is worth stands in the subscription of that seat."""

    __tablename__ = "seat"
    __table_args__ = (
        Index(
            "ix_seat_taken",
            "group_id",
            "reader_id",
            unique=True,
            sqlite_where=text("left_at IS NULL"),
            postgresql_where=text("left_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    group_id: Mapped[int] = mapped_column(ForeignKey("seat_group.id"))
    reader_id: Mapped[int] = mapped_column(ForeignKey("reader.id"), index=True)
    joined_at: Mapped[datetime] = mapped_column(default=utcnow)
    left_at: Mapped[datetime | None]
    why: Mapped[Left | None] = mapped_column(words(Left))
    group: Mapped[Group] = relationship()
    reader: Mapped[Reader] = relationship()

    @property
    def external_id(self) -> str:
        """The name of its subscription."""
        return f"seat:{self.id}"

    @classmethod
    def is_of(cls) -> ColumnElement[bool]:
        """The condition that joins seats and their subscriptions."""
        name = literal("seat:") + cast(cls.id, String)
        return (Subscription.source == Source.GROUP) & (Subscription.external_id == name)


class Invitation(Model):
    """One address that was invited to a group, and its newest letter; the link in it is kept as a hash.

    It waits, and keeps a seat free, until it is accepted, revoked or `until` has come.
    """

    __tablename__ = "invitation"
    __table_args__ = (UniqueConstraint("group_id", "email"),)

    id: Mapped[Id]
    group_id: Mapped[int] = mapped_column(ForeignKey("seat_group.id"))
    email: Mapped[str] = mapped_column(String(320))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    until: Mapped[datetime] = mapped_column(index=True)
    letters: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    accepted_by: Mapped[int | None] = mapped_column(ForeignKey("reader.id"))
    group: Mapped[Group] = relationship()

    @property
    def waits(self) -> bool:
        """Whether it can still be accepted."""
        return self.accepted_at is None and self.revoked_at is None and self.until > clock.now()
