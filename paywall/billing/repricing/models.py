"""New prices for present patrons: what changes, and each one who is told of it and moved."""

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from paywall.db import Id, Model, utcnow, words
from paywall.membership.models import Plan, Price, Subscription
from paywall.membership.rules import Interval


class PriceChange(Model):
    """All patrons of a plan's interval are to pay another price, from a day on and after some days' notice.

    It is open until a later one takes its place, so that who comes back to the plan's old price is told, too.
    """

    __tablename__ = "price_change"
    __table_args__ = (
        Index(
            "ix_price_change_open",
            "plan_id",
            "interval",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    interval: Mapped[Interval] = mapped_column(words(Interval))
    price_id: Mapped[int] = mapped_column(ForeignKey("price.id"))
    from_at: Mapped[datetime]
    notice_days: Mapped[int]
    made_at: Mapped[datetime] = mapped_column(default=utcnow)
    closed_at: Mapped[datetime | None]
    plan: Mapped[Plan] = relationship()
    price: Mapped[Price] = relationship()

    @property
    def notice(self) -> timedelta:
        """How long before their first payment of it patrons are told."""
        return timedelta(days=self.notice_days)


class PriceMove(Model):
    """One patron on the way to a new price: `cause` is that of their letter, which must be out before."""

    __tablename__ = "price_move"
    __table_args__ = (UniqueConstraint("change_id", "subscription_id"),)

    id: Mapped[Id]
    change_id: Mapped[int] = mapped_column(ForeignKey("price_change.id"))
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscription.id"), index=True)
    counts_from: Mapped[datetime]
    cause: Mapped[str] = mapped_column(String(200))
    moved_at: Mapped[datetime | None]
    change: Mapped[PriceChange] = relationship()
    subscription: Mapped[Subscription] = relationship()
