"""The schema: migrations go up, down and up again, agree with the models, and know every word we store."""

import re
from collections.abc import Iterator
from pathlib import Path

import flask_migrate
import pytest
from flask import Flask
from sqlalchemy import Enum, inspect, text
from sqlalchemy.exc import DBAPIError

from paywall import clock, create_app
from paywall.accounts import trail
from paywall.db import Model, db, has_model
from tests.conftest import KINDS, dispose, make_settings
from tests.shop import Shop

WORDS = [
    pytest.param(table.name, column.name, id=f"{table.name}.{column.name}")
    for table in Model.metadata.sorted_tables
    for column in table.columns
    if isinstance(column.type, Enum)
]


@pytest.fixture(params=KINDS)
def unbuilt(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """The product on a database without any table."""
    if request.param == "sqlite":
        yield from _opened(f"sqlite:///{tmp_path / 'empty.sqlite3'}", tmp_path)
        return
    with request.getfixturevalue("postgresql_copies").empty() as url:
        yield from _opened(url, tmp_path)


def _opened(url: str, folder: Path) -> Iterator[Flask]:
    app = create_app(make_settings(data_dir=folder, database_url=url))
    with app.app_context():
        yield app
    clock.use(None)
    dispose(app)


def tables() -> set[str]:
    """Those that have a model; the index of words goes with its trigger, or nothing could be written."""
    names = inspect(db.engine).get_table_names()
    return {name for name in names if has_model(name, "table")} - {"alembic_version"}


def test_up_down_and_up_again(unbuilt: Flask) -> None:
    assert tables() == set()
    flask_migrate.upgrade()
    built = tables()
    assert built == set(Model.metadata.tables)
    flask_migrate.downgrade(revision="base")
    assert tables() == set()
    flask_migrate.upgrade()
    assert tables() == built


def test_models_and_migrations_agree(app: Flask, context: None) -> None:
    flask_migrate.check()


@pytest.mark.parametrize(("table", "column"), WORDS)
@pytest.mark.parametrize("database", KINDS, indirect=True)
def test_every_word_of_a_closed_set_can_be_stored(app: Flask, context: None, table: str, column: str) -> None:
    kind = Model.metadata.tables[table].columns[column].type
    assert isinstance(kind, Enum)
    checks = [check["sqltext"] for check in inspect(db.engine).get_check_constraints(table)]
    allowed = [set(re.findall(r"'([^']*)'", check)) for check in checks if re.search(rf"\b{column}\b", check)]
    assert allowed == [set(kind.enums)]
    assert max(map(len, kind.enums)) <= 32


@pytest.mark.parametrize(
    ("act", "refusal"),
    [
        ("UPDATE membership_event SET monthly_delta = 0", "the ledger is append-only"),
        ("DELETE FROM membership_event", "the ledger is append-only"),
        ("UPDATE staff_act SET actor = 'nobody'", "the trail is append-only"),
        ("DELETE FROM staff_act", "the trail is append-only"),
    ],
)
def test_a_line_of_ledger_and_trail_cannot_be_changed(shop: Shop, act: str, refusal: str) -> None:
    shop.join()
    trail.note("plan written", "plan patron", reason="New")
    db.session.commit()
    with pytest.raises(DBAPIError, match=refusal), db.engine.begin() as connection:
        connection.execute(text(act))


def test_the_history_has_one_beginning_and_one_end(app: Flask, context: None) -> None:
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(app.extensions["settings"].migrations))
    assert len(scripts.get_bases()) == 1
    assert len(scripts.get_heads()) == 1
