"""How long the reports of the path and of the articles take, with five years of counts."""

import argparse
import random
import statistics
import time
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flask import Flask
from sqlalchemy import delete, func, insert, select

from bench import databases, newspaper
from bench.databases import Databases
from bench.newspaper import Size
from bench.reconcile import newsroom
from paywall import clock
from paywall.access.journey.models import ArticleDay, ArticleMonth, ArticlePaid, FirstPayment, JourneyDay
from paywall.access.journey.paying import DAYS_KEPT
from paywall.access.journey.steps import Step
from paywall.accounts.models import Reader
from paywall.articles.models import Article
from paywall.db import db
from paywall.membership.models import Plan
from paywall.reports.asked import Asked, Preset, plus_months, preset

MONTHS, BATCH, TRIES = 60, 5000, 5
# Of all articles that are older than a few months, one in so many is still read in a month.
STILL_READ = 4
# So many articles are read on a day, for two reasons each; so many readers pay a day.
A_DAY, PAID_A_DAY = 3000, 100


def main(words: list[str]) -> None:
    """Build what is missing, and print how long each page takes."""
    parser = argparse.ArgumentParser(prog="python -m bench journey", description=__doc__)
    parser.add_argument("--databases", nargs="+", choices=databases.KINDS, default=databases.KINDS)
    parser.add_argument("--articles", type=int, default=200_000)
    parser.add_argument("--kept", type=Path, default=Path("build/bench"), help="folder of what is built once")
    given = parser.parse_args(words)
    for kind in given.databases:
        with databases.kept(kind, given.kept / kind) as made:
            _measure(kind, _filled(made, given.articles))


def _measure(kind: str, url: str) -> None:
    with TemporaryDirectory(prefix="paywall-bench-") as folder:
        app = newsroom(Path(folder), url)
        try:
            with app.app_context():
                for name, days, seconds in _pages(app):
                    print(f"{kind:<12}{name:<10}{days:<14}{seconds * 1000:>8.0f} ms", flush=True)
        finally:
            clock.use(None)


def _pages(app: Flask) -> Iterator[tuple[str, str, float]]:
    from paywall.reports import page

    by_name = {one.name: one for one in page.all_of_them()}
    for name in ("path", "articles"):
        for which in (Preset.THIS_MONTH, Preset.LAST_MONTH, Preset.YEAR, Preset.FIVE_YEARS):
            asked = Asked(*preset(which, clock.now().date()))
            yield name, which.value, _seconds(by_name[name].make, asked)
        within = Asked(*_some_days())
        yield name, "45 days", _seconds(by_name[name].make, within)


def _seconds(make: Any, asked: Asked) -> float:
    taken = []
    for _ in range(TRIES):
        began = time.monotonic()
        make(asked)
        taken.append(time.monotonic() - began)
        db.session.rollback()
    return statistics.median(taken)


def _some_days() -> tuple[date, date]:
    until = clock.now().date().replace(day=15) - timedelta(days=31)
    return until - timedelta(days=44), until


def _filled(made: Databases, articles: int) -> str:
    """A newspaper with five years of counts, kept beside the others."""
    url = newspaper.at(made, Size(articles, articles), "journey")
    with TemporaryDirectory(prefix="paywall-bench-") as folder:
        app = newsroom(Path(folder), url)
        try:
            with app.app_context():
                if not db.session.scalar(select(func.count()).select_from(ArticleDay)):
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
    _put(ArticleMonth, _months(dice, ids, first))
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
