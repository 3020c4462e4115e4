"""Who calls: a visitor, a reader or a program of the newsroom, by the bearer token alone; and how often."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from flask import Flask, g, request

from paywall.access.decision import Visitor
from paywall.access.institutions.reading import by_address
from paywall.access.meter import NONE_FREE
from paywall.access.visitors import NOBODY, Readers
from paywall.accounts.limits import client, limiter
from paywall.api import tokens
from paywall.api.models import Scope
from paywall.api.problems import PREFIX, Challenge, OutOfScope
from paywall.db import db, read_only

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

BY_ADDRESS, BY_TOKEN = "120/minute", "600/minute"
# Free reads are for people at the site.
UNMETERED = Readers(NONE_FREE)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls; with neither scopes nor an address it is any visitor."""

    token_id: int | None = None
    scopes: frozenset[Scope] = frozenset()
    email: str | None = None


class Blind:
    """WSGI: under /api/ no cookie is believed, so none is let through, and none is ever set for it."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ.get("PATH_INFO", "").startswith(PREFIX):
            environ.pop("HTTP_COOKIE", None)
        return self._app(environ, start_response)


def init_app(app: Flask) -> None:
    """Let no cookie through to the API."""
    app.wsgi_app = Blind(app.wsgi_app)  # type: ignore[method-assign]  # how Flask documents it


def enter() -> None:
    """Find out who calls, before every view; raises Challenge for a token that is not good."""
    given = request.headers.get("Authorization")
    g.caller = Caller() if given is None else _with_token(given)
    _count()
    if g.caller is None:
        raise Challenge("This token is unknown, expired or revoked.", is_bad=True)
    if request.method in {"GET", "HEAD"}:
        read_only()


def caller() -> Caller:
    """Who calls."""
    found: Caller = g.caller
    return found


def demand(scope: Scope, *, or_reader: bool = False) -> None:
    """Go on only for a token with this scope, or a reader's if that will do; raises Challenge, OutOfScope."""
    if caller().token_id is None:
        raise Challenge(f"This needs a token with the scope {scope}: Authorization: Bearer pw_...")
    if scope not in caller().scopes and not (or_reader and caller().email):
        raise OutOfScope(f"This token lacks the scope {scope}.", scope)


def visitor(now: datetime) -> Visitor:
    """Whoever calls, for the decision: with the scope articles:read a member of staff."""
    who = caller()
    if Scope.ARTICLES_READ in who.scopes:
        return Visitor(is_staff=True)
    return (reader(who.email, now) if who.email else None) or NOBODY


def reader(email: str, now: datetime) -> Visitor | None:
    """The reader with this normalised address; None if there is no such account."""
    known = UNMETERED.by_email(db.session, email, "", now)
    return by_address(known, now) if known else None


def _with_token(header: str) -> Caller | None:
    kind, _, secret = header.partition(" ")
    good = tokens.find(secret.strip()) if kind.lower() == "bearer" else None
    return Caller(good.id, good.scopes, good.email) if good else None


def _token() -> str:
    return f"token:{g.caller.token_id}"


def _has_token() -> bool:
    return g.caller is not None and g.caller.token_id is not None


@limiter.shared_limit(lambda: BY_TOKEN, "api-token", key_func=_token, exempt_when=lambda: not _has_token())
@limiter.shared_limit(lambda: BY_ADDRESS, "api-client", key_func=client, exempt_when=_has_token)
def _count() -> None:
    """Count this call, those with a bad token like those without one; raises TooManyRequests."""
