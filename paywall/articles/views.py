"""The paper's pages: front, sections, articles and pictures."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    redirect,
    render_template,
    request,
    send_from_directory,
    session,
    url_for,
)
from flask_login import current_user
from sqlalchemy import select

from paywall import clock
from paywall.access.arrivals import Arrival
from paywall.access.decision import TEASER_IN_DOUBT, Decision, Show
from paywall.access.middleware import ARRIVAL
from paywall.accounts.privacy import for_all
from paywall.accounts.routes import may_enter
from paywall.articles import addresses, cards, gates, pictures, sheets, structured
from paywall.articles.cards import Card
from paywall.articles.gates import ARTICLE_PATH, NUL
from paywall.articles.models import Article, Section
from paywall.articles.sheets import Sheet, Text
from paywall.config import Settings
from paywall.db import db

FRONT_CARDS = 24
SECTION_CARDS = 20
PICTURE_AGE = 24 * 3600
FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
KINDS = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp"}

articles = Blueprint("articles", __name__)
articles.add_app_template_filter(pictures.srcset, "srcset")


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
        return _moved(slug, clock.now())
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
    if not (folder / name).is_file():
        # It came with its article from another house, without the smaller ones.
        name = pictures.whole(name)
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
    # The whole body is not even read from the database for a reader who may not see it.
    html = (Article.full_html if decision.show is Show.FULL else Article.teaser_html).label("html")
    extra = (Article.picture_credit, html, Article.words, Article.words_left)
    query = select(*cards.COLUMNS, *extra).join(Section, Article.section_id == Section.id)
    row = db.session.execute(query.where(Article.slug == slug, cards.is_published(now))).first()
    if row is None:
        return None
    house = gates.house_now(now)
    card = Card.of(row, house, now)
    text = Text(row.html, row.words, row.words_left, row.picture_credit)
    printed = sheets.sheet(card, text, gates.of(row, house), decision, now, signed_in=signed_in)
    return replace(printed, related=tuple(cards.related(card, house, now)))


def _moved(slug: str, now: datetime) -> Response:
    """The way to the article that was at this address before."""
    new = addresses.led_to(slug, now)
    if new is None:
        abort(404)
    query = request.query_string.decode("latin-1")
    path = url_for("articles.article", slug=new)
    # For good; but asked for anew each time, so that the address can be another article's one day.
    response = current_app.make_response(redirect(f"{path}?{query}" if query else path, 301))
    return for_all(response, "public, no-cache")


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
