"""How soon a change is in force: of an article or its gate within a second, of who may read at once.

The changes are made in the database, as another process would. Each question comes over a connection of its
own, so that all workers are asked.
"""

import enum
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests
from sqlalchemy import Connection, Engine, Update, create_engine, insert, select, update

from bench.newspaper import FIRST_OUT, LAST_WORDS, NEVER, session, slug, uniquifier
from bench.serving import SECRET_KEY, Server
from paywall.access import tokens
from paywall.access.gift_links.models import GiftLink
from paywall.access.tokens import Purpose
from paywall.accounts.models import Reader
from paywall.articles.gates import ARTICLE_PATH
from paywall.articles.models import Article
from paywall.membership.models import Subscription

WORKERS = 2
AT_ONCE = 8
PAUSE = 0.002
# So often in a row each who asks must see it: another worker may not have yet.
STEADY = 20
PATH = f"{ARTICLE_PATH}{slug(1)}"


class Shown(enum.StrEnum):
    """What came of a question."""

    WHOLE = "whole"
    TEASER = "teaser"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Changes:
    """Of so many changes of articles: after how many seconds the last one was asked that did not know it."""

    tries: int
    longest: float
    workers: int


@dataclass(frozen=True)
class Ends:
    """Of so many answers right after someone's access ended, or came back: how many were wrong."""

    answers: int
    wrong: int
    workers: int


def changes(database_url: str, tries: int) -> Changes:
    """Open the gate, close it, withdraw the article and publish it, in turn."""
    article = update(Article).where(Article.slug == slug(1))
    steps = (
        (article.values(gate="public"), Shown.WHOLE),
        (article.values(gate=""), Shown.TEASER),
        (article.values(published_at=None), Shown.NOTHING),
        (article.values(published_at=FIRST_OUT), Shown.TEASER),
    )
    with _opened(database_url) as (engine, server):
        _commit(engine, steps[1][0], steps[3][0])
        _until(server, Shown.TEASER)
        late = []
        for number in range(tries):
            change, wanted = steps[number % len(steps)]
            began = time.monotonic()
            _commit(engine, change)
            late.append(_until(server, wanted) - began)
        return Changes(tries, round(max(late), 3), _workers(server))


def ends(database_url: str, tries: int) -> Ends:
    """End a membership, a session, an account and a gift, and bring each back; ask several times after it."""
    with _opened(database_url) as (engine, server):
        with engine.begin() as connection:
            ways = _ways(connection)
        seen = Counter[bool]()
        for way in ways * tries:
            for change, wanted in ((way.back(), Shown.WHOLE), (way.end(), Shown.TEASER)):
                _commit(engine, change)
                seen.update(_ask(server, way.path, way.cookie) == wanted for _ in range(AT_ONCE))
            _commit(engine, way.back())
        return Ends(seen.total(), seen[False], _workers(server))


@dataclass(frozen=True)
class _Way:
    """One way in: how it ends and comes back, and what is asked with what."""

    end: Callable[[], Update]
    back: Callable[[], Update]
    path: str = PATH
    cookie: str = ""


def _ways(connection: Connection) -> list[_Way]:
    ids = {}
    for number in (1, 2, 3):
        query = select(Reader.id).where(Reader.email == f"patron{number}@example.org")
        ids[number] = connection.scalars(query).one()
    held = update(Subscription).where(Subscription.reader_id == ids[1])
    second, third = (update(Reader).where(Reader.id == ids[number]) for number in (2, 3))
    return [
        _Way(
            lambda: held.values(access_until=datetime.now(UTC)),
            lambda: held.values(access_until=NEVER),
            cookie=session(uniquifier(1)),
        ),
        _Way(
            lambda: second.values(fs_uniquifier="another"),
            lambda: second.values(fs_uniquifier=uniquifier(2)),
            cookie=session(uniquifier(2)),
        ),
        _Way(
            lambda: third.values(active=False),
            lambda: third.values(active=True),
            cookie=session(uniquifier(3)),
        ),
        _gift(connection, ids[1]),
    ]


def _gift(connection: Connection, giver: int) -> _Way:
    article = connection.scalars(select(Article.id).where(Article.slug == slug(1))).one()
    now = datetime.now(UTC)
    until = now + timedelta(days=1)
    made: dict[str, Any] = {"giver_id": giver, "key": str(article), "by_staff": True, "nonce": "bench"}
    new = insert(GiftLink).values(**made, made_at=now, until=until).returning(GiftLink.id)
    link_id = connection.scalars(new).one()
    token = tokens.make(SECRET_KEY, Purpose.GIFT, link_id, "bench")
    link = update(GiftLink).where(GiftLink.id == link_id)
    return _Way(
        lambda: link.values(revoked_at=datetime.now(UTC)),
        lambda: link.values(revoked_at=None),
        path=f"{PATH}?gift={token}",
    )


def _ask(server: Server, path: str, cookie: str = "") -> Shown:
    answer = requests.get(server.url + path, headers={"Cookie": cookie} if cookie else {}, timeout=30)
    if answer.status_code == 404:
        return Shown.NOTHING
    return Shown.WHOLE if LAST_WORDS in answer.text else Shown.TEASER


@contextmanager
def _opened(database_url: str) -> Iterator[tuple[Engine, Server]]:
    engine = create_engine(database_url, connect_args={"timeout": 30} if "sqlite" in database_url else {})
    with TemporaryDirectory(prefix="paywall-bench-") as folder:
        with Server("wsgi:app", Path(folder), database_url, workers=WORKERS) as server:
            yield engine, server
        engine.dispose()


def _commit(engine: Engine, *changes: Update) -> None:
    with engine.begin() as connection:
        for change in changes:
            connection.execute(change)


def _until(server: Server, wanted: Shown) -> float:
    """Wait until all who ask see what is wanted; the instant at which the last one asked who did not."""
    with ThreadPoolExecutor(AT_ONCE) as readers:
        return max(readers.map(lambda _: _last_other(server, wanted), range(AT_ONCE)))


def _last_other(server: Server, wanted: Shown) -> float:
    last, is_steady = 0.0, 0
    while is_steady < STEADY:
        asked = time.monotonic()
        is_steady += 1
        if _ask(server, PATH) != wanted:
            last, is_steady = asked, 0
        time.sleep(PAUSE)
    return last


def _workers(server: Server) -> int:
    """How many workers have answered: each counts into a file of its own."""
    return len(list(Path(server.environ["PROMETHEUS_MULTIPROC_DIR"]).glob("counter_*.db")))
