"""How many requests a second a page is answered, as a ratio to something in the same kind of server.

The two take turns in short rounds, so that what else the machine does meets both; the ratio is the median
of the rounds.
"""

import json
import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

import requests

from bench import wrk, yardstick
from bench.serving import Server
from bench.wrk import Crowd

# So many seconds at most come before the first round: pages are rendered, threads started.
WARM_UP = 2
# Said anew for each answer, or made by the server itself.
NOT_CONSTANT = frozenset({"content-length", "date", "server"})


Side = tuple[Server, Crowd]


@dataclass(frozen=True)
class Length:
    """Of a measurement: so many rounds of so many seconds for each side."""

    rounds: int
    seconds: int


@dataclass(frozen=True)
class Ratio:
    """The median of the rounds' ratios, the lowest and the highest, and the medians of both sides."""

    ratio: float
    lowest: float
    highest: float
    a_second: int
    other_a_second: int


def of(ours: Side, other: Side, length: Length) -> Ratio:
    """Let a crowd come to the one and to the other in turn."""
    for server, crowd in (ours, other):
        wrk.come(server.port, crowd, min(WARM_UP, length.seconds))
    pairs = [
        tuple(wrk.come(server.port, crowd, length.seconds).a_second for server, crowd in (other, ours))
        for _ in range(length.rounds)
    ]
    ratios = [mine / theirs for theirs, mine in pairs]
    return Ratio(
        round(statistics.median(ratios), 2),
        round(min(ratios), 2),
        round(max(ratios), 2),
        round(statistics.median(mine for _, mine in pairs)),
        round(statistics.median(theirs for theirs, _ in pairs)),
    )


@contextmanager
def product(database_url: str, **settings: str) -> Iterator[Server]:
    """The product on a database, with its other files in a folder that is gone afterwards."""
    with TemporaryDirectory(prefix="paywall-bench-") as folder:
        given = {f"PAYWALL_{name.upper()}": value for name, value in settings.items()}
        with Server("wsgi:app", Path(folder), database_url, given) as running:
            yield running


@contextmanager
def constants(ours: Server, crowd: Crowd, says: str) -> Iterator[Server]:
    """A Flask view that returns what ours returns to that crowd; `says` is what must stand in X-Paywall."""
    with TemporaryDirectory(prefix="paywall-bench-") as folder:
        pages = Path(folder) / "pages.json"
        pages.write_text(json.dumps(_fetched(ours, crowd, says)))
        with Server("bench.yardstick:app", Path(folder), given={yardstick.PAGES: str(pages)}) as running:
            yield running


def journey(server: Server, paths: Sequence[str]) -> Crowd:
    """Those who read these pages in this order, each with the cookies of all that were read before."""
    browser = requests.Session()
    cookies = []
    for path in paths:
        cookies.append("; ".join(f"{name}={value}" for name, value in browser.cookies.items()))
        browser.get(server.url + path)
    return Crowd(paths, cookies)


def _fetched(ours: Server, crowd: Crowd, says: str) -> yardstick.Pages:
    """Each page once, as the first of the crowd who comes for it sees it."""
    return {
        path: _page(ours.url + path, cookie, says)
        for path, cookie in zip(crowd.paths, cycle(crowd.cookies), strict=False)
    }


def _page(url: str, cookie: str, says: str) -> yardstick.Page:
    answer = requests.get(url, headers={"Cookie": cookie} if cookie else {}, timeout=30)
    said = answer.headers.get("X-Paywall", "")
    if not said.endswith(says):
        raise wrk.Failed(f"{url}: {answer.status_code} {said!r} in place of {says!r}")
    headers = [(name, value) for name, value in answer.headers.items() if name.lower() not in NOT_CONSTANT]
    return headers, answer.text
