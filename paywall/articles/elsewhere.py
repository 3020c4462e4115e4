"""When the paper's pages are another site's: which paths stay ours, and what we show in front of it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from flask import Flask, render_template
from flask.ctx import RequestContext
from selectolax.lexbor import LexborHTMLParser, SelectolaxError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import Map
from werkzeug.security import safe_join
from werkzeug.wrappers import Response

from paywall import clock
from paywall.access.arrivals import Arrival, Arrivals
from paywall.access.decision import Gate, Reason
from paywall.access.guard import Decider, Denied, Guard, Noted
from paywall.access.journey.arriving import Journey
from paywall.access.marked import Marks
from paywall.access.middleware import ARRIVAL
from paywall.access.pages import PageStore
from paywall.access.patterns import Rules
from paywall.access.upstream import Upstream
from paywall.articles.offer import Offer, offer
from paywall.config import Settings
from paywall.errors import WrongSetting

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Their pages are the site's as soon as there is one.
PAPER = frozenset({"articles", "engines", "feeds", "searching"})
# Cookies of ours beside the session's begin like it, or are those of the sign-in.
COOKIES = ("paywall", "remember_token", "tf_validity", "fs_")
OURS = "paywall-"
MB = 1024 * 1024

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Told:
    """What the offer says of a page at `path`; its words are 0 where they are not known."""

    offer: Offer
    path: str
    words: int
    words_read: int


class Elsewhere:
    """Hands a request to the app if the path is one of ours, and all else to the site behind its guard."""

    def __init__(self, app: Flask, ours: "WSGIApplication", site: "WSGIApplication") -> None:
        self._ours, self._site = ours, site
        self._static = Path(app.static_folder or "")
        rules = app.url_map.iter_rules()
        self._rules = Map([rule.empty() for rule in rules if rule.endpoint.partition(".")[0] not in PAPER])

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        answering = self._ours if self._is_ours(environ) else self._site
        return answering(environ, start_response)

    def _is_ours(self, environ: "WSGIEnvironment") -> bool:
        path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
        try:
            endpoint, values = self._rules.bind("").match(path, environ["REQUEST_METHOD"])
        except NotFound:
            return False
        except HTTPException:
            return True
        # The site may have a folder of that name as well.
        return endpoint != "static" or self._has(values["filename"])

    def _has(self, name: str) -> bool:
        place = safe_join(str(self._static), name)
        return place is not None and Path(place).is_file()


class Faces:
    """What readers see of us on another's site, and in its place."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def offer(self, environ: "WSGIEnvironment", denied: Denied) -> str:
        """The offer under names that no style sheet of the site has, with a style sheet of its own."""
        with self._context(environ):
            return _apart(render_template("access/fragment.html", **_told(denied, environ)))

    def locked(self, environ: "WSGIEnvironment", denied: Denied, status: int) -> Response:
        """Our own page with the title and the offer."""
        with self._context(environ):
            told = _told(denied, environ) | {"title": self._own_title(denied.title)}
            response = self._page(render_template("access/locked.html", **told), status)
        response.headers["X-Paywall"] = f"{denied.decision.show}; reason={denied.decision.reason}"
        return response

    def error(self, environ: "WSGIEnvironment", status: int) -> Response:
        """The page that the app has for this status."""
        with self._context(environ):
            return self._page(render_template("error.html", status=status, message=None), status)

    def _context(self, environ: "WSGIEnvironment") -> RequestContext:
        # Who asks is known already, or is no matter: without a cookie nobody is looked up once more.
        return self._app.request_context({**environ, "HTTP_COOKIE": ""})

    def _own_title(self, title: str) -> str:
        """A page's title without the site's name, which most themes put behind it."""
        name = re.escape(self._app.extensions["settings"].site_name)
        return re.sub(rf"\s+[-–—|·•»]\s+{name}$", "", title)

    def _page(self, html: str, status: int) -> Response:
        response = self._app.process_response(self._app.make_response((html, status)))
        response.headers["Cache-Control"] = "private, no-store"
        response.headers["X-Robots-Tag"] = "noindex"
        return response


def init_app(app: Flask, settings: Settings, site: "WSGIApplication | None" = None) -> None:
    """Put this site, or that of the settings, behind its guard in place of the paper's own pages."""
    faces = Faces(app)
    if site is None and settings.upstream:
        site = _upstream(settings, faces)
    if site is not None:
        app.wsgi_app = Elsewhere(  # type: ignore[method-assign]  # how Flask documents it
            app, app.wsgi_app, guard(app, settings, site, faces)
        )


def _upstream(settings: Settings, faces: Faces) -> Upstream:
    return Upstream(
        settings.upstream,
        public=settings.site_url,
        host=settings.upstream_host or settings.site_url.partition("://")[2],
        seconds=settings.upstream_seconds,
        is_ours=lambda name: name.startswith(COOKIES),
        error=faces.error,
    )


def guard(app: Flask, settings: Settings, site: "WSGIApplication", faces: Faces) -> Guard:
    """The guard before any WSGI app, by the settings; raises WrongSetting for rules that cannot be read."""
    rules = Rules.read(Path(settings.upstream_rules)) if settings.upstream_rules else Rules()
    return Guard(
        site,
        rules=rules,
        marks=Marks(settings.upstream_mark, _selectors(settings.upstream_text), settings.teaser_words),
        decider=_decider(app),
        noted=_noted(app),
        faces=faces,
        store=PageStore(settings.page_store_mb * MB),
        limit=settings.upstream_page_mb * MB,
    )


def _decider(app: Flask) -> Decider:
    """The decision of the door."""
    arrivals: Arrivals = app.extensions["arrivals"]

    def decided(environ: "WSGIEnvironment", gate: Gate, key: str) -> Arrival:
        return arrivals.decide(environ, gate, _short(key), clock.now())

    return decided


def _noted(app: Flask) -> Noted:
    """Who came to a page of the site is counted as they are on one of ours."""
    journey: Journey = app.extensions["journey"]

    def noted(environ: "WSGIEnvironment", arrival: Arrival, key: str) -> Arrival:
        more = journey.arrived(arrival.decision.reason, environ, _short(key), clock.now(), path=key)
        return replace(arrival, headers=arrival.headers + more, is_shared=False) if more else arrival

    return noted


def _short(key: str) -> str:
    """A page is named by its address; its key for the door must be short and plain."""
    return blake2b(key.encode(), digest_size=12).hexdigest()


def _selectors(text: str) -> tuple[str, ...]:
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    for selector in found:
        try:
            LexborHTMLParser("").css(selector)
        except SelectolaxError:
            raise WrongSetting(f"PAYWALL_UPSTREAM_TEXT: {selector!r} is no selector") from None
    return found


def _told(denied: Denied, environ: "WSGIEnvironment") -> dict[str, object]:
    told = Told(
        _offer(denied, signed_in=environ[ARRIVAL].signed_in),
        denied.here,
        denied.words,
        denied.words - denied.words_left,
    )
    return {"sheet": told}


def _offer(denied: Denied, *, signed_in: bool) -> Offer:
    try:
        return offer(denied.gate, denied.decision, signed_in=signed_in)
    except SQLAlchemyError:
        log.exception("offer_unknown")
        return Offer(Reason.UNKNOWN_GATE, (), None)


def _apart(html: str) -> str:
    body = LexborHTMLParser(f"<!doctype html><body>{html}").body
    assert body is not None, "the parser makes a body for any input"
    for name in ("class", "id", "aria-labelledby"):
        for node in body.css(f"[{name}]"):
            node.attrs[name] = " ".join(f"{OURS}{word}" for word in (node.attributes[name] or "").split())
    return (body.inner_html or "").strip()
