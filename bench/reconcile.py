"""How long the reconcile takes over an account of a million subscriptions, what it asks, and what it needs.

The account is the stand-in's: one patron's life, copied. Our tables get the same by the database itself, with
a known number of faults planted; each must be named, and mended where it can be. The figures are of our side
and the stand-in together, in one process; Stripe itself would answer more slowly.
"""

import argparse
import json
import resource
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any, Self

import flask_migrate
from flask import Flask, current_app
from sqlalchemy import select, text

from bench.serving import resident_mib
from paywall import clock, config, create_app
from paywall.billing.models import StripeCustomer
from paywall.billing.reconcile.drift import Kind, Outcome
from paywall.billing.reconcile.walk import begin
from paywall.db import Model, db
from paywall.demo.seed import seed
from paywall.membership.models import Subscription
from paywall.membership.rules import Source

SAMPLES = 10
# Of each kind, one row in so many; every copy's number that leaves this remainder is its victim.
ONE_IN = 20_000
FAULTS: dict[Kind, tuple[int, str]] = {
    Kind.STATUS: (1, "UPDATE subscription SET status = 'past_due' WHERE {victim}"),
    Kind.PRICE: (2, "UPDATE subscription SET amount = amount + 1 WHERE {victim}"),
    Kind.PERIOD: (3, "UPDATE subscription SET period_end = started_at WHERE {victim}"),
    Kind.MISSING_HERE: (4, "DELETE FROM subscription WHERE {victim}"),
}


def measure(count: int, database_url: str, folder: Path) -> dict[str, Any]:
    """Build the account, plant the faults, walk through it, and tell what was seen."""
    app = newsroom(folder, database_url)
    try:
        with app.app_context():
            began = time.monotonic()
            flask_migrate.upgrade()
            seed()
            _copy(count)
            planted = _plant(count)
            built = time.monotonic() - began
            walked = _walk(count)
    finally:
        clock.use(None)
    assert walked["drifts"] == planted, f"planted {planted}, named {walked['drifts']}"
    return {"subscriptions": count, "database": db_name(database_url), "built_s": round(built), **walked}


def db_name(url: str) -> str:
    """Which database that is, without its address."""
    return url.partition(":")[0].partition("+")[0] or "sqlite"


def newsroom(folder: Path, database_url: str) -> Flask:
    """The product with its stand-in for Stripe, which delivers nothing."""
    settings = config.load(
        _env_file=None,
        secret_key="a key for figures only, long enough",
        sandbox=True,
        queue_url="memory:",
        data_dir=folder,
        database_url=database_url,
        stripe_reads_per_second=100,
        log_level="ERROR",
    )
    app = create_app(settings)
    app.extensions["sandbox"].on_event = None
    return app


def copies(table: str, row_id: int, count: int, changed: dict[str, str]) -> None:
    """Copy a row so many times, the copies numbered `i` from 1; `changed` holds SQL. Commits."""
    names = [column.name for column in Model.metadata.tables[table].columns if column.computed is None]
    values = ", ".join(changed.get(name, f"t.{name}") for name in names)
    db.session.execute(
        text(
            f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "
            f"INSERT INTO {table} ({', '.join(names)}) "
            f"SELECT {values} FROM n, {table} t WHERE t.id = {row_id}"
        )
    )
    db.session.commit()


def _copy(count: int) -> None:
    held = db.session.scalars(select(Subscription).where(Subscription.source == Source.STRIPE)).one()
    customer = db.session.scalars(select(StripeCustomer)).one()
    rows = {"reader": held.reader_id, "stripe_customer": customer.id, "subscription": held.id}
    first = db.session.scalar(text("SELECT max(id) FROM reader")) + 1
    external_id = held.external_id
    db.session.commit()
    named = {
        "email": "'copy' || i || '@example.org'",
        "fs_uniquifier": "'copy' || i",
        "id": f"{first - 1} + i",
    }
    copies("reader", rows["reader"], count, named)
    of = {"reader_id": f"{first - 1} + i", "id": f"{first - 1} + i"}
    copies(
        "stripe_customer",
        rows["stripe_customer"],
        count,
        of | {"stripe_id": "'cus_copy' || i"} | {"email": named["email"]},
    )
    copies("subscription", rows["subscription"], count, of | {"external_id": "'sub_copy' || i"})
    current_app.extensions["sandbox"].copy(external_id, count, first_reader=first)


def _plant(count: int) -> dict[str, int]:
    step = min(ONE_IN, count // 10)
    planted = Counter[str]()
    for kind, (remainder, statement) in FAULTS.items():
        victim = f"external_id LIKE 'sub_copy%' AND id % {step} = {remainder}"
        done: Any = db.session.execute(text(statement.format(victim=victim)))
        planted[kind] = done.rowcount
    db.session.commit()
    return dict(planted)


def _walk(count: int) -> dict[str, Any]:
    walk = begin()
    with Samples(lambda: walk.counts["subscriptions"] / count) as memory:
        began = time.monotonic()
        found = Counter(drift.kind.value for drift in walk.drifts())
        took = time.monotonic() - began
    return {
        "seconds": round(took, 1),
        "api_calls": walk.pace.calls,
        "drifts": dict(found),
        "outcomes": {name.value: walk.counts[name] for name in Outcome},
        "memory_mib": memory.seen,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


class Samples:
    """The memory of this process (MiB) at each tenth of the way, looked at from a thread beside."""

    def __init__(self, progress: Callable[[], float]) -> None:
        self.seen: list[int] = []
        self._progress = progress
        self._is_over = Event()
        self._thread = Thread(target=self._look)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._is_over.wait(0.2):
            if self._progress() >= (len(self.seen) + 1) / SAMPLES:
                self.seen.append(resident_mib())
                print(f"  {len(self.seen) * 100 // SAMPLES} % walked, {self.seen[-1]} MiB", flush=True)


def main(words: list[str]) -> None:
    """Measure, print a table and leave the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench reconcile", description=__doc__)
    parser.add_argument("--subscriptions", type=int, default=1_000_000)
    parser.add_argument("--database-url", default="", help="empty: SQLite in a temporary folder")
    parser.add_argument("--out", type=Path, default=Path("build/bench/reconcile.json"))
    given = parser.parse_args(words)
    with TemporaryDirectory(prefix="paywall-bench-") as folder:
        figures = measure(given.subscriptions, given.database_url, Path(folder))
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(figures, indent=2))
    print("\n".join(f"{name:>14}  {value}" for name, value in figures.items()))
