"""What is counted from teaser to payment, as tables; one of them names readers, and for a short time only."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from paywall.access.journey.steps import Step
from paywall.accounts.models import Reader
from paywall.db import Model, words
from paywall.membership.models import Plan
from paywall.money import Money

Key = String(64)
# The large ones are summed up in the order of their keys: in SQLite they lie in that order.
BY_KEY = {"sqlite_with_rowid": False}


class JourneyDay(Model):
    """How often a step was taken on a day of the paper's zone."""

    __tablename__ = "journey_day"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    step: Mapped[Step] = mapped_column(words(Step), primary_key=True)
    times: Mapped[int]


class ArticleDay(Model):
    """The same of one article (`key`, the door's name for it), by the door's reason or a step.

    Kept for some hundred days: then the month stands for them.
    """

    __tablename__ = "article_day"
    __table_args__ = BY_KEY

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    key: Mapped[str] = mapped_column(Key, primary_key=True)
    word: Mapped[str] = mapped_column(String(32), primary_key=True)
    times: Mapped[int]


class Counted:
    """What is kept for ever of an article and a stretch of time."""

    visits: Mapped[int]
    offers: Mapped[int]
    meter_spent: Mapped[int]
    sign_ups: Mapped[int]


class ArticleMonth(Counted, Model):
    """The same by calendar month (its first day), written together with the day; kept for ever."""

    __tablename__ = "article_month"
    __table_args__ = BY_KEY

    month: Mapped[date] = mapped_column(Date, primary_key=True)
    key: Mapped[str] = mapped_column(Key, primary_key=True)


class ArticleYear(Counted, Model):
    """The sums of its months by calendar year (its first day), written together with them."""

    __tablename__ = "article_year"
    __table_args__ = BY_KEY

    key: Mapped[str] = mapped_column(Key, primary_key=True)
    year: Mapped[date] = mapped_column(Date, primary_key=True)


class ArticlePath(Model):
    """Where an article stands that is another site's: its key is a digest of that."""

    __tablename__ = "article_path"

    key: Mapped[str] = mapped_column(Key, primary_key=True)
    path: Mapped[str] = mapped_column(Text)


class ArticlePaid(Model):
    """First payments that followed an article: as the last one that was seen, and as any of them."""

    __tablename__ = "article_paid"
    __table_args__ = BY_KEY

    key: Mapped[str] = mapped_column(Key, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"), primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    last: Mapped[int]
    last_amount: Mapped[int] = mapped_column(BigInteger)
    any: Mapped[int]
    any_amount: Mapped[int] = mapped_column(BigInteger)


class FirstPayment(Model):
    """The first money that a reader paid for a membership, whatever became of it later."""

    __tablename__ = "first_payment"
    __table_args__ = (Index("ix_first_payment_day", "day", "plan_id", "currency"),)

    reader_id: Mapped[int] = mapped_column(ForeignKey("reader.id"), primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    amount: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    paid_at: Mapped[datetime]
    day: Mapped[date] = mapped_column(Date)
    reader: Mapped[Reader] = relationship()
    plan: Mapped[Plan] = relationship()

    @property
    def money(self) -> Money:
        """What was paid."""
        return Money(self.amount, self.currency)


class CarriedTouches(Model):
    """The articles by which a reader came to a Checkout that is not paid yet: keys, the last seen at the end.

    Gone when it is paid, and in any case after the days that the setting says.
    """

    __tablename__ = "carried_touches"

    reader_id: Mapped[int] = mapped_column(ForeignKey("reader.id", ondelete="CASCADE"), primary_key=True)
    keys: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(index=True)
