"""Institutions with their domains and ranges, and how much was read through them, as tables."""

import enum
from datetime import date, datetime

from sqlalchemy import Boolean, CheckConstraint, Date, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from paywall.access.institutions.ranges import Range
from paywall.db import Id, Model, utcnow, words
from paywall.membership.models import Plan


class Way(enum.StrEnum):
    """How somebody reads through an institution: by the address of their account, or by where they sit."""

    DOMAIN = "domain"
    RANGE = "range"


class Institution(Model):
    """Who reads from `starts_at` to just before `ends_at`; with a plan it opens that plan's gates, too.

    `changes` grows with every change of it, its domains and its ranges: the door reads only what has changed.
    """

    __tablename__ = "institution"
    __table_args__ = (CheckConstraint("starts_at <= ends_at", name="term"),)

    id: Mapped[Id]
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("plan.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    made_at: Mapped[datetime] = mapped_column(default=utcnow)
    changes: Mapped[int] = mapped_column(default=1)
    plan: Mapped[Plan | None] = relationship()
    domains: Mapped[list["InstitutionDomain"]] = relationship(
        back_populates="institution", cascade="all, delete-orphan", order_by="InstitutionDomain.domain"
    )
    ranges: Mapped[list["InstitutionRange"]] = relationship(
        back_populates="institution", cascade="all, delete-orphan", order_by="InstitutionRange.id"
    )

    def overlaps(self, other: "Institution") -> bool:
        """Whether both have an instant in common."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


class InstitutionDomain(Model):
    """A domain of e-mail addresses, in our one spelling of them."""

    __tablename__ = "institution_domain"
    __table_args__ = (UniqueConstraint("institution_id", "domain"),)

    id: Mapped[Id]
    institution_id: Mapped[int] = mapped_column(ForeignKey("institution.id"))
    domain: Mapped[str] = mapped_column(String(255))
    with_subdomains: Mapped[bool] = mapped_column(Boolean, default=False)
    institution: Mapped[Institution] = relationship(back_populates="domains")


class InstitutionRange(Model):
    """Network addresses from `first` to `last`, both in it."""

    __tablename__ = "institution_range"
    __table_args__ = (UniqueConstraint("institution_id", "first", "last"),)

    id: Mapped[Id]
    institution_id: Mapped[int] = mapped_column(ForeignKey("institution.id"))
    first: Mapped[str] = mapped_column(String(39))
    last: Mapped[str] = mapped_column(String(39))
    institution: Mapped[Institution] = relationship(back_populates="ranges")

    @property
    def range(self) -> Range:
        """The same in numbers."""
        return Range.read(f"{self.first}-{self.last}")


class InstitutionUse(Model):
    """How often an article (`key`, the door's name for it) was read in full on a day of the paper's zone."""

    __tablename__ = "institution_use"

    institution_id: Mapped[int] = mapped_column(ForeignKey("institution.id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    way: Mapped[Way] = mapped_column(words(Way), primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    reads: Mapped[int]
