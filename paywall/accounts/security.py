"""How Flask-Security is set up here: what of it we use, under which addresses, and who may enter."""

from datetime import timedelta
from functools import wraps

from flask import Flask, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user
from flask_security import Security, SQLAlchemyUserDatastore, password_reset
from flask_security import views as library

from paywall import jobs
from paywall.accounts import letters, limits, readers, sessions, wording
from paywall.accounts.forms import AddressForm, SignInForm
from paywall.accounts.letters import AccountMail
from paywall.accounts.models import Reader, Role
from paywall.accounts.passwords import SHORTEST, Passwords
from paywall.accounts.returning import destination, safe_next
from paywall.accounts.routes import PUBLIC, READER, may_enter
from paywall.config import Settings
from paywall.db import db

__all__ = ["destination", "init_app", "safe_next"]

OPTIONS = {
    "RECOVERABLE": True,
    "CHANGEABLE": True,
    "LOGIN_URL": "/sign-in",
    "LOGOUT_URL": "/sign-out",
    "RESET_URL": "/reset",
    "CHANGE_URL": "/account/security/password",
    "POST_LOGOUT_VIEW": "articles.front",
    "POST_CHANGE_VIEW": "accounts.security",
    "RESET_PASSWORD_WITHIN": timedelta(hours=1),
    "PASSWORD_LENGTH_MIN": SHORTEST,
    "PASSWORD_SCHEMES": ["argon2"],
    # Ties a reset link to the password that it replaces. The library's own choice is reckoned in Python, and
    # held a web process up for a quarter of a second each time.
    "HASHING_SCHEMES": ["pbkdf2_sha256"],
    "RETURN_GENERIC_RESPONSES": True,
    "USER_IDENTITY_ATTRIBUTES": [{"email": {"mapper": lambda email: email, "case_insensitive": False}}],
    "FRESHNESS": timedelta(-1),
    "API_ENABLED_METHODS": ["session"],
    "EMAIL_PLAINTEXT": False,
    "EMAIL_HTML": False,
    "EMAIL_TEMPLATE_PASSWORD_RESET_NOTICE": "password_changed",
    "EMAIL_TEMPLATE_PASSWORD_CHANGE_NOTICE": "password_changed",
    # None means a bare word here; the library's own True is written as "no-store=True", which no cache knows.
    "CACHE_CONTROL": {"private": None, "no-store": None},
    "STATIC_FOLDER": None,
    "CLI_USERS_NAME": None,
    "CLI_ROLES_NAME": None,
}


def init_app(app: Flask, settings: Settings) -> None:
    """Bring readers in: sessions, limits, and Flask-Security's pages under our addresses."""
    app.config.update({f"SECURITY_{name}": value for name, value in OPTIONS.items()})
    app.config.update({f"SECURITY_MSG_{name}": value for name, value in wording.MESSAGES.items()})
    limits.init_app(app, settings)
    sessions.init_app(app)
    security = Security(
        app,
        SQLAlchemyUserDatastore(db, Reader, Role),
        login_form=SignInForm,
        mail_util_cls=AccountMail,
        password_util_cls=Passwords,
    )
    security.want_json(lambda _request: False)
    # The session is the only key: the library would also take a token from a header or the query.
    app.login_manager.request_loader(lambda _request: None)  # type: ignore[attr-defined]  # Flask-Login's own
    app.login_manager.session_protection = None  # type: ignore[attr-defined]  # phones change address
    app.view_functions.update(_pages)
    app.jinja_env.globals.update(safe_next=safe_next, shortest_password=SHORTEST)
    password_reset.connect(_address_proven, app)


@may_enter(PUBLIC)
@limits.checks_secret
@wraps(library.login)
def _sign_in() -> ResponseReturnValue:
    answer: ResponseReturnValue = library.login()
    if current_user.is_authenticated:
        return redirect(destination(request.form.get("next") or request.args.get("next")), 303)
    return answer


@may_enter(PUBLIC)
@limits.writes_letters
def _forgot_password() -> ResponseReturnValue:
    form = AddressForm()
    if form.validate_on_submit():
        jobs.later(letters.reset, form.address)
        db.session.commit()
        flash(
            gettext("If %(email)s has an account, a letter with a link is on its way.", email=form.address),
            "info",
        )
        return redirect(url_for("security.login"), 303)
    return render_template("security/forgot_password.html", form=form)


_pages = {
    "security.login": _sign_in,
    "security.logout": may_enter(PUBLIC)(library.logout),
    "security.forgot_password": _forgot_password,
    "security.reset_password": may_enter(PUBLIC)(limits.checks_secret(library.reset_password)),
    "security.change_password": may_enter(READER)(limits.checks_secret(library.change_password)),
}


def _address_proven(_app: Flask, *, user: Reader, **_context: object) -> None:
    readers.confirm(user)
