"""What is counted, and how Prometheus reads it from several web processes at once."""

import os
from bisect import bisect_left
from collections import Counter as Numbers
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
    values,
)
from prometheus_client.core import GaugeMetricFamily

from paywall import behind
from paywall.behind import Behind

# Each web process counts for itself. With this variable set before the start (see docs/deploy.md) they count
# into files of that folder, and any of them can answer for all; without it one process is assumed.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
# In a request's environ: which view answered, by its name in `requests`.
ENDPOINT = "paywall.endpoint"
QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

_registry = CollectorRegistry()
_gauges: dict[str, tuple[str, Callable[[], float]]] = {}

_requests = Counter(
    "paywall_requests", "Requests answered.", ["endpoint", "method", "status"], registry=_registry
)
_latency = Histogram(
    "paywall_request_seconds", "Time to answer.", ["endpoint"], buckets=QUICK, registry=_registry
)
_decisions = Counter(
    "paywall_decisions",
    "Decisions of the door, by what is shown and why.",
    ["show", "reason"],
    registry=_registry,
)


def answered(requests: Sequence[tuple[str, str, str, float]]) -> None:
    """Count requests, each an endpoint, a method, a status and the seconds that it took.

    None of these is a word that a stranger made up: each new one is a counter that stays.
    """
    for (endpoint, method, status), times in Numbers(one[:3] for one in requests).items():
        _requests.labels(endpoint, method, status).inc(times)
    took: dict[str, list[float]] = {}
    for endpoint, _, _, seconds in requests:
        took.setdefault(endpoint, []).append(seconds)
    for endpoint, all_seconds in took.items():
        _observe(_of_latency(endpoint), all_seconds)


def decided(show: str, reason: str) -> None:
    """Count a decision of the door, soon."""
    _decided.add((show, reason))


def stored_pages(size: int) -> None:
    """Tell, soon, how many bytes of rendered pages this process holds now."""
    _sizes.add(size)


def gauge(name: str, meaning: str, read: Callable[[], float]) -> None:
    """Show what `read` returns, asked at each reading inside an application context."""
    _gauges[name] = (meaning, read)


def count_in_files(folder: Path) -> None:
    """Count into files of the empty `folder`, as if FOLDER had named it: for processes forked after this."""
    os.environ[FOLDER] = str(folder)
    # prometheus_client reads the variable once, when it is imported.
    values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]  # untyped there


def text() -> bytes:
    """Everything, in Prometheus's text format; needs an application context."""
    behind.catch_up()
    return generate_latest(_of_all_processes()) + generate_latest(_asked())


@cache
def _page_store() -> Gauge:
    # Without labels it makes its file at once: not on import, for a command may have no right to.
    return Gauge(
        "paywall_page_store_bytes",
        "Rendered pages in memory; of several web processes the most that one held when it told it last.",
        registry=_registry,
        multiprocess_mode="max",
    )


def _count(decisions: list[tuple[str, str]]) -> None:
    for (show, reason), times in Numbers(decisions).items():
        _decisions.labels(show, reason).inc(times)


def _tell_size(sizes: list[int]) -> None:
    _page_store().set(sizes[-1])


def _observe(latency: Histogram, all_seconds: Sequence[float]) -> None:
    """As its `observe` for each, which counts into a file for each: too long for what a visitor may take."""
    bounds: list[float] = latency._upper_bounds  # it has no way of its own for many at once
    for place, times in Numbers(bisect_left(bounds, seconds) for seconds in all_seconds).items():
        latency._buckets[place].inc(times)
    latency._sum.inc(sum(all_seconds))


_decided, _sizes = Behind(_count), Behind(_tell_size)
# There are few endpoints, looked up for each request.
_of_latency = cache(_latency.labels)


def _of_all_processes() -> CollectorRegistry:
    folder = os.environ.get(FOLDER)
    if not folder or not Path(folder).is_dir():
        return _registry
    all_processes = CollectorRegistry()
    multiprocess.MultiProcessCollector(all_processes, folder)  # type: ignore[no-untyped-call]  # untyped there
    return all_processes


class _Asked:
    def collect(self) -> list[GaugeMetricFamily]:
        return [GaugeMetricFamily(name, meaning, value=read()) for name, (meaning, read) in _gauges.items()]


def _asked() -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(_Asked())
    return registry
