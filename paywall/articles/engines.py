"""What search engines ask for: robots.txt, the index of sitemaps, and the sitemaps."""

from typing import Any

from flask import Blueprint, Response, abort, current_app, render_template, request

from paywall import clock
from paywall.accounts.privacy import for_all
from paywall.accounts.routes import may_enter
from paywall.articles import sitemaps, syndication
from paywall.articles.agents import robots_txt
from paywall.config import Settings

AGE = 300
# An id that PostgreSQL can hold; no newspaper has more parts than that.
MOST_PARTS = 50_000
CHINESE = {"zh_CN": "zh-cn", "zh_TW": "zh-tw"}

engines = Blueprint("engines", __name__)


@engines.get("/robots.txt")
@may_enter("public")
def robots() -> Response:
    """Where crawlers may go."""
    settings = _settings()
    paths = ("/sitemap.xml", "/sitemap/news.xml")
    text = robots_txt(settings.site_url, paths, lets_train=settings.ai_crawlers == "allow")
    return _public(text, "text/plain")


@engines.get("/sitemap.xml")
@may_enter("public")
def sitemap_index() -> Response:
    """The index: the parts in which something is out."""
    return _xml("articles/sitemap_index.xml", parts=sitemaps.parts(clock.now()))


@engines.get("/sitemap/pages.xml")
@may_enter("public")
def sitemap_of_pages() -> Response:
    """The front page and the sections."""
    return _xml("articles/sitemap_pages.xml", places=sitemaps.sections(clock.now()))


@engines.get(f"/sitemap/articles-<int(max={MOST_PARTS}):number>.xml")
@may_enter("public")
def sitemap_of_articles(number: int) -> Response:
    """One part of the articles."""
    found = sitemaps.part(number, clock.now())
    if not found:
        abort(404)
    return _xml("articles/sitemap.xml", articles=found)


@engines.get("/sitemap/news.xml")
@may_enter("public")
def sitemap_of_news() -> Response:
    """The articles of the last two days, as news services want them; empty on a quiet weekend."""
    language = _settings().language
    named = CHINESE.get(language, language[:2])
    return _xml("articles/sitemap_news.xml", articles=sitemaps.news(clock.now()), news_language=named)


def _xml(template: str, **context: Any) -> Response:
    response = _public(syndication.xml(render_template(template, **context)), "application/xml")
    # A list for machines: it should not itself be found among the articles that it lists.
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _public(text: str, kind: str) -> Response:
    response = current_app.response_class(text, mimetype=kind)
    response.add_etag()
    response.make_conditional(request.environ)
    return for_all(response, f"public, max-age={AGE}")


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings
