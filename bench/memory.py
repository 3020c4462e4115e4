"""What a worker's rendered pages need in memory, after more articles were read than it may keep."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import requests

from bench.newspaper import Size
from bench.serving import Server

AT_ONCE = 4
BYTES = re.compile(r"^paywall_page_store_bytes(?:\{[^}]*\})? (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Memory:
    """The worker's memory before and after so many articles, and what its store says of itself, in MiB."""

    articles: int
    before: int
    after: int
    store: float
    limit: int


def measure(server: Server, size: Size, articles: int, limit: int) -> Memory:
    """Read so many different articles once, as visitors do; `limit` is what the settings allow, in MiB."""
    requests.get(server.url + size.paths(1)[0], timeout=30)
    before = server.memory_mib()
    paths = size.paths(articles)
    with ThreadPoolExecutor(AT_ONCE) as readers:
        read = sum(readers.map(lambda part: _read(server, part), _parts(paths)))
    metrics = requests.get(f"{server.url}/metrics", timeout=30).text
    found = BYTES.search(metrics)
    assert found, "the store says how large it is"
    return Memory(read, before, server.memory_mib(), round(float(found[1]) / 2**20, 1), limit)


def _parts(paths: list[str]) -> Iterator[list[str]]:
    for first in range(AT_ONCE):
        yield paths[first::AT_ONCE]


def _read(server: Server, paths: list[str]) -> int:
    """Read them one by one; how many were articles."""
    with requests.Session() as line:
        return sum(line.get(server.url + path, timeout=30).status_code == 200 for path in paths)
