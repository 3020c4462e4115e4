"""Adding what was counted to the tables: by day, by article and day, and by article and month and year."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from paywall.access.journey.models import ArticleDay, ArticleMonth, ArticlePath, ArticleYear, JourneyDay
from paywall.access.journey.steps import Seen, Step
from paywall.db import insert

# What months and years keep of each article, by its column.
COLUMNS = {
    Step.VISIT: "visits",
    Step.OFFER: "offers",
    Step.METER_SPENT: "meter_spent",
    Step.ACCOUNT: "sign_ups",
}


def add(connection: Connection, counts: Mapping[Seen, int]) -> None:
    """Write down what was counted, in the transaction of `connection`.

    Tables and rows come in one order everywhere, so that two writers wait one for the other, not in a circle.
    """
    _add_up(connection, JourneyDay, ("day", "step"), _by_step(counts))
    of_articles = {seen: times for seen, times in counts.items() if seen.key}
    _add_up(connection, ArticleDay, ("day", "key", "word"), _by_word(of_articles))
    _add_up(connection, ArticleMonth, ("month", "key"), _by_article(of_articles, "month"))
    _add_up(connection, ArticleYear, ("key", "year"), _by_article(of_articles, "year"))
    _note_paths(connection, {seen.key: seen.path for seen in of_articles if seen.path})


def _by_step(counts: Mapping[Seen, int]) -> list[dict[str, Any]]:
    found: Counter[tuple[Any, ...]] = Counter()
    for seen, times in counts.items():
        for step in seen.steps:
            found[seen.day, step] += times
    return [{"day": day, "step": step, "times": times} for (day, step), times in sorted(found.items())]


def _by_word(counts: Mapping[Seen, int]) -> list[dict[str, Any]]:
    found: Counter[tuple[Any, ...]] = Counter()
    for seen, times in counts.items():
        found[seen.day, seen.key, str(seen.word)] += times
    return [
        {"day": day, "key": key, "word": word, "times": times}
        for (day, key, word), times in sorted(found.items())
    ]


def _by_article(counts: Mapping[Seen, int], period: str) -> list[dict[str, Any]]:
    found: dict[tuple[Any, ...], Counter[str]] = {}
    for seen, times in counts.items():
        nothing = Counter(dict.fromkeys(COLUMNS.values(), 0))
        row = found.setdefault((seen.key, getattr(seen, period)), nothing)
        for step in seen.steps:
            row[COLUMNS[step]] += times
    return [{"key": key, period: first, **row} for (key, first), row in sorted(found.items())]


def _add_up(connection: Connection, table: Any, names: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    new = insert(table, connection.dialect.name)
    more = {name: getattr(table, name) + new.excluded[name] for name in rows[0].keys() - set(names)}
    connection.execute(new.on_conflict_do_update(index_elements=names, set_=more), rows)


def _note_paths(connection: Connection, paths: Mapping[str, str]) -> None:
    if paths:
        new = insert(ArticlePath, connection.dialect.name).on_conflict_do_nothing(index_elements=["key"])
        connection.execute(new, [{"key": key, "path": path} for key, path in sorted(paths.items())])
