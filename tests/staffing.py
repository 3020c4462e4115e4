"""Staff at their browsers: `staff("editor")` is one in which an editor is signed in."""

from collections.abc import Callable

import pytest
from flask import Flask, session
from flask.testing import FlaskClient
from flask_security import login_user

from paywall import clock
from paywall.accounts.models import Reader, StaffRole
from paywall.accounts.staff import row
from paywall.db import db

Staff = Callable[..., FlaskClient]


@pytest.fixture
def staff(app: Flask) -> Staff:
    """A browser, and in it an account with the roles given, just signed in: `staff("owner", email="...")`.

    The address is the first role's, at staff.example, if none is given. What is skipped is the typing: the
    session is begun by what the sign-in pages call. Whoever of the address exists already is signed in.
    """

    def begin(*roles: str, email: str = "") -> FlaskClient:
        email = email or f"{roles[0]}@staff.example"
        with app.test_request_context():
            reader = db.session.query(Reader).filter_by(email=email).one_or_none() or Reader(email=email)
            reader.confirmed_at = reader.confirmed_at or clock.now()
            reader.roles = [row(StaffRole(role)) for role in roles]
            db.session.add(reader)
            db.session.commit()
            login_user(reader, remember=False, authn_via=["email"])
            return _with_session(app)

    return begin


def _with_session(app: Flask) -> FlaskClient:
    """A browser that has the cookie of the session of this request."""
    answer, client = app.response_class(), app.test_client()
    app.session_interface.save_session(app, session, answer)
    name, _, rest = answer.headers["Set-Cookie"].partition("=")
    client.set_cookie(name, rest.partition(";")[0])
    return client
