"""The monthly letter: last month's figures to owner and bookkeeper, from the reports' own functions."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from flask import current_app
from flask_babel import format_date
from sqlalchemy import select

from paywall import clock, jobs, mail
from paywall.accounts.models import Reader, Role, StaffRole
from paywall.billing.cashbook import months, statement
from paywall.billing.cashbook.statement import Statement
from paywall.config import Settings
from paywall.db import db, read_much
from paywall.mail import Care, Letter
from paywall.money import Money
from paywall.reports import page, shown
from paywall.reports.asked import Asked, Preset, preset
from paywall.reports.page import Figure, Page
from paywall.reports.rollup import zone

KIND = "figures"
READERS = (StaffRole.OWNER, StaffRole.BOOKKEEPER)
REPORTS = ("patrons", "movement", "churn", "failures", "leaving", "gifts")
# From the second day on, so that the night's roll-up and the hourly walk have seen the month to its end.
DAYS = range(2, 10)


@dataclass(frozen=True, slots=True)
class Line:
    """A figure in words: what it is called, what it was, and what it had been."""

    name: str
    now: str
    before: str


@dataclass(frozen=True, slots=True)
class Part:
    """The figures of one page, and where it is."""

    title: str
    url: str
    lines: tuple[Line, ...]


@jobs.every(minute="20", hour="5")
def monthly() -> None:
    """Write last month's letter in the first days of a month, to whoever has not had it; commits."""
    settings: Settings = current_app.extensions["settings"]
    today = clock.now().astimezone(zone()).date()
    if not settings.monthly_letter or today.day not in DAYS:
        return
    asked = Asked(*preset(Preset.LAST_MONTH, today), zone=zone())
    missing = _missing(asked)
    db.session.commit()
    if not missing:
        return
    read_much()
    parts = [*_reports(asked), _tie_out(asked.since)]
    db.session.rollback()
    _write(asked, missing, parts)
    db.session.commit()


@mail.holds(KIND)
def still_reads(letter: Letter) -> bool:
    """Whether whoever it is for may still see these figures."""
    reader = db.session.get(Reader, letter.about)
    return reader is not None and bool(reader.staff_roles & set(READERS))


def _missing(asked: Asked) -> dict[str, tuple[str, int]]:
    """Address and number of those who have not had the letter of a month, by the cause that it has."""
    named = Reader.roles.any(Role.name.in_([role.value for role in READERS]))
    staff = select(Reader.email, Reader.id).where(named, Reader.active).order_by(Reader.email)
    causes = {
        f"{KIND}:{asked.since:%Y-%m}:{row.email}": (row.email, row.id) for row in db.session.execute(staff)
    }
    had = set(db.session.scalars(select(Letter.cause).where(Letter.cause.in_(causes))))
    return {cause: whose for cause, whose in causes.items() if cause not in had}


def _write(asked: Asked, missing: dict[str, tuple[str, int]], parts: list[Part]) -> None:
    month, last_day = format_date(asked.since, "LLLL y"), asked.until + timedelta(days=DAYS.stop)
    send_by = Asked(asked.since, last_day, zone=asked.zone).end
    for cause, (email, reader_id) in missing.items():
        mail.write(
            KIND,
            email,
            cause=cause,
            about=reader_id,
            care=Care.ONCE,
            send_by=send_by,
            month=month,
            parts=parts,
        )


def _reports(asked: Asked) -> Iterator[Part]:
    known: dict[str, Page] = {one.name: one for one in page.all_of_them()}
    for name in REPORTS:
        one = known[name]
        lines = tuple(_line(figure) for figure in one.make(asked).figures)
        yield Part(one.title, _address(f"{one.path}?{asked.query}"), lines)


def _line(figure: Figure) -> Line:
    before = "" if figure.before is None else shown.words(figure.before)
    return Line(figure.name, shown.words(figure.now), before)


def _tie_out(first: date) -> Part:
    """The statement of the month; by UTC, as Stripe's balance goes."""
    start = months.month(f"{first:%Y-%m}")
    now, before = statement.of(start), statement.of(months.month(f"{first - timedelta(days=1):%Y-%m}"))
    lines = [Line("Ties out", "yes" if now.ties_out else "no: see the page", "")]
    earlier = {one.sums.currency: one for one in before.statements}
    for one in now.statements:
        lines += _money(one, earlier.get(one.sums.currency))
    return Part("Tie-out", _address(f"/staff/tie-out?month={first:%Y-%m}"), tuple(lines))


def _money(one: Statement, before: Statement | None) -> Iterator[Line]:
    currency = one.sums.currency
    named = {"Net": "net", "Stripe’s fees": "fees", "Given back": "refunds", "Paid out": "payouts"}
    for name, column in named.items():
        now = Money(getattr(one.sums, column), currency).text()
        then = Money(getattr(before.sums, column), currency).text() if before else ""
        yield Line(f"{name}, {currency.upper()}", now, then)


def _address(path: str) -> str:
    settings: Settings = current_app.extensions["settings"]
    return settings.site_url + path
