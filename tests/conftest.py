"""What every test can ask for: an app on its own database, a client, the letters, the clock, a server."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests import cluster, loopback

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from jinja2 import BytecodeCache

    from paywall.config import Settings
    from paywall.mail import Letter
    from paywall.sandbox import Sandbox
    from tests.databases import PostgreSQLCopies, SQLiteCopies
    from tests.live import Server
    from tests.moving import MovingClock

pytest_plugins = ["tests.shop", "tests.staffing"]

SECRET = "a key for tests only, long enough"
KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --sqlite-only, for a quick look or a machine without PostgreSQL."""
    parser.addoption("--sqlite-only", action="store_true", help="leave out what needs PostgreSQL")


def pytest_configure(config: pytest.Config) -> None:
    """Close the network; let no setting of this shell leak in; name the PostgreSQL cluster of this run."""
    loopback.guard()
    # A run in the background ignores Ctrl-C, and so would every server that it starts and stops by it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in [name for name in os.environ if name.startswith(("PAYWALL_", "FLASK_"))]:
        del os.environ[name]
    if not hasattr(config, "workerinput"):
        cluster.prepare()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the cluster, whatever happened; the workers of a parallel run leave it to the one that made it."""
    if not hasattr(config, "workerinput") and cluster.FOLDER in os.environ:
        cluster.remove()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave PostgreSQL out when asked to, and begin with files that take long, or one worker ends alone."""
    items.sort(key=lambda item: not any(map(item.get_closest_marker, ("story", "server", "browser"))))
    if config.getoption("--sqlite-only"):
        left_out = [item for item in items if item.get_closest_marker("postgresql")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(autouse=True)
def nothing_waits() -> Iterator[None]:
    """A test that serves from several threads leaves the next one's lines and counts alone."""
    from paywall import behind

    yield
    behind.end()


@pytest.fixture(scope="session")
def sqlite_copies(tmp_path_factory: pytest.TempPathFactory) -> "SQLiteCopies":
    """Copies of a migrated SQLite file."""
    from tests.databases import SQLiteCopies

    folder = tmp_path_factory.mktemp("template")
    return SQLiteCopies(folder, lambda url: migrate(url, folder))


@pytest.fixture(scope="session")
def postgresql_copies(
    tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> Iterator["PostgreSQLCopies"]:
    """Copies of a migrated PostgreSQL database."""
    from tests.databases import PostgreSQLCopies

    folder = tmp_path_factory.mktemp("template")
    copies = PostgreSQLCopies(worker_id, lambda url: migrate(url, folder))
    yield copies
    copies.close()


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of this test's own migrated database: each test runs on SQLite and on PostgreSQL.

    For one kind only: `@pytest.mark.parametrize("database", ["sqlite"], indirect=True)`.
    """
    with request.getfixturevalue(f"{request.param}_copies").fresh(tmp_path) as url:
        yield url


@pytest.fixture
def settings(request: pytest.FixtureRequest, database: str, tmp_path: Path) -> "Settings":
    """Demo mode, no limits, jobs kept in memory; `@pytest.mark.settings(teaser_words=20)` changes any."""
    marks = reversed(list(request.node.iter_markers("settings")))
    changed = {name: value for mark in marks for name, value in mark.kwargs.items()}
    return make_settings(data_dir=tmp_path, database_url=database, **changed)


@pytest.fixture(scope="session")
def compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> "BytecodeCache":
    """Templates compiled once for all apps of this process."""
    from jinja2 import FileSystemBytecodeCache

    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture(scope="session")
def no_waiting() -> None:
    """Let Stripe's package try again at once."""
    import stripe

    stripe.HTTPClient.INITIAL_DELAY = stripe.HTTPClient.MAX_DELAY = 0


@pytest.fixture(scope="session")
def compiled_routes() -> None:
    """Routes compiled once for all apps of this process: it is most of what making an app costs."""
    from werkzeug.routing import Rule

    compile_builder = Rule._compile_builder
    known: dict[tuple[object, ...], Any] = {}

    def once(rule: Rule, append_unknown: bool = True) -> Any:  # noqa: FBT001, FBT002  # as it is called
        key = (tuple(rule._trace), repr(rule.defaults), append_unknown)
        if key not in known:
            known[key] = compile_builder(rule, append_unknown)
        return known[key]

    Rule._compile_builder = once  # type: ignore[assignment, method-assign]  # what the class takes


@pytest.fixture
def app(
    settings: "Settings", compiled_templates: "BytecodeCache", compiled_routes: None, no_waiting: None
) -> Iterator["Flask"]:
    """The whole product with its own database. No context is pushed: see `context`."""
    from paywall import clock, create_app

    app = create_app(settings)
    app.config["TESTING"] = True
    app.jinja_env.bytecode_cache = compiled_templates
    # A hash that takes its time is the point of argon2, and none of these tests.
    app.extensions["security"].pwd_context.update(argon2__rounds=1, argon2__memory_cost=32)
    # Nobody listens at the site's address: tests deliver Stripe's events by hand, or lose them on purpose.
    app.extensions["sandbox"].on_event = None
    yield app
    clock.use(None)
    dispose(app)


@pytest.fixture
def context(app: "Flask") -> Iterator[None]:
    """An application context, for tests that call a room's functions and send no request."""
    with app.app_context():
        yield


@pytest.fixture
def client(app: "Flask") -> "FlaskClient":
    """A browser without JavaScript: keeps cookies, does not follow redirects unless told."""
    return app.test_client()


@pytest.fixture
def work(app: "Flask") -> Callable[[], int]:
    """Run the jobs that wait, and those that they queue; how many ran."""
    from paywall import jobs

    return lambda: jobs.drain(app)


@pytest.fixture
def letters(app: "Flask") -> Callable[[], list["Letter"]]:
    """The letters written so far, oldest first."""
    from sqlalchemy import select

    from paywall.db import db
    from paywall.mail import Letter

    def read() -> list[Letter]:
        with app.app_context():
            found = list(db.session.scalars(select(Letter).order_by(Letter.id)))
            db.session.expunge_all()
            return found

    return read


@pytest.fixture
def clock(request: pytest.FixtureRequest) -> Iterator["MovingClock"]:
    """Our clock, to be moved: `clock.set(instant)`, `clock.advance(days=3)`."""
    from paywall import clock as ours
    from tests.moving import MovingClock

    if "app" in request.fixturenames:
        request.getfixturevalue("app")
    yield MovingClock()
    ours.use(None)


@pytest.fixture
def sandbox(app: "Flask") -> "Sandbox":
    """The stand-in for Stripe that this app talks to."""
    stand_in: Sandbox = app.extensions["sandbox"]
    return stand_in


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Server"]:
    """The demo as `make run` starts it: two web processes and a worker, on a free port, with its own data."""
    from tests.live import Server

    with Server(tmp_path_factory.mktemp("server")) as running:
        yield running


def make_settings(**given: Any) -> "Settings":
    """Settings for a test, that no environment and no .env file can change."""
    from paywall import config

    usual = {"secret_key": SECRET, "sandbox": True, "rate_limits": False, "queue_url": "memory:"}
    return config.load(_env_file=None, **(usual | given))


def let_settings_say(app: "Flask", **changes: object) -> None:
    """A restart with other settings."""
    now = app.extensions["settings"]
    app.extensions["settings"] = make_settings(
        data_dir=now.data_dir, database_url=now.database_url, **changes
    )


def migrate(url: str, folder: Path) -> None:
    """Build the schema at `url` by the migrations."""
    import flask_migrate

    from paywall import clock, create_app

    app = create_app(make_settings(data_dir=folder, database_url=url))
    with app.app_context():
        flask_migrate.upgrade()
    clock.use(None)
    dispose(app)


def dispose(app: "Flask") -> None:
    """Close what an app holds open, and let it write what it has counted."""
    from paywall.db import db

    for tally in app.extensions["tallies"]:
        tally.close()
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()
