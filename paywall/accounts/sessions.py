"""What a signed session says, how one begins at sign-in, and how it is kept from running out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, TypedDict

from flask import Flask, g, session
from flask.sessions import SecureCookieSessionInterface
from flask_security import user_authenticated
from itsdangerous import BadSignature

from paywall import clock

VERIFIED_KEPT = 5000
RENEW_AFTER = timedelta(days=7)
# What brought a visitor here; who listens to the sign-in takes it out.
CAME_BY = "came_by"
KEPT = ("_user_id", "_fresh", "_id", "fs_paa", "_flashes", CAME_BY)
SINCE = "since"
# When whoever sits here last proved who they are: a cookie that somebody copied grows stale by it.
PROVEN = "proven"
FRESH_FOR = timedelta(minutes=15)
# Which second factor was given here (`factors.mark`), and when; asked for once in a working day.
FACTOR = "factor"
FACTOR_FOR = timedelta(hours=12)
WAITING = "waiting"


@dataclass(frozen=True)
class SessionFacts:
    """Whom a session names (`uniquifier` = Reader.fs_uniquifier), and whether a message waits to be shown."""

    uniquifier: str | None
    has_flashes: bool


class Waiting(TypedDict):
    """The proof whose code this browser may enter, and what was asked for with it."""

    id: int
    email: str
    next: str | None
    is_new: bool


NOBODY = SessionFacts(uniquifier=None, has_flashes=False)


def reader_key(app: Flask) -> Callable[[Mapping[str, Any]], SessionFacts]:
    """A reader of session cookies that needs a WSGI environ only; a bad or expired cookie is nobody.

    Those seen last are verified once, for that takes longer than all else at the door; their age counts anew.
    """
    assert isinstance(app.session_interface, SecureCookieSessionInterface)
    signer = app.session_interface.get_signing_serializer(app)
    assert signer is not None
    name = app.session_interface.get_cookie_name(app)
    max_age = app.permanent_session_lifetime

    @lru_cache(maxsize=VERIFIED_KEPT)
    def verified(cookie: str) -> tuple[SessionFacts, datetime]:
        found, signed_at = signer.loads(cookie, return_timestamp=True)
        return SessionFacts(found.get("_user_id"), bool(found.get("_flashes"))), signed_at

    def facts(environ: Mapping[str, Any]) -> SessionFacts:
        cookie = cookie_in(environ, name)
        if not cookie:
            return NOBODY
        try:
            found, signed_at = verified(cookie)
        except BadSignature:
            return NOBODY
        age = clock.wall() - signed_at
        return found if timedelta(0) <= age <= max_age else NOBODY

    return facts


def cookie_in(environ: Mapping[str, Any], name: str) -> str:
    """The value of a cookie of ours in a WSGI environ, "" if there is none.

    Ours hold nothing that is quoted or escaped, so a parser for all that cookies can be is not needed.
    """
    for pair in environ.get("HTTP_COOKIE", "").split(";"):
        known, _, value = pair.partition("=")
        if known.strip() == name:
            return str(value.strip())
    return ""


def waiting() -> Waiting | None:
    """The proof that this browser waits for, if any."""
    found: Waiting | None = session.get(WAITING)
    return found


def wait_for(proof: Waiting) -> None:
    """Let this browser, and no other, enter the code of a proof."""
    session[WAITING] = proof


def is_fresh() -> bool:
    """Whether this browser has proven who is signed in within the last quarter of an hour."""
    return _is_within(session.get(PROVEN), FRESH_FOR)


def prove() -> None:
    """Note that who is signed in has just proven it."""
    session[PROVEN] = _wall_seconds()


def has_given(mark: str, *, fresh: bool = False) -> bool:
    """Whether the second factor of this mark was given here today, or with `fresh` just now."""
    given, at = session.get(FACTOR, ("", None))
    return given == mark and _is_within(at, FRESH_FOR if fresh else FACTOR_FOR)


def give(mark: str) -> None:
    """Note that the second factor of this mark was given."""
    session[FACTOR] = [mark, _wall_seconds()]


def init_app(app: Flask) -> None:
    """Begin a new session at each sign-in, and sign it again once a week while it is used."""
    user_authenticated.connect(_begin, app)
    app.before_request(_renew)


def _begin(_app: Flask, **_facts: object) -> None:
    """Nothing of the session before the sign-in lives on: neither a form's token nor a pending code."""
    for key in [key for key in session if key not in KEPT]:
        session.pop(key)
    g.pop("csrf_token", None)
    session.permanent = True
    session[SINCE] = int(clock.now().timestamp())
    prove()


def _renew() -> None:
    if "_user_id" not in session:
        return
    now = int(clock.now().timestamp())
    if abs(now - session.get(SINCE, 0)) > RENEW_AFTER.total_seconds():
        session[SINCE] = now


def _is_within(at: int | None, limit: timedelta) -> bool:
    return at is not None and 0 <= _wall_seconds() - at < limit.total_seconds()


def _wall_seconds() -> int:
    # When a person did something at a browser: a demo's clock that is moved on does not make it longer ago.
    return int(clock.wall().timestamp())
