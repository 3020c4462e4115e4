"""How quickly one worker of the real server takes in Stripe's events, and whether one is ever lost.

Signed events of many customers come over connections that stay open, from a process of their own: as fast
as they are answered, then at 50 a second, then while the server is killed outright. The same goes to an
empty view in the same kind of server, as a yardstick. PostgreSQL keeps its own settings for durability. The
paywall's worker does not run: taking in must not need it.
"""

import argparse
import json
import statistics
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import create_engine, text

from bench import serving
from bench.databases import KINDS
from bench.example import updated_subscription
from bench.sender import Plan, Sender, Sent
from bench.serving import SECRET, Server
from tests import cluster

ROWS = {
    "a_second": "events a second, as many as it takes",
    "p50_ms": "  p50, ms",
    "p99_ms": "  p99, ms",
    "empty_a_second": "an empty view, requests a second",
    "of_empty": "  events a second, as a share of that",
    "steady_p50_ms": "at a steady rate, from the intended instant: p50, ms",
    "steady_p99_ms": "  p99, ms",
    "events": "events answered with 2xx, in all",
    "refused": "  sent again while the server lived",
    "redelivered": "  sent again because it was killed",
    "unanswered": "never answered",
    "lost": "answered and not stored",
    "stored_twice": "stored twice",
    "never_sent": "stored and never sent",
}
FAULTS = ("unanswered", "lost", "stored_twice", "never_sent")


@dataclass(frozen=True)
class Size:
    """`events` in each of the `rounds` and while killing; `seconds` at a steady `rate` a second."""

    events: int
    rounds: int
    connections: int
    rate: int
    seconds: int
    kills: int


@dataclass(frozen=True)
class Findings:
    """Where the table differs from what was answered with 2xx."""

    lost: int
    stored_twice: int
    never_sent: int


def measure(size: Size, template: str, database_url: str, folder: Path) -> dict[str, Any]:
    """Take all figures, on an empty database and with its server to ourselves."""
    serving.build(folder, database_url)
    with (
        Server("bench.yardstick:app", folder / "empty") as empty,
        Server("wsgi:app", folder, database_url) as ours,
    ):
        post = _Post(size, template)
        post(empty, size.events // 10)
        sent = [post(ours, size.events // 10)]
        pairs = [(post(ours, size.events), post(empty, size.events)) for _ in range(size.rounds)]
        steady = post(ours, size.rate * size.seconds, rate=size.rate)
        killed = post(ours, size.events, kills=size.kills)
    sent += [steady, killed, *(one for one, _ in pairs)]
    answered = {event for one in sent for event in one.waits}
    findings = compare(answered, stored(database_url or f"sqlite:///{folder}/paywall.sqlite3"))
    return {
        **_speed(pairs),
        **{f"steady_{name}": value for name, value in _waits(steady).items()},
        "refused": sum(len(one.redelivered) for one in sent if one is not killed),
        "redelivered": len(killed.redelivered),
        "unanswered": sum(one.planned for one in sent) - len(answered),
        "events": len(answered),
        **asdict(findings),
    }


def compare(answered: Iterable[str], stored: Counter[str]) -> Findings:
    """Each event that was answered must be stored once, and nothing else."""
    sent = set(answered)
    return Findings(
        lost=len(sent - stored.keys()),
        stored_twice=sum(times > 1 for times in stored.values()),
        never_sent=len(stored.keys() - sent),
    )


def stored(database_url: str) -> Counter[str]:
    """How often each event is in the table."""
    engine = create_engine(database_url)
    with engine.connect() as connection:
        found = Counter(connection.scalars(text("SELECT event_id FROM stripe_event")))
    engine.dispose()
    return found


class _Post:
    """Sends the next so many events to a server, which is killed and started anew on the way if asked."""

    def __init__(self, size: Size, template: str) -> None:
        self._size = size
        self._template = template
        self._next = 1

    def __call__(self, server: Server, events: int, *, rate: float | None = None, kills: int = 0) -> Sent:
        sender = Sender(
            Plan(server.port, SECRET, self._template, self._next, events, self._size.connections, rate)
        )
        self._next += events
        for number in range(1, kills + 1):
            sender.wait_for(events * number // (kills + 1))
            server.kill()
            server.start()
        return sender.finish()


def _speed(pairs: list[tuple[Sent, Sent]]) -> dict[str, Any]:
    waits = [_waits(ours) for ours, _ in pairs]
    rounds = [round(_rate(ours)) for ours, _ in pairs]
    return {
        "a_second": statistics.median(rounds),
        "rounds": rounds,
        **{name: statistics.median(one[name] for one in waits) for name in waits[0]},
        "empty_a_second": statistics.median(round(_rate(empty)) for _, empty in pairs),
        "of_empty": round(statistics.median(_rate(ours) / _rate(empty) for ours, empty in pairs), 2),
    }


def _rate(sent: Sent) -> float:
    return len(sent.waits) / sent.seconds


def _waits(sent: Sent) -> dict[str, float]:
    cuts = statistics.quantiles(sent.waits.values(), n=100, method="inclusive")
    return {"p50_ms": round(cuts[49] * 1000, 1), "p99_ms": round(cuts[98] * 1000, 1)}


def main(words: list[str]) -> None:
    """Measure each database, print a table, leave the figures as JSON; exit code 1 if an event was lost."""
    given = _parser().parse_args(words)
    size = Size(**{name: getattr(given, name) for name in Size.__dataclass_fields__})
    figures = {"machine": serving.machine(), "size": asdict(size), "intake": _all(size, given.databases)}
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(figures, indent=2))
    print(_table(figures["intake"]))
    wrong = [name for name, told in figures["intake"].items() if not _is_whole(told)]
    if wrong:
        sys.exit(f"Events were lost, stored twice or never answered: {', '.join(wrong)}.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench intake", description=__doc__)
    parser.add_argument("--databases", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--events", type=int, default=3000, help="of each round, and while killing")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--rate", type=int, default=50, help="events a second of the steady part")
    parser.add_argument("--seconds", type=int, default=30, help="of the steady part")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("build/bench/intake.json"))
    return parser


def _all(size: Size, databases: Iterable[str]) -> dict[str, dict[str, Any]]:
    figures = {}
    with TemporaryDirectory(prefix="paywall-bench-") as place:
        template = updated_subscription(Path(place) / "example")
        for name in databases:
            with _database(name) as url:
                figures[name] = measure(size, template, url, Path(place) / name)
    return figures


@contextmanager
def _database(name: str) -> Iterator[str]:
    if name == "sqlite":
        yield ""
        return
    cluster.prepare(cluster.DURABLE)
    try:
        yield cluster.url(cluster.SUPERUSER)
    finally:
        cluster.remove()


def _table(figures: dict[str, dict[str, Any]]) -> str:
    lines = [("", *figures)]
    lines += [(words, *(str(told[name]) for told in figures.values())) for name, words in ROWS.items()]
    return "\n".join(f"{words:<54}" + "".join(f"{one:>12}" for one in rest) for words, *rest in lines)


def _is_whole(told: dict[str, Any]) -> bool:
    return not any(told[fault] for fault in FAULTS)
