"""`flask paywall institution report`: what was read through an institution, for its librarian and for us."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime

import click
from sqlalchemy import select

from paywall.access.institutions import keeping
from paywall.access.institutions import use as read
from paywall.access.institutions.commands import DAY, today
from paywall.access.institutions.models import Way
from paywall.articles.models import Article
from paywall.db import db, read_only
from paywall.errors import BadInput
from paywall.reports import export

HEADER = ("institution", "day", "way", "article", "title", "reads")


@click.command("report")
@click.argument("slug")
@click.option("--from", "first", type=DAY, help="The first day; else the first of this month.")
@click.option("--until", "last", type=DAY, help="The last day; else today.")
@click.option("--most", default=20, type=click.IntRange(1), help="So many of the most read articles.")
@click.option("--csv", "as_csv", is_flag=True, help="By day, way and article, for a spreadsheet.")
def report(slug: str, first: datetime | None, last: datetime | None, *, most: int, as_csv: bool) -> None:
    """How much was read through an institution, by day, and which articles most. It names no reader."""
    until = last.date() if last else today()
    since = first.date() if first else until.replace(day=1)
    if until < since:
        raise BadInput("The last day must not be before the first.")
    read_only()
    lines = list(_csv(slug, since, until) if as_csv else _words(slug, since, until, most))
    db.session.rollback()
    for line in lines:
        click.echo(line)


def _words(slug: str, since: date, until: date, most: int) -> Iterator[str]:
    one = keeping.find(slug)
    found = read.use(one.id, since, until, most=most)
    yield f"{one.name}, {since} to {until}: {found.reads} articles read."
    if not found.days:
        return
    yield f"\n{'day':<12}{'by e-mail':>10}{'by network':>12}"
    for day, ways in found.days.items():
        yield f"{day!s:<12}{ways.get(Way.DOMAIN, 0):>10}{ways.get(Way.RANGE, 0):>12}"
    yield "\nMost read:"
    named = _articles(key for key, _reads in found.most_read)
    for key, reads in found.most_read:
        slug_, title = named.get(key, (key, "no longer there"))
        yield f"{reads:>6}  {slug_}: {title}"


def _csv(slug: str, since: date, until: date) -> Iterator[str]:
    one = keeping.find(slug)
    found = read.each(one.id, since, until)
    named = _articles(row.key for row in found)
    cells = (
        (one.slug, row.day, row.way.value, *named.get(row.key, (row.key, "")), row.reads) for row in found
    )
    for line in export.rows(HEADER, cells):
        yield line.rstrip("\r\n")


def _articles(keys: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Slug and title by key, which is an article's id as text."""
    known = {int(key) for key in keys if key.isdecimal()}
    query = select(Article.id, Article.slug, Article.title).where(Article.id.in_(known))
    return {str(row.id): (row.slug, row.title) for row in db.session.execute(query)}
