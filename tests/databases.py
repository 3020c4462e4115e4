"""A database for each test, built by the migrations once and then copied: real commits, nothing shared."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from tests import cluster

Migrate = Callable[[str], None]


class SQLiteCopies:
    """One migrated file, copied for each test."""

    def __init__(self, folder: Path, migrate: Migrate) -> None:
        self._template = folder / "template.sqlite3"
        migrate(f"sqlite:///{self._template}")

    @contextmanager
    def fresh(self, folder: Path) -> Iterator[str]:
        """The address of a database that nobody has used yet."""
        copy = folder / "paywall.sqlite3"
        shutil.copyfile(self._template, copy)
        yield f"sqlite:///{copy}"


class PostgreSQLCopies:
    """One migrated database of the cluster, copied for each test; `worker` keeps parallel runs apart."""

    def __init__(self, worker: str, migrate: Migrate) -> None:
        self._worker = worker
        self._count = 0
        self._template = f"template_{worker}"
        self._admin = psycopg.connect(_plain(cluster.url("postgres")), autocommit=True)
        self._do("CREATE DATABASE {}", self._template)
        migrate(cluster.url(self._template))

    @contextmanager
    def fresh(self, _folder: Path) -> Iterator[str]:
        """The address of a database that nobody has used yet."""
        self._count += 1
        name = f"test_{self._worker}_{self._count}"
        self._do("CREATE DATABASE {} TEMPLATE {}", name, self._template)
        try:
            yield cluster.url(name)
        finally:
            self._do("DROP DATABASE {} WITH (FORCE)", name)

    @contextmanager
    def empty(self) -> Iterator[str]:
        """The address of a database without any table."""
        name = f"empty_{self._worker}"
        self._do("CREATE DATABASE {}", name)
        try:
            yield cluster.url(name)
        finally:
            self._do("DROP DATABASE {} WITH (FORCE)", name)

    def close(self) -> None:
        """Let go of the cluster."""
        self._admin.close()

    def _do(self, command: str, *names: str) -> None:
        self._admin.execute(sql.SQL(command).format(*map(sql.Identifier, names)))


def _plain(url: str) -> str:
    return url.replace("+psycopg", "", 1)
