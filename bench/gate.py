"""How quick the gate is, beside a Flask view that returns the same bytes; how soon a change is in force.

One worker of the real server and sixteen connections of wrk that stay open. Whatever is a ratio is taken in
short rounds in which both sides take turns, and is the median of the rounds, told with the lowest and the
highest: so a busy machine makes a figure wider, not wrong.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import databases, force, memory, newspaper, speed, stalled
from bench.databases import Databases
from bench.newspaper import Size
from bench.serving import Server, machine
from bench.speed import Length, Ratio
from bench.wrk import Crowd

SMALL = Size(100, 100)
METER = {"meter_visitor_reads": "5"}
STORE_MB = 64


@dataclass(frozen=True)
class Row:
    """A line of the table: what was measured, what was wanted, and whether it was met."""

    case: str
    measured: str
    bar: str
    is_met: bool
    told: dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """How much is measured, of a newspaper of the size `large`, on one kind of database."""

    kind: str
    length: Length
    large: Size
    tries: int
    walked: int


def visitors(plan: Plan, made: Databases) -> Iterator[Row]:
    """Who is not signed in: the database has no part in it."""
    url = newspaper.at(made, SMALL)
    article, all_in_turn = Crowd(SMALL.paths(1)), Crowd(SMALL.paths())
    with speed.product(url) as ours:
        yield _beside_flask("visitor, gated article", ours, article, "patrons_only", plan.length, 2.5)
    with speed.product(url, **METER) as ours:
        case = "visitor, 100 articles in turn"
        yield _beside_flask(f"{case}, each a first read", ours, all_in_turn, "metered", plan.length, 1.5)
        one = speed.journey(ours, SMALL.paths())
        yield _beside_flask(f"{case}, the first 5 free, the count kept", ours, one, "", plan.length, 1.5)


def patrons(plan: Plan, made: Databases) -> Iterator[Row]:
    """Who is signed in: their access is read anew for each request."""
    bar = {"sqlite": 0.6, "postgresql": 0.3}[plan.kind]
    with speed.product(newspaper.at(made, SMALL)) as ours:
        crowd = Crowd(SMALL.paths(1), SMALL.cookies())
        yield _beside_flask("patron, full article", ours, crowd, "patron", plan.length, bar)


def scale(plan: Plan, made: Databases) -> Iterator[Row]:
    """A large newspaper beside a small one: a hundred articles of each, for a hundred of its patrons."""
    small, large = newspaper.at(made, SMALL), newspaper.at(made, plan.large)
    with speed.product(large) as ours, speed.product(small) as other:
        for who, is_patron in (("visitor", False), ("patron", True)):
            here, there = (
                Crowd(size.paths(), size.cookies() if is_patron else ("",)) for size in (plan.large, SMALL)
            )
            found = speed.of((ours, here), (other, there), plan.length)
            yield _ratio(f"{who}, {plan.large}", found, 0.85)


def changes(plan: Plan, made: Databases) -> Iterator[Row]:
    """What staff and patrons change, seen by several workers."""
    url = newspaper.at(made, SMALL, "changed")
    told = force.changes(url, plan.tries)
    is_met = told.longest < 1 and told.workers == force.WORKERS
    yield Row(
        f"publish, withdraw, change of gate: the longest of {told.tries}",
        f"{told.longest:.2f} s",
        "in 1 s",
        is_met,
        asdict(told),
    )
    ended = force.ends(url, plan.tries)
    is_met = not ended.wrong and ended.workers == force.WORKERS
    yield Row(
        f"access ended or revoked: wrong answers of {ended.answers}",
        str(ended.wrong),
        "0",
        is_met,
        asdict(ended),
    )


def silence(plan: Plan, _made: Databases) -> Iterator[Row]:
    """Stripe does not answer."""
    with TemporaryDirectory(prefix="paywall-bench-") as folder:
        told = stalled.measure(Path(folder), max(6, plan.length.seconds))
    is_met = told.articles.p99_ms < 50 and told.hung >= stalled.CALLS
    case = f"p99 of articles while {stalled.CALLS} calls of Stripe's hang"
    yield Row(case, f"{told.articles.p99_ms:.1f} ms", "< 50 ms", is_met, asdict(told))


def pages(plan: Plan, made: Databases) -> Iterator[Row]:
    """The store of rendered pages is bounded."""
    url = newspaper.at(made, plan.large)
    with speed.product(url, page_store_mb=str(STORE_MB)) as ours:
        told = memory.measure(ours, plan.large, plan.walked, STORE_MB)
    case = f"page store after {told.articles:,} articles; worker {told.before} > {told.after} MiB"
    yield Row(case, f"{told.store} MiB", f"<= {STORE_MB} MiB", told.store <= STORE_MB, asdict(told))


Part = Callable[[Plan, Databases], Iterator[Row]]
PARTS: dict[str, Part] = {
    "visitors": visitors,
    "patrons": patrons,
    "scale": scale,
    "changes": changes,
    "silence": silence,
    "pages": pages,
}
# In these no other database would change anything.
ON_SQLITE = frozenset({"visitors", "silence", "pages"})


def main(words: list[str]) -> None:
    """Measure, print the table as it grows, leave the figures as JSON; exit code 1 if an answer was wrong."""
    given = _parser().parse_args(words)
    rows = {kind: list(_all(kind, given)) for kind in given.databases}
    told = {kind: [asdict(row) for row in found] for kind, found in rows.items()}
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps({"machine": machine(), "gate": told}, indent=2))
    if any(row.told.get("wrong") for found in rows.values() for row in found):
        sys.exit("Somebody read on whose access had ended.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench gate", description=__doc__)
    parser.add_argument("--databases", nargs="+", choices=databases.KINDS, default=databases.KINDS)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=3, help="of each side in a round")
    parser.add_argument("--articles", type=int, default=200_000, help="of the large newspaper")
    parser.add_argument("--readers", type=int, default=1_000_000, help="of the large newspaper")
    parser.add_argument("--tries", type=int, default=40, help="of each change")
    parser.add_argument("--walked", type=int, default=20_000, help="articles read to fill the store of pages")
    parser.add_argument("--kept", type=Path, default=Path("build/bench"), help="folder of what is built once")
    parser.add_argument("--out", type=Path, default=Path("build/bench/gate.json"))
    return parser


def _all(kind: str, given: argparse.Namespace) -> Iterator[Row]:
    length, large = Length(given.rounds, given.seconds), Size(given.articles, given.readers)
    plan = Plan(kind, length, large, given.tries, given.walked)
    print(f"{kind:<80}{'measured':>24}{'bar':>12}  met")
    with databases.kept(kind, given.kept / kind) as made:
        for name in given.parts:
            if kind == "sqlite" or name not in ON_SQLITE:
                for row in PARTS[name](plan, made):
                    is_met = "yes" if row.is_met else "NO"
                    print(f"  {row.case:<78}{row.measured:>24}{row.bar:>12}  {is_met}", flush=True)
                    yield row


def _beside_flask(case: str, ours: Server, crowd: Crowd, says: str, length: Length, bar: float) -> Row:
    """A crowd at ours beside the same at a Flask view that returns the same bytes as a constant."""
    with speed.constants(ours, crowd, says) as other:
        return _ratio(case, speed.of((ours, crowd), (other, crowd), length), bar)


def _ratio(case: str, found: Ratio, bar: float) -> Row:
    measured = f"{found.ratio:.2f} ({found.lowest:.2f} to {found.highest:.2f})"
    return Row(case, measured, f">= {bar}", found.ratio >= bar, asdict(found))
