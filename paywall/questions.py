"""What each request asks of the database: one SELECT, without the care that surrounds it elsewhere."""

import time
from collections import deque, namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import Connection, Dialect, Engine, Select, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, scoped_session
from sqlalchemy.types import TypeEngine

# A connection that lay idle for so many seconds goes back to the pool, which looks whether it is good still.
STILL_GOOD = 1.0

T = TypeVar("T")
Given = Mapping[str, object]
Turn = Callable[[Any], Any]
Reading = Connection | Session | scoped_session[Any]


class Question:
    """A SELECT that is put into the words of a database once: that takes longer than the answer."""

    def __init__(self, query: Select[*tuple[Any, ...]]) -> None:
        self._query = query
        self._words: dict[str, _Words] = {}

    def ask(self, reading: Reading, given: Given) -> Sequence[Any]:
        """The rows, whose fields have the names of the query's columns. A session asks in its own way."""
        if not isinstance(reading, Connection):
            return reading.execute(self._query, given).all()
        words = self._words.get(reading.dialect.name)
        if words is None:
            words = self._words[reading.dialect.name] = _Words.of(self._query, reading.dialect)
        return words.rows(reading, given)


class Lines:
    """Connections that are kept from one question to the next: to take one, begin and end takes longer.

    A SELECT outside of a transaction sees what was committed before it, and holds up nobody.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # SQLite lets go of Python's lock at every step, and threads would fight for it: in turn is quicker.
        self._turn = Lock() if engine.dialect.name == "sqlite" else nullcontext()
        self._idle: deque[tuple[Connection, float]] = deque()
        event.listen(engine, "engine_disposed", self._hang_up)

    def ask(self, look: Callable[[Connection], T]) -> T:
        """What `look` finds on a connection; once more on another if it was cut, as by a restart."""
        try:
            with self._connected() as connection:
                return look(connection)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        with self._connected() as connection:
            return look(connection)

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        with self._turn:
            connection = self._kept() or self._opened()
            try:
                yield connection
            except BaseException:
                # If the database was restarted, none of the others is good.
                connection.close()
                self._hang_up()
                raise
            if connection.invalidated:
                connection.close()
            else:
                self._idle.append((connection, time.monotonic()))

    def _kept(self) -> Connection | None:
        """The one used last; those that lay idle go back to the pool."""
        with suppress(IndexError):
            while time.monotonic() - self._idle[0][1] > STILL_GOOD:
                self._idle.popleft()[0].close()
            return self._idle.pop()[0]
        return None

    def _opened(self) -> Connection:
        is_sqlite = self._engine.dialect.name == "sqlite"
        alone = {"sqlite_begin": None} if is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        return self._engine.connect().execution_options(**alone)

    def _hang_up(self, *_engine: Engine) -> None:
        with suppress(IndexError):
            while True:
                connection, _used = self._idle.pop()
                connection.invalidate()
                connection.close()


@dataclass(frozen=True, slots=True)
class _Words:
    """`puts` and `reads` turn values into what the driver takes, and back: by name, and by place."""

    sql: str
    always: Mapping[str, Any]
    order: tuple[str, ...] | None
    puts: tuple[tuple[str, Turn], ...]
    reads: tuple[tuple[int, Turn], ...]
    row: Callable[[Iterable[Any]], Any]

    @classmethod
    def of(cls, query: Select[*tuple[Any, ...]], dialect: Dialect) -> "_Words":
        compiled: Any = query.compile(dialect=dialect)
        columns = query.selected_columns
        row: Any = namedtuple("Row", columns.keys())  # type: ignore[misc]  # the query knows the names
        puts = ((name, _put(bind.type, dialect)) for name, bind in compiled.binds.items())
        reads = ((place, _read(column.type, dialect)) for place, column in enumerate(columns))
        return cls(
            str(compiled),
            compiled.params,
            tuple(compiled.positiontup) if compiled.positional else None,
            tuple((name, put) for name, put in puts if put),
            tuple((place, read) for place, read in reads if read),
            row._make,
        )

    def rows(self, connection: Connection, given: Given) -> list[Any]:
        values = {**self.always, **given}
        for name, put in self.puts:
            values[name] = put(values[name])
        asked = tuple(values[name] for name in self.order) if self.order else values
        return [self._turned(row) for row in self._answer(connection, asked)]

    def _answer(self, connection: Connection, asked: Any) -> Any:
        """By the driver alone; but who listens to statements hears this one, and an error is SQLAlchemy's."""
        if connection.dispatch.before_cursor_execute:
            return connection.exec_driver_sql(self.sql, asked)
        driver = connection.dialect.loaded_dbapi
        try:
            with closing(connection.connection.cursor()) as cursor:
                cursor.execute(self.sql, asked)
                return cursor.fetchall()
        except driver.Error as error:
            raise self._failed(connection, error) from error

    def _failed(self, connection: Connection, error: Any) -> Exception:
        dialect, line = connection.dialect, connection.connection.dbapi_connection
        is_cut = line is None or dialect.is_disconnect(error, line, None)
        if is_cut:
            connection.invalidate(error)
        # What was asked with stays out of it, as the engine's `hide_parameters` has it.
        told: DBAPIError = DBAPIError.instance(
            self.sql,
            None,
            error,
            dialect.loaded_dbapi.Error,
            connection_invalidated=is_cut,
            dialect=dialect,
        )
        return told

    def _turned(self, row: Sequence[Any]) -> Any:
        found = list(row)
        for place, read in self.reads:
            found[place] = read(found[place])
        return self.row(found)


def _put(kind: TypeEngine[Any], dialect: Dialect) -> Turn | None:
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _read(kind: TypeEngine[Any], dialect: Dialect) -> Turn | None:
    return kind.dialect_impl(dialect).result_processor(dialect, None)
