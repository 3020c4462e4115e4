"""Plans with their prices, subscriptions from every source, and the append-only ledger of what changed."""

import enum
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from paywall.accounts.models import Reader
from paywall.db import Id, Model, utcnow, words
from paywall.membership.policy import Cause
from paywall.membership.rules import Change, Interval, Source, Status
from paywall.membership.seats import SeatRange
from paywall.money import Money


class PlanState(enum.StrEnum):
    """Who can join: everyone; only who has the link; nobody new (those who hold it keep it)."""

    OPEN = "open"
    HIDDEN = "hidden"
    CLOSED = "closed"


class Plan(Model):
    """What a patron joins. Gates name its slug. With `seats_min` it is sold to groups, its prices a seat."""

    __tablename__ = "plan"
    __table_args__ = (
        CheckConstraint(
            "(seats_min IS NULL) = (seats_max IS NULL)"
            " AND (seats_min IS NULL OR (seats_min >= 2 AND seats_max >= seats_min))",
            name="seats",
        ),
    )

    id: Mapped[Id]
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    description: Mapped[str] = mapped_column(Text, default="")
    position: Mapped[int] = mapped_column(default=0)
    trial_days: Mapped[int] = mapped_column(default=0)
    state: Mapped[PlanState] = mapped_column(words(PlanState), default=PlanState.OPEN)
    seats_min: Mapped[int | None]
    seats_max: Mapped[int | None]
    prices: Mapped[list["Price"]] = relationship(back_populates="plan", order_by="Price.amount")

    @property
    def seats(self) -> SeatRange | None:
        """How many seats can be bought; None if the plan is for one reader."""
        return None if self.seats_min is None else SeatRange(self.seats_min, self.seats_max or self.seats_min)


class Price(Model):
    """What a plan costs, in one currency, each month or year."""

    __tablename__ = "price"
    __table_args__ = (CheckConstraint("amount > 0", name="amount"),)

    id: Mapped[Id]
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"), index=True)
    amount: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    interval: Mapped[Interval] = mapped_column(words(Interval))
    active: Mapped[bool] = mapped_column(default=True)
    plan: Mapped[Plan] = relationship(back_populates="prices")

    @property
    def money(self) -> Money:
        """The price of one interval; of one seat, if the plan has seats."""
        return Money(self.amount, self.currency)

    @property
    def entry(self) -> Money:
        """The least that joining costs each interval."""
        return self.of(self.plan.seats.least if self.plan.seats else 1)

    def of(self, seats: int) -> Money:
        """The price of one interval for so many seats."""
        return Money(self.amount * seats, self.currency)


class Subscription(Model):
    """What a reader holds from one source, as last seen there. Only membership/record writes it.

    `access_until`, `grace_from` and `access_cause` are what the policy says of the rest (policy.access).
    `unknown_since`: since when its source says a status that we do not know; all else is from before that.
    `grace_until`: a date by hand, which stands for the policy's while the same bill stays unpaid.
    """

    __tablename__ = "subscription"
    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        Index("ix_subscription_access", "reader_id", "access_until"),
        # Who pays twice is found without looking at the rows (record.twice).
        Index("ix_subscription_twice", "source", "reader_id", "status"),
    )

    id: Mapped[Id]
    reader_id: Mapped[int] = mapped_column(ForeignKey("reader.id"))
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"), index=True)
    source: Mapped[Source] = mapped_column(words(Source))
    external_id: Mapped[str] = mapped_column(String(255))
    status: Mapped[Status] = mapped_column(words(Status), index=True)
    amount: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    interval: Mapped[Interval] = mapped_column(words(Interval))
    interval_count: Mapped[int] = mapped_column(default=1)
    seats: Mapped[int] = mapped_column(default=1)
    monthly: Mapped[int]
    discount: Mapped[int] = mapped_column(default=0)
    discount_until: Mapped[datetime | None]
    started_at: Mapped[datetime]
    period_start: Mapped[datetime | None]
    period_end: Mapped[datetime | None]
    trial_end: Mapped[datetime | None]
    cancel_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    unpaid_since: Mapped[datetime | None]
    disputed_at: Mapped[datetime | None]
    refunded_at: Mapped[datetime | None]
    collected: Mapped[bool] = mapped_column(default=True)
    wanted_break: Mapped[bool] = mapped_column(default=False)
    unknown_since: Mapped[datetime | None]
    grace_until: Mapped[datetime | None]
    access_until: Mapped[datetime | None]
    grace_from: Mapped[datetime | None]
    access_cause: Mapped[Cause | None] = mapped_column(words(Cause))
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)
    reader: Mapped[Reader] = relationship()
    plan: Mapped[Plan] = relationship()

    @property
    def price(self) -> Money:
        """What is paid each interval for all seats, before any discount."""
        return Money(self.amount, self.currency)

    @property
    def due(self) -> Money:
        """What is paid each interval while the present discount stands."""
        return Money(self.amount - self.discount, self.currency)

    @property
    def next_payment(self) -> Money:
        """What the next bill comes to: a discount that ends before then lowers it no more."""
        ends_first = self.discount_until and self.period_end and self.discount_until <= self.period_end
        return self.price if ends_first else self.due


class AppliedPolicy(Model):
    """The policy by which all rows were reckoned last, in its own words."""

    __tablename__ = "applied_policy"

    id: Mapped[Id]
    policy: Mapped[str] = mapped_column(Text)
    applied_at: Mapped[datetime] = mapped_column(default=utcnow)


class MembershipEvent(Model):
    """One line of the ledger. Rows are only ever added: the database refuses an UPDATE or DELETE."""

    __tablename__ = "membership_event"
    __table_args__ = (
        Index("ix_membership_event_at", "at", "change"),
        Index("ix_membership_event_subscription_id", "subscription_id", "id", "status"),
        Index("ix_membership_event_status", "status", "subscription_id"),
    )

    id: Mapped[Id]
    at: Mapped[datetime]
    recorded_at: Mapped[datetime] = mapped_column(default=utcnow)
    reader_id: Mapped[int] = mapped_column(ForeignKey("reader.id"), index=True)
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscription.id"))
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    source: Mapped[Source] = mapped_column(words(Source))
    change: Mapped[Change] = mapped_column(words(Change))
    status: Mapped[Status] = mapped_column(words(Status))
    monthly_delta: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    feedback: Mapped[str | None] = mapped_column(String(40))
