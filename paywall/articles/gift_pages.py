"""Pages of giving an article away, and what a reader who comes by such a link is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import select

from paywall import clock
from paywall.access import free_reads
from paywall.access.arrivals import Arrival
from paywall.access.decision import Gate, Reason, Visitor, decide
from paywall.access.gift_links import arriving, giving
from paywall.access.gift_links.giving import Given
from paywall.access.gift_links.models import GiftLink
from paywall.access.gift_links.opening import PARAMETER, GiftLinks, Opening
from paywall.access.gift_links.rules import Terms
from paywall.access.middleware import ARRIVAL
from paywall.access.visitors import Readers
from paywall.accounts import privacy
from paywall.accounts.limits import by_reader, limiter
from paywall.accounts.routes import may_enter
from paywall.articles import cards, gates
from paywall.articles.models import Article, Section
from paywall.config import Settings
from paywall.db import db
from paywall.errors import Conflict

MOST = 50

gift_links = Blueprint("gift_links", __name__)


@dataclass(frozen=True, slots=True)
class GivenArticle:
    """A link on its giver's page; the article's slug is None if it is no longer out."""

    link: GiftLink
    title: str
    slug: str | None
    state: str
    signed_up: int
    paid: int


@gift_links.get("/gift-link/<slug>")
@may_enter("reader")
def show(slug: str) -> ResponseReturnValue:
    """The address to pass on, once there is one; before that, what giving means."""
    return _page(slug)


@gift_links.post("/gift-link/<slug>")
@may_enter("reader")
@limiter.limit("60/hour", key_func=by_reader)
def give(slug: str) -> ResponseReturnValue:
    """Give the article; whoever has given it already gets the same address."""
    now = clock.now()
    article = _article(slug, now)
    reason = _reason(article, now)
    if reason not in _givers():
        return _page(slug)
    try:
        giving.give(current_user.id, article.key, terms(), now, by_staff=reason is Reason.STAFF)
    except Conflict as refused:
        db.session.rollback()
        flash(refused.message, "warning")
    db.session.commit()
    return redirect(url_for("gift_links.show", slug=slug), 303)


@gift_links.post("/account/gift-links/revoke")
@may_enter("reader")
def revoke() -> ResponseReturnValue:
    """Take a link back."""
    link_id = request.form.get("link", 0, type=int)
    if not 0 < link_id < 2**31:
        abort(400)
    giving.revoke(link_id, clock.now(), giver_id=current_user.id)
    db.session.commit()
    flash(gettext("The gift link is taken back: it opens nothing any more."), "success")
    return redirect(url_for("billing.account"), 303)


def of(reader_id: int, now: datetime) -> list[GivenArticle]:
    """The newest links that a reader has given, for the account page."""
    found = giving.given(GiftLink.giver_id == reader_id, most=MOST)
    known = _titles(found, now)
    return [_given(one, *known.get(one.link.key, (None, "")), now=now) for one in found]


def terms() -> Terms:
    """How much can be given here, and for how long it is good."""
    settings = _settings()
    return Terms(
        settings.gift_links_a_month, timedelta(days=settings.gift_link_days), ZoneInfo(settings.timezone)
    )


gift_links.after_request(privacy.unshared)
gift_links.after_request(privacy.unreferred)


@gift_links.after_app_request
def _remember(response: Response) -> Response:
    """Who reads by a link and has no account yet may sign up later: the session says by which."""
    opening = _opening()
    if opening and opening.link_id and _decided() is Reason.GIFT and not current_user.is_authenticated:
        arriving.note(opening.link_id, clock.now())
    return response


@gift_links.app_context_processor
def _on_the_page() -> dict[str, object]:
    return {"may_give": _may_give, "gift_opening": _opening, "gift_links_left": _left}


def _may_give() -> bool:
    """Whether who reads the article that is shown can give it: the page is the same for all who can."""
    return _decided() in _givers()


def _decided() -> Reason | None:
    """What the door has said of this request, if it is for an article."""
    arrival = request.environ.get(ARRIVAL)
    return arrival.decision.reason if isinstance(arrival, Arrival) else None


def _opening() -> Opening | None:
    arrival = request.environ.get(ARRIVAL)
    return arrival.gift if isinstance(arrival, Arrival) else None


def _left() -> int:
    return giving.left(current_user.id, terms(), clock.now())


def _givers() -> frozenset[Reason]:
    return frozenset({Reason.PATRON, Reason.STAFF} if terms().a_month else {Reason.STAFF})


@dataclass(frozen=True, slots=True)
class _Known:
    key: str
    slug: str
    title: str
    gate: Gate


def _article(slug: str, now: datetime) -> _Known:
    query = select(*gates.COLUMNS, Article.title).join(Section, Article.section_id == Section.id)
    row = db.session.execute(query.where(Article.slug == slug, cards.is_published(now))).first()
    if row is None:
        abort(404)
    return _Known(str(row.article_id), slug, row.title, gates.of(row, gates.house_now(now)))


def _reason(article: _Known, now: datetime) -> Reason:
    """Why the signed-in reader may read an article by their own right, or why not: by the door's rules."""
    readers = Readers(free_reads.allowed(_settings()))
    known = readers.by_email(db.session, current_user.email, article.key, now)
    return decide(article.gate, known.visitor if known else Visitor(), now).reason


def _page(slug: str) -> ResponseReturnValue:
    now = clock.now()
    article, rules = _article(slug, now), terms()
    reason = _reason(article, now)
    link = giving.good(current_user.id, article.key, now)
    is_staff = reason is Reason.STAFF
    page = render_template(
        "articles/gift_link.html",
        article=article,
        link=link,
        address=_address(article, link) if link else None,
        is_open=reason in {Reason.OPEN, Reason.UNLOCKED},
        may=reason in _givers(),
        is_staff=is_staff,
        left=None if is_staff else giving.left(current_user.id, rules, now),
        terms=rules,
        days=rules.good_for.days,
    )
    is_refused = link is None and reason not in _givers() | {Reason.OPEN, Reason.UNLOCKED}
    return page, 403 if is_refused else 200


def _address(article: _Known, link: GiftLink) -> str:
    known: GiftLinks = current_app.extensions["gift_links"]
    path = url_for("articles.article", slug=article.slug)
    return f"{_settings().site_url}{path}?{PARAMETER}={known.token(link)}"


def _titles(found: Sequence[Given], now: datetime) -> dict[str, tuple[str | None, str]]:
    """Slug and title of each link's article; no slug for one that is not out."""
    ids = {int(one.link.key) for one in found if one.link.key.isdecimal()}
    is_out = cards.is_published(now).label("is_out")
    query = select(Article.id, Article.slug, Article.title, is_out).where(Article.id.in_(ids))
    return {str(row.id): (row.slug if row.is_out else None, row.title) for row in db.session.execute(query)}


def _given(one: Given, slug: str | None, title: str, *, now: datetime) -> GivenArticle:
    title = title or gettext("An article that is no longer there")
    return GivenArticle(one.link, title, slug, one.link.state(now), one.signed_up, one.paid)


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings
