"""A newspaper of a given size to measure with: the demo's, and bulk copies of one article and one patron."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any

import flask_migrate
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from sqlalchemy import func, insert, select, text

from bench.databases import Databases
from bench.reconcile import copies, newsroom
from bench.serving import SECRET_KEY
from paywall import clock
from paywall.accounts.models import Reader
from paywall.articles.gates import ARTICLE_PATH
from paywall.articles.models import Article
from paywall.articles.render import render
from paywall.config import ROOT
from paywall.db import db
from paywall.demo.seed import seed
from paywall.membership.models import Subscription
from paywall.membership.rules import Source

# So many articles, and so many patrons, spread evenly over all, are those that readers come for and as.
ASKED = 100
BATCH = 5000
FIRST_OUT = datetime(2021, 3, 1, tzinfo=UTC)
NEVER = datetime(2099, 1, 1, tzinfo=UTC)
TEMPLATE = "the-second-stove"
LAST_WORDS = "goes to sleep in her coat"
SHORT = "Nobody comes for this article. It stands here so that there are many others beside them.\n\n" * 8
WORDS = 80


@dataclass(frozen=True)
class Size:
    """How many articles, all behind the gate, and how many readers, all of them patrons."""

    articles: int
    readers: int

    def __str__(self) -> str:
        return f"{self.articles:,} articles and {self.readers:,} readers"

    def paths(self, most: int = ASKED) -> list[str]:
        """The addresses of articles to ask for."""
        return [f"{ARTICLE_PATH}{slug(number)}" for number in _spread(self.articles, most)]

    def cookies(self) -> list[str]:
        """The session cookies of patrons to come as."""
        return [session(uniquifier(number)) for number in _spread(self.readers, ASKED)]


def at(databases: Databases, size: Size, name: str = "paper") -> str:
    """The address of a database with a newspaper of that size; one that is to be changed has another name."""

    def build(url: str, folder: Path) -> None:
        app = newsroom(folder, url)
        try:
            with app.app_context():
                flask_migrate.upgrade()
                seed()
                _print(size)
                _patrons(size.readers)
                db.session.remove()
                tidy_up()
        finally:
            clock.use(None)

    return databases(f"{name}_{size.articles}_{size.readers}_{recipe(Path(__file__))}", build)


def session(whose: str, **more: object) -> str:
    """The cookie of a reader (`fs_uniquifier`) who has signed in, signed as by the product, with `more` in it."""
    app = Flask("signed")
    app.secret_key = SECRET_KEY
    assert isinstance(app.session_interface, SecureCookieSessionInterface)
    signer = app.session_interface.get_signing_serializer(app)
    assert signer is not None
    since = int(clock.wall().timestamp())
    facts = {"_user_id": whose, "_fresh": True, "_id": "0" * 128, "csrf_token": "0" * 40}
    return f"paywall={signer.dumps(facts | {'since': since, '_permanent': True} | more)}"


def slug(number: int) -> str:
    """What the article of that number is called, from 1 on."""
    return f"story-{number}"


def uniquifier(number: int) -> str:
    """The name of the patron of that number in sessions, from 1 on."""
    return f"patron{number}"


def recipe(*files: Path) -> str:
    """A word for how something is made, so that what another version has made is not taken for it."""
    made_by = [*files, *sorted((ROOT / "migrations" / "versions").glob("*.py"))]
    return blake2b(b"".join(file.read_bytes() for file in made_by), digest_size=4).hexdigest()


def tidy_up() -> None:
    """Leave nothing to be done later, while something is measured; SQLite writes its log back at the end."""
    if db.engine.dialect.name == "postgresql":
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
    db.engine.dispose()


def _print(size: Size) -> None:
    """Those that are asked for are as long as the demo's."""
    template = db.session.scalars(select(Article).where(Article.slug == TEMPLATE)).one()
    columns = [column.key for column in Article.__table__.columns if column.key != "id"]
    long = {name: getattr(template, name) for name in columns}
    short = _rendered(long | {"body": SHORT})
    asked = set(_spread(size.articles, ASKED))
    db.session.commit()
    for first in range(1, size.articles + 1, BATCH):
        numbers = range(first, min(first + BATCH, size.articles + 1))
        rows = [
            (long if number in asked else short)
            | {"slug": slug(number), "published_at": FIRST_OUT + timedelta(minutes=number)}
            for number in numbers
        ]
        db.session.execute(insert(Article.__table__), rows)  # type: ignore[arg-type]  # a Table it is
        db.session.commit()


def _rendered(columns: dict[str, Any]) -> dict[str, Any]:
    article = Article(**columns)
    render(article, words=WORDS)
    return {name: getattr(article, name) for name in columns}


def _patrons(count: int) -> None:
    held = db.session.scalars(select(Subscription).where(Subscription.source == Source.STRIPE)).one()
    held.access_until = held.period_end = NEVER
    reader, subscription = held.reader_id, held.id
    last = db.session.scalar(select(func.max(Reader.id))) or 0
    db.session.commit()
    own = {"id": f"{last} + i", "email": "'patron' || i || '@example.org'", "fs_uniquifier": "'patron' || i"}
    copies("reader", reader, count, own)
    of = {"id": f"{last} + i", "reader_id": f"{last} + i", "external_id": "'sub_patron' || i"}
    copies("subscription", subscription, count, of)


def _spread(count: int, most: int) -> range:
    return range(1, count + 1, max(1, count // most))[:most]
