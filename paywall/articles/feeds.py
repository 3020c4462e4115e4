"""The paper as Atom feeds: titles and teasers, never a body."""

import re

from flask import Blueprint, Response, abort, current_app, render_template, request
from sqlalchemy import select

from paywall import clock
from paywall.accounts.privacy import for_all
from paywall.accounts.routes import may_enter
from paywall.articles import cards
from paywall.articles.models import Section
from paywall.db import db

ENTRIES = 30
AGE = 300
# What XML 1.0 cannot hold, not even escaped.
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

feeds = Blueprint("feeds", __name__)


@feeds.get("/feed.atom")
@may_enter("public")
def feed() -> Response:
    """The newest articles of all sections."""
    return _feed(None)


@feeds.get("/section/<slug>/feed.atom")
@may_enter("public")
def section_feed(slug: str) -> Response:
    """The newest articles of one section."""
    known = db.session.execute(select(Section.slug, Section.name).where(Section.slug == slug)).first()
    if known is None:
        abort(404)
    return _feed(cards.SectionName(*known))


@feeds.app_template_filter("rfc3339")
def _rfc3339(instant: object) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


def _feed(section: cards.SectionName | None) -> Response:
    entries = cards.newest(clock.now(), limit=ENTRIES, section=section.slug if section else None)
    changed = max((card.changed_at for card in entries), default=None)
    xml = render_template("articles/feed.xml", entries=entries, section=section, changed=changed)
    response = current_app.response_class(NOT_XML.sub("", xml), mimetype="application/atom+xml")
    response.add_etag()
    response.make_conditional(request.environ)
    return for_all(response, f"public, max-age={AGE}")
