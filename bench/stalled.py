"""How long readers of articles wait while Stripe leaves some of the server's calls without an answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from time import monotonic

import flask_migrate
import requests
from sqlalchemy import select

from bench import newspaper, wrk
from bench.reconcile import newsroom
from bench.serving import Server
from bench.wrk import Answered, Crowd
from paywall import clock
from paywall.accounts.models import Reader
from paywall.articles.gates import ARTICLE_PATH
from paywall.db import db
from paywall.demo.seed import seed
from paywall.sandbox.faults import Fault, FaultKind, Faults

CALLS = 4
SILENCE = 5.0
DEMO = {"PAYWALL_SANDBOX": "true", "PAYWALL_STRIPE_SECRET_KEY": ""}


@dataclass(frozen=True)
class Stalled:
    """How articles were answered meanwhile, and how many calls hung from the beginning to the end."""

    articles: Answered
    hung: int


def measure(folder: Path, seconds: int) -> Stalled:
    """Let a crowd come to the demo for so long, while patrons come back from a Stripe that says nothing."""
    patron, faults = _demo(folder)
    crowd = Crowd([f"{ARTICLE_PATH}{newspaper.TEMPLATE}"])
    with Server("wsgi:app", folder, given=DEMO) as server:
        wrk.come(server.port, crowd, 1)
        faults.set(Fault(FaultKind.API_HANG, times=None, seconds=SILENCE))
        with _hanging(server, newspaper.session(patron)) as waits:
            articles = wrk.come(server.port, crowd, seconds)
    return Stalled(articles, len([wait for wait in waits if wait >= SILENCE]))


def _demo(folder: Path) -> tuple[str, Faults]:
    """The demo's newsroom: its patron, and what can go wrong with its stand-in for Stripe."""
    app = newsroom(folder, "")
    try:
        with app.app_context():
            flask_migrate.upgrade()
            seed()
            patron = select(Reader.fs_uniquifier).where(Reader.email == "patron@demo.example")
            return db.session.scalars(patron).one(), app.extensions["sandbox"].faults
    finally:
        clock.use(None)


@contextmanager
def _hanging(server: Server, cookie: str) -> Iterator[list[float]]:
    """Meanwhile so many requests wait for Stripe; how long each of them waited, once all is over."""
    waits: list[float] = []
    is_over = Event()

    def wait() -> None:
        while not is_over.is_set():
            began = monotonic()
            back = f"{server.url}/account/back"
            requests.get(back, headers={"Cookie": cookie}, allow_redirects=False, timeout=60)
            waits.append(monotonic() - began)

    threads = [Thread(target=wait) for _ in range(CALLS)]
    for thread in threads:
        thread.start()
    is_over.wait(1)
    try:
        yield waits
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
