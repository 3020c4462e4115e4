"""A newsroom to measure staff's pages with: so many readers, and sixty months of their memberships."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import flask_migrate
from sqlalchemy import func, select, text

from bench import cashbook, lives
from bench.databases import Databases
from bench.lives import Life
from bench.newspaper import recipe, session, tidy_up
from bench.reconcile import copies
from bench.reconcile import newsroom as opened
from paywall import clock
from paywall.accounts import factors, sessions
from paywall.accounts.models import Reader, StaffRole
from paywall.billing.models import StripeCustomer
from paywall.db import db
from paywall.demo.seed import ACCOUNTS, seed
from paywall.membership.models import MembershipEvent, Plan, Subscription
from paywall.membership.rules import Interval

BATCH = 10_000
RECIPE = (Path(__file__), Path(lives.__file__), Path(cashbook.__file__), cashbook.STATEMENTS)
OWNER = next(account.email for account in ACCOUNTS if account.role is StaffRole.OWNER)
# The lines as they are heard of; the ledger numbers them.
HEARD = """
CREATE TABLE heard (recorded_at {instant}, at {instant}, reader_id INTEGER, subscription_id INTEGER,
plan_id INTEGER, source TEXT, change TEXT, status TEXT, monthly_delta INTEGER, currency TEXT,
feedback TEXT)
"""
LINE = (
    "recorded_at, at, reader_id, subscription_id, plan_id, source, change, status, monthly_delta, currency,"
    " feedback"
)


def at(databases: Databases, readers: int) -> str:
    """The address of a database with that many readers, rolled up."""

    def build(url: str, folder: Path) -> None:
        app = opened(folder, url)
        try:
            with app.app_context():
                flask_migrate.upgrade()
                seed()
                _fill(readers)
                db.session.remove()
                tidy_up()
        finally:
            clock.use(None)

    return databases(f"newsroom_{readers}_{recipe(*RECIPE)}", build)


def owner_cookie() -> str:
    """The session of staff who may see everything, second factor and all; within an application context."""
    owner = db.session.scalars(select(Reader).where(Reader.email == OWNER)).one()
    factor = factors.of(owner.id)
    assert factor is not None
    given = [factors.mark(factor), int(clock.wall().timestamp())]
    return session(owner.fs_uniquifier, **{sessions.FACTOR: given})


def _fill(readers: int) -> None:
    template = db.session.scalars(select(StripeCustomer)).one()
    customer, reader = template.id, template.reader_id
    last = db.session.scalar(select(func.max(Reader.id))) or 0
    held = db.session.scalar(select(func.max(Subscription.id))) or 0
    plans = list(db.session.scalars(select(Plan.id).order_by(Plan.id)))
    db.session.commit()
    own = {"id": f"{last} + i", "email": "'reader' || i || '@example.org'", "fs_uniquifier": "'reader' || i"}
    copies("reader", reader, readers, own | {"name": cashbook.NAME})
    of = {"id": f"{last} + i", "reader_id": f"{last} + i", "stripe_id": "'cus_reader' || i"}
    copies("stripe_customer", customer, readers, of | {"email": own["email"], "mode": "'test'"})
    _live(lives.lives(readers, last + 1, plans), held)
    cashbook.fill()


def _live(all_lives: Iterator[Life], held: int) -> None:
    instant = "TIMESTAMPTZ" if db.engine.dialect.name == "postgresql" else "TEXT"
    db.session.execute(text(HEARD.format(instant=instant)))
    db.session.commit()
    names = [column.name for column in Subscription.__table__.columns]
    while some := list(islice(all_lives, BATCH)):
        _load("subscription", names, (_row(names, life, held) for life in some))
        _load("heard", LINE.split(", "), (_line(entry, held) for life in some for entry in life.lines))
    ledger = MembershipEvent.__tablename__
    db.session.execute(text(f"INSERT INTO {ledger} ({LINE}) SELECT {LINE} FROM heard ORDER BY recorded_at"))
    db.session.execute(text("DROP TABLE heard"))
    db.session.commit()


def _row(names: Sequence[str], life: Life, held: int) -> tuple[object, ...]:
    known: dict[str, object] = {
        "id": held + life.number,
        "reader_id": life.reader,
        "plan_id": life.plan,
        "source": life.source.value,
        "external_id": cashbook.named(life.source, life.number),
        "status": life.status.value,
        "amount": life.price,
        "currency": life.currency,
        "interval": Interval.MONTH.value,
        "interval_count": 1,
        "seats": 1,
        "monthly": life.monthly,
        "discount": 0,
        "started_at": _instant(life.started_at),
        "ended_at": _instant(life.ended_at) if life.ended_at else None,
        "collected": 1,
        "wanted_break": 0,
        "updated_at": _instant(life.started_at),
    }
    return tuple(known.get(name) for name in names)


def _line(entry: lives.Entry, held: int) -> tuple[object, ...]:
    heard, at, reader, subscription, *words = entry
    return (_instant(heard), _instant(at), reader, held + subscription, *words)


def _instant(moment: Any) -> str:
    """As SQLite keeps it; PostgreSQL reads it in the time zone of the session."""
    return f"{moment:%Y-%m-%d %H:%M:%S.%f}"


def _load(table: str, names: Sequence[str], rows: Iterable[tuple[object, ...]]) -> None:
    """Many rows at once, by the quickest way that the database has."""
    connection = db.session.connection()
    driver: Any = connection.connection.driver_connection
    if db.engine.dialect.name == "postgresql":
        cursor = driver.cursor()
        cursor.execute("SET LOCAL timezone TO 'UTC'")
        with cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    else:
        marks = ", ".join("?" * len(names))
        driver.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", rows)
    db.session.commit()
