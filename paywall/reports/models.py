"""The ledger rolled up: so that a report reads some thousand rows, and not every line there is."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, String
from sqlalchemy.orm import Mapped, mapped_column

from paywall.db import Id, Model, words
from paywall.membership.rules import Change, Source
from paywall.reports.fold import Kind


class ReportMark(Model):
    """Up to which line of the ledger the rows of the other tables reach, and by which rules they were made.

    Until `claimed_until` (by the wall clock) somebody is at work on them, unless they died of it.
    """

    __tablename__ = "report_mark"

    id: Mapped[Id]
    made_by: Mapped[str] = mapped_column(String(120))
    last_line: Mapped[int]
    rolled_at: Mapped[datetime]
    claimed_until: Mapped[datetime | None]


class ReportDay(Model):
    """How much of one kind there was on a day in a scope; `plan_id` 0 is all plans, `source` "" all sources.

    `currency` is "" for what is counted whatever it is paid in. `amount` in minor units, signed.
    """

    __tablename__ = "report_day"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012  # as SQLAlchemy takes it

    plan_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    source: Mapped[str] = mapped_column(String(10), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    kind: Mapped[Kind] = mapped_column(words(Kind), primary_key=True)
    month: Mapped[date] = mapped_column(Date)
    readers: Mapped[int]
    amount: Mapped[int] = mapped_column(BigInteger)


class ReportCohort(Model):
    """By how much the patrons who began in `cohort` became more or fewer in a month, and what they bring."""

    __tablename__ = "report_cohort"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012  # as SQLAlchemy takes it

    plan_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    source: Mapped[str] = mapped_column(String(10), primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    cohort: Mapped[date] = mapped_column(Date, primary_key=True)
    month: Mapped[date] = mapped_column(Date, primary_key=True)
    readers: Mapped[int]
    amount: Mapped[int] = mapped_column(BigInteger)


class ReportParting(Model):
    """How many memberships of a plan ended on a day for a reason, or were to end, or not to end after all."""

    __tablename__ = "report_parting"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012  # as SQLAlchemy takes it

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    plan_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    source: Mapped[Source] = mapped_column(words(Source), primary_key=True)
    change: Mapped[Change] = mapped_column(words(Change), primary_key=True)
    reason: Mapped[str] = mapped_column(String(40), primary_key=True)
    month: Mapped[date] = mapped_column(Date)
    number: Mapped[int]
