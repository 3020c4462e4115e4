"""Staff at their browsers: `staff("editor")` is one in which an editor is signed in; and their phones."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask import Flask, session
from flask.testing import FlaskClient
from flask_security import login_user
from passlib.totp import TOTP
from werkzeug.test import TestResponse

from paywall import clock
from paywall.accounts import factors, sessions
from paywall.accounts.models import Factor, Reader, StaffRole
from paywall.accounts.staff import row
from paywall.db import db
from tests.accounts.browser import send
from tests.billing.apart import Apart

Staff = Callable[..., FlaskClient]
SET_UP = "/account/factor/set-up"


@pytest.fixture
def staff(app: Flask) -> Staff:
    """A browser, and in it an account with the roles given, just signed in: `staff("owner", email="...")`.

    The address is the first role's, at staff.example, if none is given. What is skipped is the typing: the
    session is begun by what the sign-in pages call. Whoever of the address exists already is signed in.
    """

    def begin(*roles: str, email: str = "") -> FlaskClient:
        with app.app_context(), app.test_request_context():
            reader = _with_factor(email or f"{roles[0]}@staff.example", roles)
            login_user(reader, remember=False, authn_via=["email"])
            held = factors.of(reader.id)
            assert held
            sessions.give(factors.mark(held))
            return _with_session(app)

    return begin


@dataclass
class Phone:
    """An app that was given this key. It shows no code twice: whoever cannot wait gets that of the next half
    minute, which is taken too; the one after it is not."""

    key: str
    newest: int = 0

    def shows(self) -> str:
        """Six digits that were not used before."""
        self.newest = max(int(clock.wall().timestamp()) // 30, self.newest + 1)
        return str(TOTP(self.key.replace(" ", "")).generate(30 * self.newest).token)


def key_in(page: TestResponse) -> str:
    """The key that a page has beside its picture."""
    found = re.search(r'<code class="key">([A-Z2-7 ]+)</code>', page.text)
    assert found, page.text
    return found.group(1)


def set_up(client: FlaskClient, next_path: str = "") -> tuple[Phone, list[str]]:
    """Set the second factor up as the page says; the phone, and the recovery codes."""
    phone = Phone(key_in(client.get(SET_UP)))
    answer = send(client, SET_UP, code=phone.shows(), next=next_path)
    codes = re.findall(r"<code>([0-9a-f-]{14})</code>", answer.text)
    assert len(codes) == factors.RECOVERY_CODES, answer.text
    return phone, codes


def grow_stale(client: FlaskClient, **how_long: float) -> None:
    """Let the proofs in a browser's session be `timedelta(**how_long)` older."""
    seconds = int(timedelta(**how_long).total_seconds())
    with client.session_transaction() as held:
        held[sessions.PROVEN] -= seconds
        if sessions.FACTOR in held:
            mark, at = held[sessions.FACTOR]
            held[sessions.FACTOR] = [mark, at - seconds]


def _with_factor(email: str, roles: tuple[str, ...]) -> Reader:
    reader = db.session.query(Reader).filter_by(email=email).one_or_none() or Reader(email=email)
    reader.confirmed_at = reader.confirmed_at or clock.now()
    reader.roles = [row(StaffRole(role)) for role in roles]
    db.session.add(reader)
    db.session.flush()
    if factors.of(reader.id) is None:
        db.session.add(Factor(reader_id=reader.id, salt=factors.new_salt(), last_step=0))
    db.session.commit()
    return reader


def _with_session(app: Flask) -> FlaskClient:
    """A browser that has the cookie of the session of this request."""
    answer, client = app.response_class(), Apart(app)
    app.session_interface.save_session(app, session, answer)
    name, _, rest = answer.headers["Set-Cookie"].partition("=")
    client.set_cookie(name, rest.partition(";")[0])
    return client
