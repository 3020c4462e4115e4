"""The door: WSGI middleware that decides before anything is rendered, and answers from the page store."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from flask import Flask
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.http import parse_etags
from werkzeug.test import run_wsgi_app

from paywall import clock, metrics
from paywall.access import free_reads
from paywall.access.arrivals import Arrival, Arrivals, Passes
from paywall.access.decision import Gate
from paywall.access.gift_links import opening
from paywall.access.journey.arriving import Headers, Journey
from paywall.access.meter import Cookies
from paywall.access.pages import Page, PageStore
from paywall.accounts.sessions import reader_key
from paywall.config import Settings
from paywall.db import reading_engine, writing_engine
from paywall.questions import Lines

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ARRIVAL = "paywall.arrival"
# A change is in force within a second: this long it may be unknown, and then an answer may be under way.
GATE_AGE = 0.9
GATES_KEPT = 20_000
LONGEST_PATH = 200
# Headers that belong to one request, or that the door itself sets.
NOT_KEPT = frozenset({"content-length", "date", "vary", "cache-control", "etag", "set-cookie"})

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Gated:
    """What the door needs to know of a page.

    `version` is a word that changes when its content does; `key` names it for ever, in up to 64 characters of
    A-Z, a-z, 0-9, - and _.
    """

    gate: Gate
    version: str
    key: str


Lookup = Callable[[Connection, str, datetime], Gated | None]


class Door:
    """Decides for every GET under `prefix`; all else passes through undecided, which means teaser."""

    def __init__(
        self,
        app: "WSGIApplication",
        *,
        prefix: str,
        lookup: Lookup,
        arrivals: Arrivals,
        journey: Journey,
        engine: Callable[[], Engine],
        store: PageStore,
    ) -> None:
        self._app = app
        self._prefix = prefix
        self._lookup = lookup
        self._arrivals = arrivals
        self._journey = journey
        self._engine = engine
        self._store = store
        self._gates: dict[str, tuple[float, Gated | None]] = {}

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        environ.pop(ARRIVAL, None)
        path = environ.get("PATH_INFO", "")
        is_ours = path.startswith(self._prefix) and len(path) <= LONGEST_PATH
        if not is_ours or environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            return self._app(environ, start_response)
        if opening.token_in(environ) is not None:
            start_response = opening.unshared(start_response)
        try:
            gated = self._gated(path)
        except SQLAlchemyError:
            log.exception("gate_unknown", path=path)
            gated = None
        if gated is None:
            return self._app(environ, start_response)
        return self._answer(path, gated, environ, start_response)

    def forget(self) -> None:
        """Drop what is remembered of gates and pages."""
        self._gates.clear()
        self._store.clear()

    def _gated(self, path: str) -> Gated | None:
        known = self._gates.get(path)
        if known and known[0] > time.monotonic():
            return known[1]
        if len(self._gates) >= GATES_KEPT:
            self._gates.clear()
        # It ages from before the look: what was committed meanwhile may not be in it.
        until = time.monotonic() + GATE_AGE
        with self._engine().begin() as connection:
            gated = self._lookup(connection, path, clock.now())
        self._gates[path] = (until, gated)
        return gated

    def _answer(
        self, path: str, gated: Gated, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        now = clock.now()
        arrival = self._arrivals.decide(environ, gated.gate, gated.key, now)
        environ[ARRIVAL] = arrival
        metrics.decided(arrival.decision.show, arrival.decision.reason)
        if arrival.must_ask_again:
            return ask_again(start_response)
        own = arrival.headers + self._journey.arrived(arrival.decision.reason, environ, gated.key, now)
        if arrival.is_personal:
            return self._app(environ, _private(start_response, own))
        key = (path, gated.version, arrival.decision, arrival.gate.level, arrival.signed_in)
        page = self._store.get(key)
        if page is None:
            page, extra = self._render(environ)
            if extra or not page.status.startswith("200"):
                _private(start_response, own)(page.status, [*page.headers, *extra])
                return [page.body]
            self._store.put(key, page)
        return _send(page, arrival, own, environ, start_response)

    def _render(self, environ: "WSGIEnvironment") -> tuple[Page, list[tuple[str, str]]]:
        """The page, and headers that make it personal (a cookie): such a page is not kept."""
        whole = {**environ, "REQUEST_METHOD": "GET"}
        for condition in ("HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_RANGE"):
            whole.pop(condition, None)
        body, status, headers = run_wsgi_app(self._app, whole, buffered=True)
        kept = [(name, value) for name, value in headers if name.lower() not in NOT_KEPT]
        cookies = [(name, value) for name, value in headers if name.lower() == "set-cookie"]
        return Page.of(status, kept, b"".join(body)), cookies


def ask_again(start_response: "StartResponse") -> Iterable[bytes]:
    """Nothing for a browser that looks ahead, said so that it asks once more when somebody clicks."""
    start_response("503 Service Unavailable", [("Cache-Control", "no-store"), ("Content-Length", "0")])
    return []


def init_app(app: Flask, settings: Settings, *, prefix: str, lookup: Lookup) -> None:
    """Put the door in front of the app, for the paths that begin with `prefix`."""
    allowance = free_reads.allowed(settings)
    secret = settings.secret_key.get_secret_value()
    cookies = Cookies(secret, broken_is_spent=settings.meter_broken_cookie == "spent")
    free_reads.init_app(app, cookies, allowance, secure=settings.https)
    reading = partial(reading_engine, app)
    arrivals = Arrivals(
        sessions=reader_key(app),
        lines=Lines(writing_engine(app)),
        writing=partial(writing_engine, app),
        allowance=allowance,
        cookies=cookies,
        passes=Passes(
            app.extensions["gift_links"], app.extensions["institutions"], app.extensions["crawlers"]
        ),
        secure=settings.https,
    )
    store = PageStore(settings.page_store_mb * 1024 * 1024)
    door = Door(
        app.wsgi_app,
        prefix=prefix,
        lookup=lookup,
        arrivals=arrivals,
        journey=app.extensions["journey"],
        engine=reading,
        store=store,
    )
    app.extensions["arrivals"] = arrivals
    app.extensions["door"] = door
    app.wsgi_app = door  # type: ignore[method-assign]  # how Flask documents it


def _private(start_response: "StartResponse", own: Headers) -> "StartResponse":
    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        others = [(name, value) for name, value in headers if name.lower() != "cache-control"]
        return start_response(status, [*others, *own, ("Cache-Control", "private, no-store")], exc_info)

    return start


def _send(
    page: Page,
    arrival: Arrival,
    own: Headers,
    environ: "WSGIEnvironment",
    start_response: "StartResponse",
) -> Iterable[bytes]:
    is_shared = arrival.is_shared and not own
    # What brings a cookie has no tag: a cache that is told 304, or makes one of a tag that is known, would
    # keep the cookie with the page that it holds for all, or give it without the page.
    about = [
        *(() if own else (("ETag", page.etag),)),
        ("Vary", "Cookie"),
        ("Cache-Control", "public, no-cache" if is_shared else "private, no-cache"),
        ("X-Paywall", arrival.said),
        *own,
    ]
    known = None if own else environ.get("HTTP_IF_NONE_MATCH")
    if known and parse_etags(known).contains_weak(page.etag.strip('"')):
        start_response("304 Not Modified", about)
        return []
    start_response(page.status, [*page.headers, *about, ("Content-Length", str(len(page.body)))])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [page.body]
