"""The search page: a box, a section, an order, and what is found."""

import structlog
from flask import Blueprint, Response, current_app, render_template, request, session
from flask_login import current_user
from sqlalchemy import select

from paywall import clock
from paywall.access.visitors import NOBODY
from paywall.accounts.limits import limiter
from paywall.accounts.routes import may_enter
from paywall.articles import results, unmetered, words
from paywall.articles.models import Section
from paywall.articles.results import LAST_PAGE, Results, Search
from paywall.articles.search import TookTooLong
from paywall.db import db, read_only

LONGEST = 200
NOTHING = Results((), has_more=False)

searching = Blueprint("searching", __name__)
log = structlog.get_logger()


@searching.get("/search")
@may_enter("public")
@limiter.limit("30/minute", exempt_when=lambda: not _asked())
def search() -> Response:
    """What is found for `q`, in `section` or in all, by `order`: the best first, or `new`."""
    is_own = current_user.is_authenticated or "_flashes" in session
    db.session.commit()
    read_only()
    number = min(max(request.args.get("page", 1, type=int), 1), LAST_PAGE)
    slug, by_date = request.args.get("section", ""), request.args.get("order") == "new"
    asked = Search(words.asked(_asked()), _section_id(slug), by_date=by_date, number=number)
    found = _find(asked)
    page = render_template(
        "articles/search.html",
        asked=_asked(),
        is_asked=bool(asked.phrases),
        section_slug=slug if asked.section_id is not None else None,
        by_date=by_date,
        number=number,
        results=found,
    )
    response = current_app.make_response(page)
    response.headers["Cache-Control"] = "private, no-store" if is_own else "public, no-cache"
    response.headers["X-Robots-Tag"] = "noindex"
    response.vary.add("Cookie")
    return response


def _asked() -> str:
    return request.args.get("q", "").strip()[:LONGEST]


def _section_id(slug: str) -> int | None:
    return db.session.scalar(select(Section.id).where(Section.slug == slug))


def _find(asked: Search) -> Results | None:
    """What is found; None if it took too long."""
    if not asked.phrases:
        return NOTHING
    now = clock.now()
    visitor = unmetered.known(current_user, now) if current_user.is_authenticated else NOBODY
    try:
        return results.find(asked, visitor, now)
    except TookTooLong:
        log.warning("search_took_too_long", section=asked.section_id, phrases=len(asked.phrases))
        return None
