"""The paper's pages: front, sections, articles and pictures."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    render_template,
    request,
    send_from_directory,
    session,
    url_for,
)
from flask_login import current_user
from sqlalchemy import select

from paywall import clock
from paywall.access import free_reads, teaser
from paywall.access.arrivals import Arrival
from paywall.access.decision import TEASER_IN_DOUBT, Decision, Reason, Show
from paywall.access.middleware import ARRIVAL
from paywall.accounts.privacy import for_all
from paywall.accounts.routes import may_enter
from paywall.articles import cards, gates, pictures, structured
from paywall.articles.cards import Card
from paywall.articles.gates import ARTICLE_PATH, NUL
from paywall.articles.models import Article, Section
from paywall.articles.offer import Offer, offer
from paywall.config import Settings
from paywall.db import db

FRONT_CARDS = 24
SECTION_CARDS = 20
WORDS_A_MINUTE = 230
PICTURE_AGE = 24 * 3600
# The reasons for which everybody sees the whole.
OPEN = frozenset({Reason.OPEN, Reason.UNLOCKED})
FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
KINDS = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp"}

articles = Blueprint("articles", __name__)


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that the article page may print: `html` is the whole body only where the door said so.

    `is_open`: it does so for everybody, until `open_until` if that has an end. `gated_class`: that of the
    elements which hold what others do not see; None if there are none on this page.
    """

    card: Card
    picture_credit: str
    html: str
    words: int
    words_left: int
    is_full: bool
    reads_left: int | None
    meter_days: int
    is_open: bool
    open_until: datetime | None
    gated_class: str | None
    offer: Offer | None
    related: list[Card]

    @property
    def minutes(self) -> int:
        """How long the whole article takes to read."""
        return max(1, round(self.words / WORDS_A_MINUTE))

    @property
    def words_read(self) -> int:
        """How many words the teaser shows."""
        return self.words - self.words_left


@articles.get("/")
@may_enter("public")
def front() -> Response:
    """The front page."""
    now = clock.now()
    page = cards.compose(cards.newest(now, limit=FRONT_CARDS))
    return _page("articles/front.html", front=page, today=now)


@articles.get("/section/<slug>")
@may_enter("public")
def section(slug: str) -> Response:
    """A section, newest first; `?page=2` goes back in time."""
    known = db.session.execute(select(Section.slug, Section.name).where(Section.slug == slug)).first()
    number = request.args.get("page", 1, type=int)
    if known is None or not 1 <= number <= 1000:
        abort(404)
    offset = (number - 1) * SECTION_CARDS
    found = cards.newest(clock.now(), limit=SECTION_CARDS + 1, offset=offset, section=slug)
    if not found:
        abort(404)
    return _page(
        "articles/section.html",
        section=cards.SectionName(*known),
        cards=found[:SECTION_CARDS],
        number=number,
        has_older=len(found) > SECTION_CARDS,
    )


@articles.get(f"{ARTICLE_PATH}<slug>")
@may_enter("public")
def article(slug: str) -> Response:
    """An article, in exactly the variant that the door decided; undecided means teaser."""
    arrival = request.environ.get(ARRIVAL)
    decision, signed_in = TEASER_IN_DOUBT, False
    if isinstance(arrival, Arrival):
        decision, signed_in = arrival.decision, arrival.signed_in
    sheet = _sheet(slug, decision, clock.now(), signed_in=signed_in)
    if sheet is None:
        abort(404)
    return current_app.make_response(
        render_template(
            "articles/article.html", sheet=sheet, news_article=_structured(sheet), robots=_robots(sheet)
        )
    )


@articles.get("/pictures/<name>")
@may_enter("public")
def picture(name: str) -> Response:
    """A picture that came with an article."""
    if not pictures.NAME.fullmatch(name):
        abort(404)
    kind = KINDS[name.rpartition(".")[2]]
    folder = _settings().data_dir / "pictures"
    response = send_from_directory(folder, name, mimetype=kind)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return for_all(response, f"public, max-age={PICTURE_AGE}")


@articles.app_url_value_preprocessor
def _refuse_nul(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    if any(NUL in str(value) for value in (values or {}).values()):
        abort(404)
    # A body that is no form is left alone: a larger one may be fine for the view.
    forms = [request.form] if request.mimetype in FORMS else []
    if any(NUL in value for given in (request.args, *forms) for value in given.values()):
        abort(400)


@articles.app_context_processor
def _navigation() -> dict[str, Any]:
    return {"sections": _sections}


def _sections() -> list[cards.SectionName]:
    return cards.sections(clock.now())


def _sheet(slug: str, decision: Decision, now: datetime, *, signed_in: bool) -> Sheet | None:
    is_full = decision.show is Show.FULL
    # The whole body is not even read from the database for a reader who may not see it.
    html = (Article.full_html if is_full else Article.teaser_html).label("html")
    extra = (Article.picture_credit, html, Article.words, Article.words_left)
    query = select(*cards.COLUMNS, *extra).join(Section, Article.section_id == Section.id)
    row = db.session.execute(query.where(Article.slug == slug, cards.is_published(now))).first()
    if row is None:
        return None
    house, allowance = gates.house_now(now), free_reads.allowed(_settings())
    card = Card.of(row, house, now)
    is_open = decision.reason in OPEN
    marked = teaser.mark_rest(row.html, shown=row.words - row.words_left) if is_full and not is_open else None
    return Sheet(
        card,
        row.picture_credit,
        marked or row.html,
        row.words,
        row.words_left,
        is_full=is_full,
        reads_left=decision.reads_left,
        meter_days=allowance.days,
        is_open=is_open,
        open_until=gates.of(row, house).open_until(now) if is_open else None,
        gated_class=teaser.GATED if marked else None,
        offer=None if is_full else offer(card.gate, decision, signed_in=signed_in),
        related=cards.related(card, house, now),
    )


def _structured(sheet: Sheet) -> dict[str, Any]:
    settings, card = _settings(), sheet.card
    site = settings.site_url
    logo = site + url_for("static", filename="icon.svg")
    picture = site + url_for("articles.picture", name=card.picture) if card.picture else None
    return structured.news_article(
        card,
        structured.Paper(settings.site_name, f"{site}/", logo, settings.language.replace("_", "-")),
        address=site + url_for("articles.article", slug=card.slug),
        picture=picture,
        is_open=sheet.is_open,
        gated_class=sheet.gated_class,
    )


def _robots(sheet: Sheet) -> str:
    return structured.robots(is_open=sheet.is_open, max_snippet=_settings().max_snippet)


def _page(template: str, **context: Any) -> Response:
    """A page that differs only by who is signed in; one with a notice on it is nobody else's."""
    has_notice = "_flashes" in session
    html = render_template(template, **context)
    if has_notice:
        return current_app.make_response(html)
    response = _tagged(html, "text/html")
    whose = "private" if current_user.is_authenticated else "public"
    response.headers["Cache-Control"] = f"{whose}, no-cache"
    response.vary.add("Cookie")
    return response


def _tagged(text: str, kind: str) -> Response:
    response = current_app.response_class(text, mimetype=kind)
    response.add_etag()
    response.make_conditional(request.environ)
    return response


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings
