"""create_app(): configuration, extensions, the door, the rooms, errors and commands, in reading order."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import structlog
from flask import Flask, render_template, request
from flask_babel import Babel, format_date
from flask_login import current_user
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import HTTPException, TooManyRequests
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response

from paywall import clock, config, db, jobs, mail, watch
from paywall.access import crawlers, middleware
from paywall.access.arrivals import Arrival
from paywall.access.decision import Reason, Show
from paywall.access.gift_links import arriving, forgetting, opening  # noqa: F401  # it declares a job
from paywall.access.institutions import reading
from paywall.access.journey import arriving as journey
from paywall.access.journey.steps import Step
from paywall.accounts import factors, limits, privacy, routes, security
from paywall.accounts.factor_views import factor
from paywall.accounts.proving import proving
from paywall.accounts.views import accounts
from paywall.api import callers, problems
from paywall.api.views import api
from paywall.articles import elsewhere, engines, feeds, gates
from paywall.articles.gift_pages import gift_links
from paywall.articles.search_views import searching
from paywall.articles.views import articles
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
from paywall.office.desk import access_acts, acts, money_acts  # noqa: F401  # they add their pages to the desk
from paywall.office.desk.views import desk
from paywall.office.house.rooms import HOUSE
from paywall.office.money.tie_out import money
from paywall.office.newsroom.gate_views import gatehouse
from paywall.office.newsroom.version_views import article_versions
from paywall.office.newsroom.views import newsroom
from paywall.office.views import office
from paywall.reports.views import reports

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

ROOMS = (
    # Before all others, because it says how large its forms may be, and others look into forms.
    newsroom,
    articles,
    feeds.feeds,
    searching,
    engines.engines,
    gift_links,
    accounts,
    proving,
    factor,
    billing,
    given,
    grouped,
    selfcare,
    reports,
    office,
    money,
    desk,
    article_versions,
    gatehouse,
    *HOUSE,
    api,
)

# Pages that are steps on the path from teaser to payment.
STEPS = {"accounts.sign_up": Step.SIGN_UP_PAGE, "billing.join": Step.PLAN_PAGE}

log = structlog.get_logger()


def create_app(settings: Settings | None = None, *, site: "WSGIApplication | None" = None) -> Flask:
    """The whole product as a WSGI application; without `settings` they come from the environment.

    `site`: an application that has the pages in place of the paper's own, behind the guard.
    """
    settings = settings or config.load()
    app = Flask("paywall", template_folder="../templates")
    _configure(app, settings)
    privacy.init_app(app)
    watch.init_app(app, settings)
    db.init_app(app, settings)
    Babel(app, default_locale=settings.language, default_timezone=settings.timezone)
    _presentation(app, settings, has_paper=not (site or settings.upstream))
    _forms(app)
    mail.init_app(app, settings)
    security.init_app(app, settings)
    routes.init_app(app)
    for blueprint in ROOMS:
        app.register_blueprint(blueprint)
    if settings.sandbox:
        _sandbox(app, settings)
    else:
        gateway.init_app(app, settings)
    jobs.init_app(app, settings)
    callers.init_app(app)
    _door(app, settings, site)
    _behind_proxies(app, settings.proxies)
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


def _forms(app: Flask) -> None:
    """Ask each form for its token. Who signs what they send needs none, nor who comes without any cookie."""
    csrf = CSRFProtect(app)
    csrf.exempt("paywall.billing.views.webhook")
    csrf.exempt(api)


def _door(app: Flask, settings: Settings, site: "WSGIApplication | None") -> None:
    """What stands before every article, and all that it asks."""
    for known in (crawlers, opening, arriving, reading):
        known.init_app(app, settings)
    journey.init_app(app, settings, STEPS)
    middleware.init_app(app, settings, prefix=gates.ARTICLE_PATH, lookup=gates.lookup(settings))
    elsewhere.init_app(app, settings, site)


def _behind_proxies(app: Flask, count: int) -> None:
    if count:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # how Flask documents it
            app.wsgi_app, x_for=count, x_proto=count, x_host=count
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
    pages = views.blueprint(stand_in, merchant=settings.site_name, letters=mail.newest, phones=factors.phones)
    app.register_blueprint(pages)


def _presentation(app: Flask, settings: Settings, *, has_paper: bool) -> None:
    """What every page and letter can say: whose site it is, who reads it, and what day something is."""

    @app.context_processor
    def _about() -> dict[str, object]:
        return {
            "site_name": settings.site_name,
            "site_url": settings.site_url,
            "language": settings.language.replace("_", "-"),
            "signed_in": _signed_in,
            "offers_joining": _offers_joining,
            "has_paper": has_paper,
        }

    @app.template_filter("longdate")
    def _longdate(instant: datetime) -> str:
        return str(format_date(instant, "long"))


def _signed_in() -> bool:
    arrival: Arrival | None = request.environ.get(middleware.ARRIVAL)
    return arrival.signed_in if arrival else bool(current_user.is_authenticated)


def _offers_joining() -> bool:
    """Whether to ask the visitor to become a patron: not if the page knows that they are one."""
    arrival: Arrival | None = request.environ.get(middleware.ARRIVAL)
    if arrival is not None:
        is_asked = arrival.decision.show is Show.TEASER or arrival.decision.reason is Reason.METERED
        return arrival.decision.reason is not Reason.HIGHER_PLAN and (is_asked or not arrival.signed_in)
    return not (current_user.is_authenticated and record.billed(current_user.id))


def _errors(app: Flask) -> None:
    @app.errorhandler(PaywallError)
    def _refused(error: PaywallError) -> Response:
        return _said(error.status, error.message, error)

    @app.errorhandler(CSRFError)
    def _stale(error: CSRFError) -> tuple[str, int]:
        return render_template("error.html", status=400, message=None, stale_form=True), 400

    @app.errorhandler(TooManyRequests)
    def _too_many(error: TooManyRequests) -> Response:
        return _said(429, "", error, {"Retry-After": str(limits.seconds_left())})

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        if error.code is None or error.code < 400:
            return error.get_response()
        return _said(error.code, "", error, {k: v for k, v in error.get_headers() if k == "Allow"})

    @app.errorhandler(Exception)
    def _broken(error: Exception) -> Response:
        log.error("unhandled", exc_info=error)
        return _said(500, "", error)


def _said(status: int, message: str, error: Exception, headers: Mapping[str, str] | None = None) -> Response:
    """What went wrong, as a page for people and as a problem for programs."""
    if problems.is_wanted():
        return problems.answer(status, message, error, headers)
    page = render_template("error.html", status=status, message=message)
    return Response(page, status, headers, mimetype="text/html")
