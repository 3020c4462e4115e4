"""How quick staff's pages on the path and on articles are, with five years of counts behind them.

The real server answers the owner's browser, as in bench/staff. A file is timed until its first row is there.
"""

import argparse
import json
import random
import time
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode

import requests
from sqlalchemy import String, cast, delete, func, insert, literal, select, update

from bench import databases, newspaper
from bench.databases import Databases
from bench.newspaper import Size
from bench.newsroom import owner_cookie
from bench.reconcile import newsroom
from bench.serving import Server, machine
from bench.speed import product
from bench.staff import BARS, Row, printed, times
from paywall import clock
from paywall.access.journey.counting import COLUMNS
from paywall.access.journey.models import (
    ArticleDay,
    ArticleMonth,
    ArticlePaid,
    ArticleYear,
    FirstPayment,
    JourneyDay,
)
from paywall.access.journey.steps import DAYS_KEPT, Step
from paywall.accounts.models import Reader
from paywall.articles.models import Article
from paywall.db import db
from paywall.membership.models import Plan
from paywall.reports import page
from paywall.reports.asked import DAY, Asked, Preset, plus_months, preset
from paywall.reports.journey.found import COUNTED

MONTHS, BATCH = 60, 5000
# Of all articles that are older than a few months, one in so many is still read in a month.
STILL_READ = 4
AUTHORS = 50
# So many articles are read on a day, for two reasons each; so many readers pay a day.
A_DAY, PAID_A_DAY = 3000, 100
# The header of a file comes before the database is asked.
FIRST_ROWS = 2


def main(words: list[str]) -> None:
    """Build what is missing, measure, print the table as it grows, leave the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench journey", description=__doc__)
    parser.add_argument("--databases", nargs="+", choices=databases.KINDS, default=databases.KINDS)
    parser.add_argument("--articles", type=int, default=50_000)
    parser.add_argument("--tries", type=int, default=5, help="of each page, after the first")
    parser.add_argument("--kept", type=Path, default=Path("build/bench"), help="folder of what is built once")
    parser.add_argument("--out", type=Path, default=Path("build/bench/journey.json"))
    given = parser.parse_args(words)
    told: dict[str, Any] = {"machine": machine(), "articles": given.articles}
    for kind in given.databases:
        with databases.kept(kind, given.kept / kind) as made:
            rows = _measure(kind, _filled(made, given.articles), given.tries)
            told[kind] = list(printed(f"{given.articles:,} articles, {kind}", rows))
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(told, indent=2))


def _measure(kind: str, url: str, tries: int) -> Iterator[Row]:
    with TemporaryDirectory(prefix="paywall-bench-") as folder, newsroom(Path(folder), url).app_context():
        cookie, today = owner_cookie(), clock.now().date()
        db.session.remove()
    clock.use(None)
    with product(url) as server:
        yield from times(server, _pages(today), cookie, tries, BARS[kind])
        for path in _lists(today, ".csv"):
            took = _first_rows(server, path, cookie)
            yield Row(path, took, took, BARS[kind])


def _pages(today: date) -> list[str]:
    """All stretches of both; the articles in each order, and of one plan; the first page of each list."""
    found = [f"{_at(name)}?{asked.query}" for name in ("path", "articles") for asked in _stretches(today)]
    asked = Asked(*preset(Preset.FIVE_YEARS, today))
    found += [f"{_at('articles')}?{asked.by(order).query}" for order in COUNTED]
    found.append(f"{_at('articles')}?{asked.query}&{urlencode({'plan': 'supporter'})}")
    return found + _lists(today)


def _stretches(today: date) -> Iterator[Asked]:
    for which in Preset:
        yield Asked(*preset(which, today))
    last = today.replace(day=1) - DAY
    for months in (2, 12, 60):
        yield Asked(plus_months(last.replace(day=1), -months) + 10 * DAY, last.replace(day=20))


def _lists(today: date, ends: str = "") -> list[str]:
    """The rows behind the figures, of five years."""
    query = Asked(*preset(Preset.FIVE_YEARS, today)).query
    return [
        f"{one.path}/rows/{which}{ends}?{query}"
        for one in page.all_of_them()
        if one.name in {"path", "articles"}
        for which in one.lists
    ]


def _at(name: str) -> str:
    return next(one.path for one in page.all_of_them() if one.name == name)


def _first_rows(server: Server, path: str, cookie: str) -> float:
    began = time.monotonic()
    with requests.get(server.url + path, headers={"Cookie": cookie}, stream=True, timeout=300) as answer:
        answer.raise_for_status()
        lines = list(islice(filter(None, answer.iter_lines(chunk_size=1)), FIRST_ROWS))
    assert len(lines) == FIRST_ROWS, f"{path} has no rows"
    return time.monotonic() - began


def _filled(made: Databases, articles: int) -> str:
    """A newspaper with five years of counts, kept beside the others."""
    url = newspaper.at(made, Size(articles, articles), "journey")
    with TemporaryDirectory(prefix="paywall-bench-") as folder:
        app = newsroom(Path(folder), url)
        try:
            with app.app_context():
                if not db.session.scalar(select(func.count()).select_from(ArticlePaid)):
                    _fill(random.Random(1), clock.now().date())
                db.session.remove()
                newspaper.tidy_up()
        finally:
            clock.use(None)
    return url


def _fill(dice: random.Random, today: date) -> None:
    ids = list(db.session.scalars(select(Article.id).order_by(Article.id)))
    readers = list(db.session.scalars(select(Reader.id).order_by(Reader.id)))
    plan = db.session.scalars(select(Plan.id).order_by(Plan.id)).first()
    first = plus_months(today.replace(day=1), 1 - MONTHS)
    days = [first + timedelta(days=passed) for passed in range((today - first).days + 1)]
    authors = {"byline": literal("Author ").concat(cast(Article.id % AUTHORS, String))}
    db.session.execute(update(Article).values(authors), execution_options={"synchronize_session": False})
    _put(ArticleMonth, _months(dice, ids, first))
    _sum_up_years()
    recent = (day for day in days if day >= today - DAYS_KEPT)
    _put(ArticleDay, _days(dice, ids, recent))
    # What the demo's own patron has done is in the way.
    for table in (JourneyDay, FirstPayment):
        db.session.execute(delete(table))
    _put(JourneyDay, ({"day": day, "step": step, "times": 1000} for day in days for step in Step))
    paid = list(zip(readers, (day for day in days for _ in range(PAID_A_DAY)), strict=False))
    _put(FirstPayment, (_payment(reader, day, plan) for reader, day in paid))
    _put(ArticlePaid, (row for day in days for row in _touched(dice, ids, day, plan)))


def _months(dice: random.Random, ids: list[int], first: date) -> Iterator[dict[str, Any]]:
    for at, key in enumerate(ids):
        out = at * MONTHS // len(ids)
        for month in range(out, MONTHS):
            if month < out + 3 or not dice.randrange(STILL_READ):
                counts = {"visits": dice.randint(1, 500), "offers": dice.randint(0, 300)}
                more = {"meter_spent": dice.randint(0, 50), "sign_ups": dice.randint(0, 2)}
                yield {"key": str(key), "month": plus_months(first, month), **counts, **more}


def _sum_up_years() -> None:
    year = func.date(func.strftime("%Y-01-01", ArticleMonth.month))
    if db.engine.dialect.name == "postgresql":
        year = func.date(func.date_trunc("year", ArticleMonth.month))
    sums = (func.sum(getattr(ArticleMonth, name)) for name in COLUMNS.values())
    query = select(ArticleMonth.key, year, *sums).group_by(ArticleMonth.key, year)
    db.session.execute(insert(ArticleYear).from_select(["key", "year", *COLUMNS.values()], query))
    db.session.commit()


def _days(dice: random.Random, ids: list[int], days: Iterable[date]) -> Iterator[dict[str, Any]]:
    for day in days:
        for key in dice.sample(ids, A_DAY):
            for word in ("patrons_only", "patron"):
                yield {"day": day, "key": str(key), "word": word, "times": dice.randint(1, 100)}


def _payment(reader: int, day: date, plan: int | None) -> dict[str, Any]:
    return {
        "reader_id": reader,
        "plan_id": plan,
        "amount": 500,
        "currency": "eur",
        "paid_at": clock.now(),
        "day": day,
    }


def _touched(dice: random.Random, ids: list[int], day: date, plan: int | None) -> Iterator[dict[str, Any]]:
    for key in dice.sample(ids, PAID_A_DAY * 3):
        last = dice.randint(0, 1)
        counts = {"last": last, "last_amount": last * 500, "any": 1, "any_amount": 500}
        yield {"day": day, "key": str(key), "plan_id": plan, "currency": "eur", **counts}


def _put(table: Any, rows: Iterable[dict[str, Any]]) -> None:
    waiting = iter(rows)
    while some := list(islice(waiting, BATCH)):
        db.session.execute(insert(table.__table__), some)
    db.session.commit()
