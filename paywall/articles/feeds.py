"""The paper as Atom and RSS: teasers for everyone, and at a secret address what its owner may read."""

from datetime import datetime
from email.utils import format_datetime

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response as AnyResponse

from paywall import clock
from paywall.accounts.limits import by_reader, limiter
from paywall.accounts.privacy import for_all
from paywall.accounts.routes import may_enter
from paywall.articles import cards, personal, syndication
from paywall.articles.models import Section
from paywall.articles.syndication import Entry
from paywall.db import db

ENTRIES = 30
AGE = 300
KINDS = {"atom": "application/atom+xml", "rss": "application/rss+xml"}

feeds = Blueprint("feeds", __name__)


@feeds.get("/feed.atom", defaults={"kind": "atom"})
@feeds.get("/feed.rss", defaults={"kind": "rss"})
@may_enter("public")
def feed(kind: str) -> Response:
    """The newest articles of all sections."""
    return _public(kind, None)


@feeds.get("/section/<slug>/feed.atom", defaults={"kind": "atom"})
@feeds.get("/section/<slug>/feed.rss", defaults={"kind": "rss"})
@may_enter("public")
def section_feed(slug: str, kind: str) -> Response:
    """The newest articles of one section."""
    known = db.session.execute(select(Section.slug, Section.name).where(Section.slug == slug)).first()
    if known is None:
        abort(404)
    return _public(kind, cards.SectionName(*known))


@feeds.get("/feed/<token>.atom", defaults={"kind": "atom"})
@feeds.get("/feed/<token>.rss", defaults={"kind": "rss"})
@may_enter("public")
def personal_feed(token: str, kind: str) -> Response:
    """The newest articles, each as far as the owner of this address may read it at this instant."""
    owner, now = personal.reader(token), clock.now()
    if owner is None:
        abort(404)
    response = _response(kind, personal.entries(owner, now, limit=ENTRIES))
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    # Who opens it in a browser is renewed their session on another page: this one sets no cookie.
    session.modified = False
    return response


@feeds.post("/account/feed")
@may_enter("reader")
@limiter.limit("20/hour", key_func=by_reader)
def renew_feed() -> AnyResponse:
    """Give the reader a secret address, or a new one: the old one is dead at once."""
    if not personal.may_begin(current_user, clock.now()):
        abort(403)
    personal.renew(current_user.id)
    db.session.commit()
    return redirect(url_for("billing.account", _anchor="feed"))


@feeds.post("/account/feed/stop")
@may_enter("reader")
def stop_feed() -> AnyResponse:
    """Switch the reader's own feed off."""
    personal.stop(current_user.id)
    db.session.commit()
    return redirect(url_for("billing.account", _anchor="feed"))


@feeds.app_template_filter("rfc3339")
def _rfc3339(instant: object) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


@feeds.app_template_filter("rfc822")
def _rfc822(instant: datetime) -> str:
    return format_datetime(instant, usegmt=True)


def _public(kind: str, section: cards.SectionName | None) -> Response:
    found = cards.newest(clock.now(), limit=ENTRIES, section=section.slug if section else None)
    response = _response(kind, [Entry(card) for card in found], section, is_public=True)
    return for_all(response, f"public, max-age={AGE}")


def _response(
    kind: str, entries: list[Entry], section: cards.SectionName | None = None, *, is_public: bool = False
) -> Response:
    text = render_template(
        f"articles/{kind}.xml",
        entries=entries,
        section=section,
        changed=max((entry.changed_at for entry in entries), default=None),
        is_public=is_public,
    )
    response = current_app.response_class(syndication.xml(text), mimetype=KINDS[kind])
    response.add_etag()
    response.make_conditional(request.environ)
    return response
