"""A database for each test, built by the migrations once and then copied: real commits, nothing shared."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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


# What a test may have changed for good: tables, columns, triggers, functions.
SHAPE = """
SELECT (SELECT string_agg(concat(oid, relname, relkind, relnatts), ',' ORDER BY oid)
        FROM pg_class WHERE relnamespace = 'public'::regnamespace),
       (SELECT string_agg(concat(oid, tgenabled), ',' ORDER BY oid) FROM pg_trigger),
       (SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace),
       (SELECT count(*) FROM pg_constraint)
"""
HAVE_ROWS = """
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0
"""
COUNTING = "SELECT concat(sequencename, ' ', last_value) FROM pg_sequences WHERE last_value IS NOT NULL"
# Of a connection that may delete what triggers guard.
MAY_DELETE = "-c session_replication_role=replica"


class PostgreSQLCopies:
    """One migrated database of the cluster, copied for the tests; `worker` keeps parallel runs apart.

    To copy a database takes several times as long as to empty one: a copy is used again as long as it can be
    made as it was.
    """

    def __init__(self, worker: str, migrate: Migrate) -> None:
        self._worker = worker
        self._count = 0
        self._free: list[str] = []
        self._template = f"template_{worker}"
        self._admin = psycopg.connect(_plain(cluster.url("postgres")), autocommit=True)
        self._do("CREATE DATABASE {}", self._template)
        migrate(cluster.url(self._template))
        with self._line(self._template) as line:
            self._shape = line.execute(SHAPE).fetchone()
            self._seeded = _names(line, HAVE_ROWS)
            self._rows = {table: _copied_out(line, table) for table in self._seeded}
            self._counting = _names(line, COUNTING)

    @contextmanager
    def fresh(self, _folder: Path) -> Iterator[str]:
        """The address of a database that is as if nobody had used it yet."""
        name = self._free.pop() if self._free else self._copied()
        try:
            yield cluster.url(name)
        finally:
            if self._emptied(name):
                self._free.append(name)
            else:
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

    def _copied(self) -> str:
        self._count += 1
        name = f"test_{self._worker}_{self._count}"
        self._do("CREATE DATABASE {} TEMPLATE {}", name, self._template)
        return name

    def _emptied(self, name: str) -> bool:
        """Delete all that was written; whether the copy is then as it was made: what else was done stays."""
        self._admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        with self._line(name) as line:
            if line.execute(SHAPE).fetchone() != self._shape:
                return False
            used = sorted(_names(line, HAVE_ROWS) - self._seeded)
            for table in used:
                line.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
            if used:
                line.execute(sql.SQL("VACUUM {}").format(sql.SQL(", ").join(map(sql.Identifier, used))))
            for counted in _names(line, COUNTING) - self._counting:
                sequence = sql.Identifier(counted.split()[0])
                line.execute(sql.SQL("ALTER SEQUENCE {} RESTART").format(sequence))
            for table, rows in self._rows.items():
                if _copied_out(line, table) != rows:
                    _copy_in(line, table, rows)
            return _names(line, COUNTING) == self._counting

    def _line(self, name: str) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(_plain(cluster.url(name)), autocommit=True, options=MAY_DELETE)

    def _do(self, command: str, *names: str) -> None:
        self._admin.execute(sql.SQL(command).format(*map(sql.Identifier, names)))


def _names(line: psycopg.Connection[tuple[Any, ...]], query: str) -> set[str]:
    return {name for (name,) in line.execute(query)}


def _copied_out(line: psycopg.Connection[tuple[Any, ...]], table: str) -> bytes:
    with line.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as rows:
        return b"".join(rows)


def _copy_in(line: psycopg.Connection[tuple[Any, ...]], table: str, rows: bytes) -> None:
    line.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
    with line.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))) as into:
        into.write(rows)


def _plain(url: str) -> str:
    return url.replace("+psycopg", "", 1)
