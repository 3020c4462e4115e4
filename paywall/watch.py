"""Whether the house stands: health, readiness, metrics, a log line per request, and security headers."""

import hmac
import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from ipaddress import ip_address
from random import getrandbits
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint, Flask, Response, abort, current_app, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wsgi import ClosingIterator

from paywall import behind, clock, gauges, jobs, logs, metrics
from paywall.accounts.routes import PUBLIC, may_enter
from paywall.behind import Behind
from paywall.billing import inbox
from paywall.config import Settings
from paywall.db import db
from paywall.errors import Unavailable

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SILENCE = timedelta(minutes=3)
SHOWN_PATH = "paywall.shown_path"
SANE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP")
# Chromium holds redirects after a POST against form-action, so the pages that we send people to are named.
STRIPE_PAGES = "https://checkout.stripe.com https://billing.stripe.com"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
QUIET_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})

watch = Blueprint("watch", __name__)


def init_app(app: Flask, settings: Settings) -> None:
    """Set up the log, the headers of every response and the pages for whoever watches us."""
    logs.configure(settings)
    headers = _headers(settings)

    @app.before_request
    def _name_request() -> None:
        rule = request.url_rule
        request.environ[metrics.ENDPOINT] = request.endpoint or "none"
        # A link in a letter carries its secret in the path; a line of the log must not.
        if rule is None:
            request.environ[SHOWN_PATH] = f"/{request.path.split('/')[1]}"
        elif "token" in rule.arguments:
            request.environ[SHOWN_PATH] = rule.rule

    @app.after_request
    def _secure(response: Response) -> Response:
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        return response

    app.register_blueprint(watch)
    gauges.show()


def stand_outside(app: Flask) -> None:
    """Put the watch around all that create_app has put around the app: call it last."""
    app.wsgi_app = Watch(app.wsgi_app)  # type: ignore[method-assign]  # how Flask documents it


class Answered(NamedTuple):
    """A request that was answered: nothing but `path` is in words of a stranger's own."""

    endpoint: str
    method: str
    path: str
    id: str
    status: str
    seconds: float
    at: datetime


class Watch:
    """WSGI: gives each request an id, and counts and logs it, whoever answered."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app
        self._log = structlog.get_logger().bind()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        began = perf_counter()
        if environ.get("wsgi.multithread"):
            behind.begin()
        given = environ.get("HTTP_X_REQUEST_ID")
        request_id = given if given and SANE_ID.fullmatch(given) else f"{getrandbits(128):032x}"
        logs.request_id.set(request_id)
        status = ["500"]

        def start(answered: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            status[0] = answered[:3]
            return start_response(answered, [*headers, ("X-Request-ID", request_id)], exc_info)

        done = partial(self._done, environ, request_id, status, began)
        try:
            body = self._app(environ, start)
        except Exception:
            self._log.exception("broken")
            done()
            raise
        if isinstance(body, list):
            done()
            return body
        return ClosingIterator(body, done)

    def _done(self, environ: "WSGIEnvironment", id: str, status: list[str], began: float) -> None:
        method = environ["REQUEST_METHOD"]
        _answered.add(
            Answered(
                environ.get(metrics.ENDPOINT, "stored_page"),
                method if method in METHODS else "OTHER",
                environ.get(SHOWN_PATH) or environ.get("PATH_INFO", ""),
                id,
                status[0],
                perf_counter() - began,
                clock.wall(),
            )
        )


def _tell(answered: list[Answered]) -> None:
    for one in answered:
        logs.request(
            method=one.method,
            path=one.path,
            status=one.status,
            ms=round(one.seconds * 1000, 2),
            id=one.id,
            at=one.at,
            quietly=one.path in QUIET_PATHS,
        )
    metrics.answered([(one.endpoint, one.method, one.status, one.seconds) for one in answered])


_answered = Behind(_tell)


def beat() -> None:
    """Write down that the worker lives, and commit; raises Unavailable without a database to write it in."""
    try:
        db.session.merge(jobs.Heartbeat(name=jobs.WORKER, at=clock.wall()))
        db.session.commit()
    except SQLAlchemyError as failure:
        db.session.rollback()
        why = getattr(failure, "orig", None) or failure
        raise Unavailable(f"the database is not ready (flask db upgrade builds it): {why}") from failure


@jobs.every(minute="*")
def still_alive() -> None:
    """The worker's sign of life, each minute."""
    beat()


@watch.get("/healthz")
@may_enter(PUBLIC)
def healthz() -> Response:
    """Whether this process answers at all; asks nothing of others."""
    return jsonify(alive=True)


@watch.get("/readyz")
@may_enter(PUBLIC)
def readyz() -> Response:
    """Whether readers can be let in: 200, or 503 with what is missing. Notes are for whoever looks."""
    checks = {name: _outcome(check) for name, check in CHECKS.items()}
    notes = {name: _outcome(note) for name, note in NOTES.items()}
    ready = all(said == "ok" for said in checks.values())
    response = jsonify(ready=ready, checks=checks, notes=notes)
    response.status_code = 200 if ready else 503
    response.headers["Cache-Control"] = "no-store"
    return response


@watch.get("/metrics")
@may_enter(PUBLIC)
def metrics_page() -> Response:
    """Prometheus reads here: with the token of the settings, or from this machine itself if there is none."""
    if not _may_read_metrics(current_app.extensions["settings"].metrics_token.get_secret_value()):
        abort(403)
    return Response(metrics.text(), content_type=CONTENT_TYPE_LATEST)


def _database() -> str:
    db.session.execute(select(1))
    return "ok"


def _migrations() -> str:
    heads = set(ScriptDirectory(str(current_app.extensions["settings"].migrations)).get_heads())
    here = set(MigrationContext.configure(db.session.connection()).get_current_heads())
    return "ok" if here == heads else "run: flask db upgrade"


def _worker() -> str:
    seen = jobs.worker_seen()
    if seen is None:
        return "never seen: run flask paywall worker"
    return "ok" if clock.wall() - seen < SILENCE else f"last seen {seen:%Y-%m-%d %H:%M:%S} UTC"


def _inbox() -> str:
    waiting, failed = inbox.waiting(), inbox.given_up()
    age = f", the oldest for {inbox.oldest_unhandled():.0f} s" if waiting else ""
    return f"{waiting:.0f} waiting{age}; {failed:.0f} given up"


CHECKS: dict[str, Callable[[], str]] = {"database": _database, "migrations": _migrations, "worker": _worker}
# What keeps no reader out: access is a date that stands in our own tables.
NOTES: dict[str, Callable[[], str]] = {"inbox": _inbox}


def _outcome(check: Callable[[], str]) -> str:
    try:
        return check()
    except SQLAlchemyError as failure:
        db.session.rollback()
        structlog.get_logger().warning("not_ready", error=str(failure))
        return "the database does not answer as it should"


def _may_read_metrics(token: str) -> bool:
    if token:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())
    # Behind a proxy on this machine everyone seems to come from here; a forwarded request gives itself away.
    return _is_loopback(request.remote_addr) and not any(name in request.environ for name in FORWARDED)


def _is_loopback(address: str | None) -> bool:
    try:
        return ip_address(address or "").is_loopback
    except ValueError:
        return False


def _headers(settings: Settings) -> dict[str, str]:
    # The stand-in's pages are on our own address, which a reader may have opened by another name.
    pay_pages = settings.site_url if settings.sandbox else STRIPE_PAGES
    policy = (
        "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; "
        f"form-action 'self' {pay_pages}; frame-ancestors 'none'; base-uri 'none'; object-src 'none'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), browsing-topics=()",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    if settings.https:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return headers
