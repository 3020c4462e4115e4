"""What was read through institutions: libraries, schools, companies. It names no reader."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import func, select

from paywall.access.institutions.models import Institution, InstitutionUse, Way
from paywall.articles.models import Article
from paywall.db import db, streamed
from paywall.reports import page
from paywall.reports.asked import Asked
from paywall.reports.page import Chart, Column, Figure, Kind, Report, Row, Shape, Table

MOST = 20
READ = "Articles that were read in full because an institution gives access to them, each time they were."
USED = "Institutions through which anything was read."
WAYS = {Way.DOMAIN: "By e-mail", Way.RANGE: "By network"}
HOW = "By e-mail: readers with an address of the institution. By network: from its computers."
COLUMNS = (
    Column("Day", Kind.DAY),
    Column("Institution"),
    Column("Way"),
    Column("Article"),
    Column("Reads", Kind.NUMBER),
)
READS = func.sum(InstitutionUse.reads)


@page.report("institutions", "Institutions", narrows=())
def institutions(asked: Asked) -> Report:
    """How much was read through which, month by month, and which articles most."""
    now, before = _by_way(asked), _by_way(asked.before)
    figures = (
        Figure("Read", sum(now.values()), sum(before.values()), READ, "reads"),
        Figure(
            "Institutions",
            len({one for one, _ in now}),
            len({one for one, _ in before}),
            USED,
            "institutions",
        ),
    )
    tables = (_by_institution(now, before), _by_month(asked), _most_read(asked))
    return Report("Institutions", figures, tables)


@page.behind("institutions", "reads", "What was read through institutions", COLUMNS)
def reads(asked: Asked) -> Iterator[Row]:
    """By day, institution, way and article."""
    use = InstitutionUse
    query = _within(select(use, Institution.name).join(Institution), asked)
    query = query.order_by(use.day, Institution.name, use.way, use.key)
    titles = _titles()
    for one, name in streamed(query):
        yield (one.day, name, WAYS[one.way], titles.get(one.key, one.key), one.reads)


@page.behind("institutions", "institutions", "Institutions", (Column("Institution"), COLUMNS[-1]))
def used(asked: Asked) -> Iterator[Row]:
    """Each through which anything was read, by name."""
    query = _within(select(Institution.name, READS).join(InstitutionUse), asked)
    for name, number in streamed(query.group_by(Institution.name).order_by(Institution.name)):
        yield (name, int(number))


def _by_way(asked: Asked) -> dict[tuple[str, Way], int]:
    query = _within(
        select(Institution.name, InstitutionUse.way, READS.label("reads")).join(Institution), asked
    )
    found = db.session.execute(query.group_by(Institution.name, InstitutionUse.way))
    return {(row.name, row.way): int(row.reads) for row in found}


def _by_institution(now: dict[tuple[str, Way], int], before: dict[tuple[str, Way], int]) -> Table:
    columns = (
        Column("Institution"),
        *(Column(name, Kind.NUMBER) for name in (*WAYS.values(), "In all", "Before")),
    )
    lines: list[Row] = []
    for name in sorted({one for one, _ in (*now, *before)}):
        ways = [now.get((name, way), 0) for way in WAYS]
        lines.append((name, *ways, sum(ways), sum(before.get((name, way), 0) for way in WAYS)))
    return Table("By institution", HOW, columns, lines)


def _by_month(asked: Asked) -> Table:
    columns = (Column("Month", Kind.MONTH), *(Column(name, Kind.NUMBER) for name in WAYS.values()))
    lines: list[Row] = []
    for month in asked.months():
        found = _by_way(month)
        ways = [sum(count for (_, way), count in found.items() if way is each) for each in WAYS]
        lines.append((month.since.replace(day=1), *ways))
    chart = Chart(Shape.STACKED, tuple(WAYS.values()))
    return Table("By month", HOW, columns, lines, chart)


def _most_read(asked: Asked) -> Table:
    columns = (Column("Article"), Column("Reads", Kind.NUMBER))
    query = _within(select(InstitutionUse.key, READS.label("reads")), asked)
    query = query.group_by(InstitutionUse.key).order_by(READS.desc(), InstitutionUse.key).limit(MOST)
    titles = _titles()
    lines = [(titles.get(row.key, row.key), int(row.reads)) for row in db.session.execute(query)]
    return Table("Most read", f"The {MOST} articles that were read most.", columns, lines)


def _within(query: Any, asked: Asked) -> Any:
    first: date = asked.since
    return query.where(InstitutionUse.day.between(first, asked.until))


def _titles() -> dict[str, str]:
    """The titles of all articles that were read so, by the door's key."""
    keys = db.session.scalars(select(InstitutionUse.key).distinct())
    known = {int(key) for key in keys if key.isdecimal()}
    query = select(Article.id, Article.title).where(Article.id.in_(known))
    return {str(row.id): row.title for row in db.session.execute(query)}
