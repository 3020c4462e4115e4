"""The database: one session, typed columns, and how SQLite is opened."""

import enum
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated, Any

from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, Dialect, Engine, Enum, Executable, Integer, MetaData, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, mapped_column, registry
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import TypeDecorator

from paywall import clock
from paywall.config import Settings

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


SEARCH_INDEX = "article_search"
# So many rows are in memory at once.
STREAMED = 1000
# By itself PostgreSQL does a large sum in files, and first compiles it.
ROOM = "SELECT set_config('work_mem', '64MB', true), set_config('jit', 'off', true)"
# What is read at random is mostly in memory; by itself it takes each such page for four in their order.
NEAR = "SELECT set_config('random_page_cost', '1.1', true)"
ALONE = "SELECT set_config('max_parallel_workers_per_gather', '0', true)"
# Whoever writes holds a table for the length of a sync, which waits for nobody.
PATIENCE = "SET LOCAL lock_timeout = '5s'"


class UTCDateTime(TypeDecorator[datetime]):
    """Aware UTC in Python; timestamptz on PostgreSQL, naive UTC text on SQLite. A naive value is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: give aware UTC")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def words(kind: type[enum.StrEnum]) -> Enum:
    """A column type for a StrEnum: stored as text, spelled as its values, with a CHECK."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        length=32,
        name=kind.__name__.lower(),
        values_callable=lambda members: [member.value for member in members],
    )


def insert(table: Any, dialect: str | None = None) -> "sqlite.Insert | postgresql.Insert":
    """An INSERT that can say what happens to a row that is there already; by default for the app's own."""
    name = dialect or db.engine.dialect.name
    return sqlite.insert(table) if name == "sqlite" else postgresql.insert(table)


Id = Annotated[int, mapped_column(Integer, primary_key=True)]


class Model(DeclarativeBase):
    """The base of every table."""

    registry = registry(
        metadata=MetaData(naming_convention=NAMING), type_annotation_map={datetime: UTCDateTime()}
    )


db = SQLAlchemy(model_class=Model, disable_autonaming=True)


def init_app(app: Flask, settings: Settings) -> None:
    """Open the database named by the settings, and the migrations that build it."""
    app.config["SQLALCHEMY_DATABASE_URI"] = settings.database_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = _engine_options(settings.database_url)
    db.init_app(app)
    Migrate(
        app,
        db,
        directory=str(settings.migrations),
        render_item=_render_item,
        include_name=has_model,
        include_object=_is_of_this_database,
        compare_type=True,
    )
    with app.app_context():
        prepare(db.engine)
        app.extensions["reading_engine"] = db.engine.execution_options(sqlite_begin="DEFERRED")


def read_only() -> None:
    """Begin a transaction that only reads, and sees one instant. On SQLite it holds up nobody who writes.

    None may be open.
    """
    if db.engine.dialect.name == "sqlite":
        db.session.connection(execution_options={"sqlite_begin": "DEFERRED"})
    else:
        db.session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


def read_much() -> None:
    """The same for whoever sums up a great many rows."""
    read_only()
    if db.engine.dialect.name == "postgresql":
        db.session.connection().exec_driver_sql(ROOM)


def look_up() -> None:
    """Until the transaction ends, let PostgreSQL look up in an index what it would read a whole table for."""
    if db.engine.dialect.name == "postgresql":
        db.session.connection().exec_driver_sql(NEAR)


def alone() -> None:
    """Until the transaction ends, let PostgreSQL sum up without workers: where they only make more work."""
    if db.engine.dialect.name == "postgresql":
        db.session.connection().exec_driver_sql(ALONE)


def hold_still(table: type[Model]) -> None:
    """Until the transaction ends nobody else writes a table; who reads it is not held up.

    No transaction may be open. On SQLite one that may write is alone as it is.
    """
    if db.engine.dialect.name == "postgresql":
        connection = db.session.connection()
        connection.exec_driver_sql(PATIENCE)
        connection.exec_driver_sql(f"LOCK TABLE {table.__tablename__} IN SHARE ROW EXCLUSIVE MODE")


def streamed(query: Executable, given: Mapping[str, Any] | None = None) -> Iterator[Any]:
    """The rows of a query as the database finds them; whoever stops early leaves nothing open."""
    with closing(db.session.execute(query.execution_options(yield_per=STREAMED), given)) as rows:
        yield from rows


def reading_engine(app: Flask) -> Engine:
    """An engine whose transactions only read; no context is needed to use it."""
    engine: Engine = app.extensions["reading_engine"]
    return engine


def writing_engine(app: Flask) -> Engine:
    """The app's engine; no context is needed to use it."""
    with app.app_context():
        return db.engine


def prepare(engine: Engine) -> None:
    """Teach a SQLite engine WAL, foreign keys and explicit BEGIN; leave others as they are."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _sqlite_pragmas)
        event.listen(engine, "begin", _sqlite_begin)


def has_model(name: str | None, kind: str, _parents: object = None) -> bool:
    """Whether a model must stand behind a table; articles/search has an index of each database's own kind."""
    return not (kind == "table" and name and name.startswith(SEARCH_INDEX))


def _is_of_this_database(item: SchemaItem, *_what: object) -> bool:
    return item.info.get("only") in (None, db.engine.dialect.name)


def _engine_options(url: str) -> dict[str, Any]:
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": 10}, "hide_parameters": True}
    return {"hide_parameters": True, "pool_pre_ping": True, "pool_size": 5, "max_overflow": 20}


def _sqlite_pragmas(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


def _sqlite_begin(connection: Any) -> None:
    # A deferred transaction that reads and then writes fails at once ("database is locked") when another
    # one wrote in between; taking the write lock at the start waits its turn instead. The door only reads.
    # Who asks one thing only needs none.
    mode = connection.get_execution_options().get("sqlite_begin", "IMMEDIATE")
    if mode:
        connection.exec_driver_sql(f"BEGIN {mode}")


def _render_item(kind: str, item: object, _context: object) -> str | bool:
    """A migration names the plain type behind one of ours: it must still run when our class has moved."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl!r}"
    return False


def utcnow() -> datetime:
    """Column default: the present instant of our clock."""
    return clock.now()
