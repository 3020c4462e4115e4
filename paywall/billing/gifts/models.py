"""A gift: who gives whom how much of which plan, what it was paid with, and what became of it."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from paywall.accounts.models import Reader
from paywall.billing.gifts.rules import GiftState, Standing, Void
from paywall.billing.remote import Mode
from paywall.db import Id, Model, utcnow, words
from paywall.membership.models import Plan
from paywall.money import Money


class Gift(Model):
    """One gift, from the moment its payment page is opened.

    The code is kept nowhere: `salt` and our secret key make it again for a letter, `code_hash` finds it.
    It is good while the state is PAID. `begun_at` is when the subscription was written down for it.
    `ticket` counts the looks at Stripe, `written` is the last one whose answer was kept.
    """

    __tablename__ = "gift"
    __table_args__ = (
        CheckConstraint("months > 0", name="months"),
        Index("ix_gift_state_deliver_at", "state", "deliver_at"),
        Index("ix_gift_redeemer_id_ends_at", "redeemer_id", "ends_at"),
    )

    id: Mapped[Id]
    mode: Mapped[Mode] = mapped_column(words(Mode))
    state: Mapped[GiftState] = mapped_column(words(GiftState), default=GiftState.OPEN)
    void_why: Mapped[Void | None] = mapped_column(words(Void))
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    months: Mapped[int]
    amount: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    buyer_id: Mapped[int | None] = mapped_column(ForeignKey("reader.id"), index=True)
    buyer_name: Mapped[str] = mapped_column(String(100))
    buyer_email: Mapped[str] = mapped_column(String(320))
    recipient_name: Mapped[str] = mapped_column(String(100))
    recipient_email: Mapped[str | None] = mapped_column(String(320))
    message: Mapped[str] = mapped_column(Text, default="")
    deliver_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
    salt: Mapped[str] = mapped_column(String(64))
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    session_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    payment_intent: Mapped[str | None] = mapped_column(String(255), unique=True)
    charge: Mapped[str | None] = mapped_column(String(255), unique=True)
    ticket: Mapped[int] = mapped_column(default=0)
    written: Mapped[int] = mapped_column(default=0)
    made_at: Mapped[datetime] = mapped_column(default=utcnow)
    paid_at: Mapped[datetime | None]
    redeemer_id: Mapped[int | None] = mapped_column(ForeignKey("reader.id"))
    redeemed_at: Mapped[datetime | None]
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    begun_at: Mapped[datetime | None]
    plan: Mapped[Plan] = relationship()
    redeemer: Mapped[Reader | None] = relationship(foreign_keys=[redeemer_id])

    @property
    def money(self) -> Money:
        """What the buyer pays, in all."""
        return Money(self.amount, self.currency)

    @property
    def standing(self) -> Standing:
        """Where it stands, for the rules."""
        return Standing(self.state, self.void_why, self.redeemed_at is not None, self.ends_at)
