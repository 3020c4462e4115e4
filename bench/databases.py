"""Databases that take long to build and are kept between runs: SQLite files, or a cluster of PostgreSQL."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from psycopg import sql

from tests import cluster

KINDS = ("sqlite", "postgresql")
# Fills the empty database at an address; the folder is for what else is made on the way.
Build = Callable[[str, Path], None]
# The address of the database of that name, which is built if it is not there yet; in place of one whose name
# differs in the last word only, which is made by an older recipe.
Databases = Callable[[str, Build], str]


@contextmanager
def kept(kind: str, folder: Path) -> Iterator[Databases]:
    """The databases of a kind in a folder. One that was not built to its end is not kept."""
    if kind == "sqlite":
        yield _Files(folder.absolute())
        return
    with _cluster(folder.absolute()):
        yield _in_cluster


class _Files:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, name: str, build: Build) -> str:
        file = self._folder / f"{name}.sqlite3"
        if not file.exists():
            for older in self._folder.glob(f"{_without_recipe(name)}_*.sqlite3*"):
                older.unlink()
            with TemporaryDirectory(dir=self._folder) as work:
                made = Path(work) / "paywall.sqlite3"
                build(f"sqlite:///{made}", Path(work))
                made.rename(file)
        return f"sqlite:///{file}"


@contextmanager
def _cluster(folder: Path) -> Iterator[None]:
    is_kept = cluster.can_keep(folder)
    cluster.prepare(cluster.DURABLE, folder if is_kept else None)
    try:
        yield
    finally:
        if is_kept:
            cluster.stop()
        else:
            cluster.remove()


def _in_cluster(name: str, build: Build) -> str:
    if not _do("SELECT datname FROM pg_database WHERE datname = {}", sql.Literal(name)):
        for older in _older(name):
            _do("DROP DATABASE {}", sql.Identifier(older))
        unfinished = sql.Identifier(f"{name}_unfinished")
        _do("DROP DATABASE IF EXISTS {}", unfinished)
        _do("CREATE DATABASE {}", unfinished)
        with TemporaryDirectory(prefix="paywall-bench-") as work:
            build(cluster.url(f"{name}_unfinished"), Path(work))
        _do("ALTER DATABASE {} RENAME TO {}", unfinished, sql.Identifier(name))
    return cluster.url(name)


def _older(name: str) -> list[str]:
    pattern = re.escape(_without_recipe(name)) + "_[0-9a-f]+"
    return [known for known in _do("SELECT datname FROM pg_database") if re.fullmatch(pattern, known)]


def _without_recipe(name: str) -> str:
    return name.rpartition("_")[0]


def _do(command: str, *names: sql.Composable) -> list[str]:
    """Carry out a command beside all databases; the first column of what came of it."""
    url = cluster.url(cluster.SUPERUSER).replace("+psycopg", "", 1)
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        done = connection.execute(sql.SQL(command).format(*names))
        return [row[0] for row in done] if done.description else []
