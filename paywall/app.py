"""create_app(): configuration, extensions, the door, the rooms, errors and commands, in reading order."""

import hashlib
import hmac
from datetime import datetime

import structlog
from flask import Flask, render_template, request
from flask_babel import Babel, format_date
from flask_login import current_user
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import HTTPException, TooManyRequests
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response

from paywall import clock, config, db, jobs, mail, watch
from paywall.access import middleware
from paywall.access.decision import Decision, Reason, Show
from paywall.accounts import limits, routes, security
from paywall.accounts.views import accounts
from paywall.articles import feeds
from paywall.articles.search_views import searching
from paywall.articles.views import ARTICLE_PATH, articles, lookup
from paywall.billing import (
    gateway,
    reminders,  # noqa: F401  # nobody calls it: it declares jobs
)
from paywall.billing.gifts.views import given
from paywall.billing.groups.views import grouped
from paywall.billing.repricing import moving  # noqa: F401  # likewise
from paywall.billing.selfcare.views import selfcare
from paywall.billing.views import billing
from paywall.cli import commands
from paywall.config import Settings
from paywall.errors import PaywallError, WrongSetting
from paywall.membership import record
from paywall.reports.views import reports

log = structlog.get_logger()


def create_app(settings: Settings | None = None) -> Flask:
    """The whole product as a WSGI application; without `settings` they come from the environment."""
    settings = settings or config.load()
    app = Flask("paywall", template_folder="../templates")
    _configure(app, settings)
    watch.init_app(app, settings)
    db.init_app(app, settings)
    Babel(app, default_locale=settings.language, default_timezone=settings.timezone)
    _presentation(app, settings)
    csrf = CSRFProtect(app)
    mail.init_app(app, settings)
    security.init_app(app, settings)
    routes.init_app(app)
    for blueprint in (articles, feeds.feeds, searching, accounts, billing, given, grouped, selfcare, reports):
        app.register_blueprint(blueprint)
    csrf.exempt("paywall.billing.views.webhook")
    if settings.sandbox:
        _sandbox(app, settings)
    else:
        gateway.init_app(app, settings)
    jobs.init_app(app, settings)
    middleware.init_app(app, settings, prefix=ARTICLE_PATH, lookup=lookup)
    if settings.proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # how Flask documents it
            app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies, x_host=settings.proxies
        )
    watch.stand_outside(app)
    _errors(app)
    app.cli.add_command(commands)
    return app


def _configure(app: Flask, settings: Settings) -> None:
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        raise WrongSetting(f"PAYWALL_DATA_DIR: cannot make the folder ({failure.strerror})") from None
    secret = settings.secret_key.get_secret_value()
    app.extensions["settings"] = settings
    app.config.update(
        SECRET_KEY=secret,
        SECURITY_PASSWORD_SALT=hmac.new(secret.encode(), b"passwords", hashlib.sha256).hexdigest(),
        SESSION_COOKIE_NAME="paywall",
        SESSION_COOKIE_SECURE=settings.https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=settings.session_days * 24 * 3600,
        PREFERRED_URL_SCHEME="https" if settings.https else "http",
        MAX_CONTENT_LENGTH=2 * 1024 * 1024,
        WTF_CSRF_TIME_LIMIT=None,
        # The signed token in a SameSite cookie's session is the guard; some browsers send no Referer at all.
        WTF_CSRF_SSL_STRICT=False,
    )


def _sandbox(app: Flask, settings: Settings) -> None:
    """Demo mode: the stand-in takes Stripe's place and lends us its clock; nothing else knows of it."""
    from paywall.sandbox import Sandbox, delivery, views

    stand_in = Sandbox(
        settings.data_dir / "sandbox.sqlite3",
        public_url=settings.site_url,
        on_event=lambda: jobs.soon(app, delivery.deliver),
    )
    app.extensions["sandbox"] = stand_in
    clock.use(stand_in.now)
    gateway.init_app(
        app,
        settings,
        api_key=stand_in.api_key,
        http_client=stand_in.http_client(timeout=15),
        secrets=stand_in.webhook_secrets,
    )
    app.register_blueprint(views.blueprint(stand_in, merchant=settings.site_name, letters=mail.newest))


def _presentation(app: Flask, settings: Settings) -> None:
    """What every page and letter can say: whose site it is, who reads it, and what day something is."""

    @app.context_processor
    def _about() -> dict[str, object]:
        return {
            "site_name": settings.site_name,
            "site_url": settings.site_url,
            "language": settings.language.replace("_", "-"),
            "signed_in": _signed_in,
            "offers_joining": _offers_joining,
        }

    @app.template_filter("longdate")
    def _longdate(instant: datetime) -> str:
        return str(format_date(instant, "long"))


def _signed_in() -> bool:
    if middleware.SIGNED_IN in request.environ:
        return bool(request.environ[middleware.SIGNED_IN])
    return bool(current_user.is_authenticated)


def _offers_joining() -> bool:
    """Whether to ask the visitor to become a patron: not if the page knows that they are one."""
    decision: Decision | None = request.environ.get(middleware.DECISION)
    if decision is not None:
        is_patron = decision.reason is Reason.HIGHER_PLAN
        return not is_patron and (decision.show is Show.TEASER or not _signed_in())
    return not (current_user.is_authenticated and record.billed(current_user.id))


def _errors(app: Flask) -> None:
    def page(status: int, message: str) -> tuple[str, int]:
        return render_template("error.html", status=status, message=message), status

    @app.errorhandler(PaywallError)
    def _refused(error: PaywallError) -> tuple[str, int]:
        return page(error.status, error.message)

    @app.errorhandler(CSRFError)
    def _stale(error: CSRFError) -> tuple[str, int]:
        return render_template("error.html", status=400, message=None, stale_form=True), 400

    @app.errorhandler(TooManyRequests)
    def _too_many(_: TooManyRequests) -> tuple[str, int, dict[str, str]]:
        return *page(429, ""), {"Retry-After": str(limits.seconds_left())}

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> tuple[str, int] | Response:
        if error.code is None or error.code < 400:
            return error.get_response()
        return page(error.code, "")

    @app.errorhandler(Exception)
    def _broken(error: Exception) -> tuple[str, int]:
        log.error("unhandled", exc_info=error)
        return page(500, "")
