"""How quick staff's pages and the desk's search are with a newsroom behind them, and the nightly roll-up.

The real server answers the owner's browser, one request after the other. The first answer to each page, of a
server that has just started, is told beside; of those that come after it the slowest counts.
"""

import argparse
import json
import math
import statistics
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

import requests

from bench import cashbook, databases, newsroom
from bench.databases import Databases
from bench.reconcile import newsroom as opened
from bench.serving import Server, machine, resident_mib
from bench.speed import product
from paywall import clock
from paywall.office.money.behind import TITLES
from paywall.reports import ledger, page, rollup

# The longest that a page of reports may take, in seconds.
BARS = {"sqlite": 2.0, "postgresql": 1.0}
SEARCH = 0.1
YEAR = {"since": "2025-11-01", "until": "2026-10-31"}
ALL_YEARS = {"since": "2021-11-01", "until": "2026-10-31"}
NARROW = YEAR | {"plan": "supporter"}
# So many lines a day there are in sixty months, for each of so many readers.
A_DAY = 600


@dataclass(frozen=True)
class Row:
    """A line of the table: what was done, how long it took in seconds, and what is allowed.

    `first`: the very first time, if there were more; `slowest` and `median`: of those after it.
    """

    case: str
    slowest: float
    median: float
    bar: float | None = None
    first: float | None = None

    @property
    def is_met(self) -> bool:
        """Whether it was quick enough, if anything is asked of it."""
        return self.bar is None or self.slowest <= self.bar


def times(
    server: Server, paths: Sequence[str], cookie: str, tries: int, bar: float | None = None
) -> Iterator[Row]:
    """How long each page takes. A wrong answer takes for ever."""
    with requests.Session() as browser:
        browser.headers["Cookie"] = cookie
        for path in paths:
            took = []
            for _ in range(1 + tries):
                began = time.monotonic()
                answer = browser.get(server.url + path, timeout=300, allow_redirects=False)
                took.append(time.monotonic() - began)
                # Whoever is found exactly is shown at once.
                if not answer.ok or "/sign-in" in answer.headers.get("Location", ""):
                    took = [math.inf, math.inf]
                    break
            first, *rest = took
            yield Row(path, max(rest), statistics.median(rest), bar, first)


def paths() -> list[str]:
    """Every report: a year, all years, one plan; and the beginning of each list of rows."""
    found = ["/staff"]
    for one in page.all_of_them():
        for days in (YEAR, ALL_YEARS, NARROW):
            said = {name: value for name, value in days.items() if name != "plan" or "plan" in one.narrows}
            found.append(f"{one.path}?{urlencode(said)}")
    return list(dict.fromkeys(found))


def books() -> list[str]:
    """The tie-out of the last month and of one three years back, each as a page and as a file."""
    return [
        f"/staff/tie-out{kind}?month={month}" for month in ("2026-10", "2023-10") for kind in ("", ".csv")
    ]


def house(reader_id: int) -> list[str]:
    """One reader with a long past, all of it and their money alone; and the pages of the house."""
    past = f"/staff/desk/{reader_id}"
    rooms = ("inbox", "inbox?state=handled", "health", "trail", "trail?act=refund", "people", "plans")
    return [past, f"{past}?only=money", *(f"/staff/{room}" for room in rooms)]


def searches(readers: int) -> list[str]:
    """What is typed into the desk's box: addresses and names in full and in part, ids, a bill's number."""
    one = readers // 2
    typed = (
        f"reader{one}@example.org",
        f"reader{one}",
        "reader",
        "example.org",
        f"cus_reader{one}",
        "nobody",
        "Anna Berdorfel",
        "Anna",
        f"in_lived{one}",
        f"ch_lived{one}",
        f"LIVED-{one}",
        *(f"sub_lived{number}" for number in range(one, one + 10)),
    )
    return [f"/staff/desk?{urlencode({'q': text})}" for text in typed]


def lists() -> list[str]:
    """The first page of the rows behind the figures of each report, and of a month's tie-out."""
    reports = page.all_of_them()
    behind = [f"{one.path}/rows/{which}?{urlencode(YEAR)}" for one in reports for which in one.lists]
    return [*behind, *(f"/staff/tie-out/rows/{which}?month=2026-10&currency=eur" for which in TITLES)]


def measure(kind: str, made: Databases, readers: int, tries: int) -> Iterator[Row]:
    """All that is measured with one newsroom."""
    began = time.monotonic()
    url = newsroom.at(made, readers)
    took = time.monotonic() - began
    yield Row("the newsroom is made, or found", took, took)
    cookie = ""
    for case, took in _rolled(url, readers):
        yield Row(case, took, took)
    with TemporaryDirectory() as folder, opened(Path(folder), url).app_context():
        cookie, one = newsroom.owner_cookie(), cashbook.longest_past()
    clock.use(None)
    with product(url) as server:
        yield from times(server, [*paths(), *books(), *house(one)], cookie, tries, BARS[kind])
        yield from times(server, searches(readers), cookie, tries, SEARCH)
        yield from times(server, lists(), cookie, 1)


def _rolled(url: str, readers: int) -> Iterator[tuple[str, float]]:
    """All lines rolled up anew but those of the last day; then these, as on any night."""
    with TemporaryDirectory() as folder, opened(Path(folder), url).app_context():
        last = ledger.last_settled()
        day = max(1, readers // A_DAY)
        with patch.object(ledger, "last_settled", lambda: last - day):
            began = time.monotonic()
            rollup.roll_up(anew=True)
            yield f"{last - day:,} lines rolled up anew", time.monotonic() - began
        print(f"  memory after it: {resident_mib()} MiB", flush=True)
        began = time.monotonic()
        rollup.roll_up()
        yield f"{day:,} lines of a day rolled up", time.monotonic() - began
    clock.use(None)


def main(words: list[str]) -> None:
    """Measure, print the table as it grows, leave the figures as JSON."""
    given = _parser().parse_args(words)
    told: dict[str, Any] = {"machine": machine()}
    for kind in given.databases:
        told[kind] = {}
        with databases.kept(kind, given.kept / kind) as made:
            for readers in given.readers:
                title = f"{readers:,} readers, {kind}"
                told[kind][readers] = list(printed(title, measure(kind, made, readers, given.tries)))
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(told, indent=2))


def printed(title: str, rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """Print the rows of a table as they come, and give them back for a file."""
    print(f"{title:<84}{'first':>9}{'slowest':>9}{'median':>9}{'bar':>6}  met")
    for row in rows:
        bar, is_met = (f"{row.bar:g} s", "yes" if row.is_met else "NO") if row.bar else ("", "")
        first = f"{row.first:.2f} s" if row.first is not None else ""
        took = f"{first:>9}{row.slowest:>7.2f} s{row.median:>7.2f} s"
        print(f"  {row.case:<82}{took}{bar:>6}  {is_met}", flush=True)
        yield asdict(row)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench staff", description=__doc__)
    parser.add_argument("--databases", nargs="+", choices=databases.KINDS, default=databases.KINDS)
    parser.add_argument("--readers", nargs="+", type=int, default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--tries", type=int, default=5, help="of each page, after the first")
    parser.add_argument("--kept", type=Path, default=Path("build/bench"), help="folder of what is built once")
    parser.add_argument("--out", type=Path, default=Path("build/bench/staff.json"))
    return parser
