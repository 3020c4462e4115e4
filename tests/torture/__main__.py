"""`make torture`: many schedules on one kind of database, a table, and how to play a failure again."""

import argparse
import gc
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests import cluster, loopback
from tests.conftest import make_settings, migrate
from tests.databases import PostgreSQLCopies, SQLiteCopies
from tests.torture.hunt import hunt, made_small
from tests.torture.mutations import MUTATIONS
from tests.torture.play import Divergence, play
from tests.torture.schedule import read, write
from tests.torture.tally import Tally
from tests.torture.world import World


def main() -> int:
    """0 if nothing diverged, else 1."""
    given = _arguments()
    for name in [name for name in os.environ if name.startswith("PAYWALL_")]:
        del os.environ[name]
    loopback.guard()
    tally = Tally()
    with _world(given, tally) as world, pytest.MonkeyPatch.context() as patch:
        if given.mutant:
            MUTATIONS[given.mutant].plant(patch)
        found = _replay(world, tally, given.replay) if given.replay else _hunt(world, tally, given)
        print(_counted(given, tally))
        print(f"  {'divergences':<44}{0 if found is None else 1}", flush=True)
        if found is not None:
            print(
                f"\n{found}\n\nAgain: make torture DATABASE={given.database} REPLAY='{write(found.schedule)}'"
            )
    return 0 if found is None else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make torture")
    parser.add_argument("--schedules", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--replay", help="play this schedule only")
    parser.add_argument("--mutant", choices=sorted(MUTATIONS), help="plant this fault, which must be found")
    return parser.parse_args()


def _hunt(world: World, tally: Tally, given: argparse.Namespace) -> Divergence | None:
    def progress(played: int) -> None:
        if played % 100 == 0:
            print(f"{given.database}: {played} schedules, {tally.seconds_each:.2f} s each", flush=True)

    found = hunt(world, tally, count=given.schedules, seed=given.seed, progress=progress)
    if found is not None:
        print(f"\nFound: {found}\nMaking it small ...", flush=True)
    return found and made_small(world, found)


def _replay(world: World, tally: Tally, text: str) -> Divergence | None:
    try:
        play(world, read(text), tally)
    except Divergence as found:
        return found
    return None


@contextmanager
def _world(given: argparse.Namespace, tally: Tally) -> Iterator[World]:
    """A world of its own, in memory where the machine has a folder for that."""
    shm = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="paywall-torture-", dir=shm if os.access(shm, os.W_OK) else None))
    cluster.prepare()
    # An exception could be raised, and lost, at any place; and Make's background processes ignore Ctrl-C.
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, partial(_stop, os.getpid(), folder, given, tally))
    try:
        copies = (
            SQLiteCopies
            if given.database == "sqlite"
            else lambda folder, make: PostgreSQLCopies("torture", make)
        )
        with copies(folder, lambda url: migrate(url, folder)).fresh(folder) as url:
            world = World(make_settings(data_dir=folder / "data", database_url=url, pauses=True))
            # The product is there to stay: looking through it again and again for garbage costs a tenth.
            gc.freeze()
            gc.set_threshold(50_000, 20, 20)
            try:
                yield world
            finally:
                world.close()
    finally:
        _clear_away(folder)


def _counted(given: argparse.Namespace, tally: Tally) -> str:
    return f"\n{given.database}, seed {given.seed}\n{tally.table()}"


def _stop(main_process: int, folder: Path, given: argparse.Namespace, tally: Tally, *_: object) -> None:
    if os.getpid() == main_process:
        # No print: the line in which we were stopped may be one.
        os.write(sys.stdout.fileno(), f"{_counted(given, tally)}\n  stopped before the end\n".encode())
        _clear_away(folder)
    os._exit(1)


def _clear_away(folder: Path) -> None:
    cluster.remove()
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
