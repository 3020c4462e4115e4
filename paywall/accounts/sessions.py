"""What a signed session says, how one begins at sign-in, and how it is kept from running out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypedDict

from flask import Flask, g, session
from flask.sessions import SecureCookieSessionInterface
from flask_security import user_authenticated
from itsdangerous import BadSignature
from werkzeug.http import parse_cookie

from paywall import clock

RENEW_AFTER = timedelta(days=7)
# What brought a visitor here; who listens to the sign-in takes it out.
CAME_BY = "came_by"
KEPT = ("_user_id", "_fresh", "_id", "fs_paa", "_flashes", CAME_BY)
SINCE = "since"
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
    """A reader of session cookies that needs a WSGI environ only; a bad or expired cookie is nobody."""
    assert isinstance(app.session_interface, SecureCookieSessionInterface)
    signer = app.session_interface.get_signing_serializer(app)
    assert signer is not None
    name = app.session_interface.get_cookie_name(app)
    max_age = int(app.permanent_session_lifetime.total_seconds())

    def facts(environ: Mapping[str, Any]) -> SessionFacts:
        try:
            found = signer.loads(parse_cookie(environ.get("HTTP_COOKIE")).get(name, ""), max_age=max_age)
        except (BadSignature, UnicodeDecodeError):
            return NOBODY
        return SessionFacts(found.get("_user_id"), bool(found.get("_flashes")))

    return facts


def waiting() -> Waiting | None:
    """The proof that this browser waits for, if any."""
    found: Waiting | None = session.get(WAITING)
    return found


def wait_for(proof: Waiting) -> None:
    """Let this browser, and no other, enter the code of a proof."""
    session[WAITING] = proof


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


def _renew() -> None:
    if "_user_id" not in session:
        return
    now = int(clock.now().timestamp())
    if abs(now - session.get(SINCE, 0)) > RENEW_AFTER.total_seconds():
        session[SINCE] = now
