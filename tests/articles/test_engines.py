"""Sitemaps and robots.txt: every article that is out and nothing else, within the engines' limits."""

from datetime import UTC, datetime, timedelta
from urllib.robotparser import RobotFileParser
from xml.etree import ElementTree

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, insert, select

from paywall import clock
from paywall.articles import sitemaps
from paywall.articles.agents import CLOSED, TRAINING, robots_txt
from paywall.articles.models import Article
from paywall.db import db
from tests.articles.files import LONG_AGO, publish

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
SITE = "http://127.0.0.1:8000"
MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
NEWS = "{http://www.google.com/schemas/sitemap-news/0.9}"
NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


def places(client: FlaskClient, path: str) -> list[str]:
    """The addresses in a sitemap, in order."""
    response = client.get(path)
    assert response.status_code == 200
    assert response.mimetype == "application/xml"
    assert response.headers["X-Robots-Tag"] == "noindex"
    return [place.text or "" for place in ElementTree.fromstring(response.data).iter(f"{MAP}loc")]


def publish_many(count: int) -> None:
    """Articles with the next ids, out for long."""
    publish("first", published_at=LONG_AGO)
    section = db.session.scalars(select(Article.section_id)).one()
    usual = {"title": "T", "section_id": section, "body": "", "published_at": LONG_AGO}
    rows = [usual | {"slug": f"n-{number}", "id": number} for number in range(2, count + 1)]
    db.session.execute(insert(Article), rows)
    db.session.commit()


@on_sqlite
def test_the_index_leads_to_each_article_that_is_out(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        publish(gate="public")
        publish("gated", section="Culture")
        publish("later", published_at=clock.now() + timedelta(hours=1))
        publish("draft", section="Nothing", published_at=None)
    found = [
        place for part in places(client, "/sitemap.xml") for place in places(client, part.removeprefix(SITE))
    ]
    wanted = ("/", "/section/city", "/section/culture", "/article/the-house", "/article/gated")
    assert found == [f"{SITE}{path}" for path in wanted]


@on_sqlite
def test_an_empty_paper_has_its_front_page(client: FlaskClient) -> None:
    assert places(client, "/sitemap.xml") == [f"{SITE}/sitemap/pages.xml"]
    assert places(client, "/sitemap/pages.xml") == [f"{SITE}/"]
    assert places(client, "/sitemap/news.xml") == []
    for number in ("0", "1", "2", "999999999999999999999", "-1", "x"):
        assert client.get(f"/sitemap/articles-{number}.xml").status_code == 404


def test_a_part_ends_at_its_limit_and_empty_ones_are_left_out(app: Flask, context: None) -> None:
    publish_many(9)
    for slug in ("n-4", "n-5", "n-6"):
        db.session.scalars(select(Article).where(Article.slug == slug)).one().published_at = None
    db.session.commit()
    assert sitemaps.parts(NOW, size=3) == [1, 3]
    assert sitemaps.parts(NOW, size=4) == [1, 2, 3]
    assert sitemaps.parts(NOW, size=9) == [1]
    for size in (1, 2, 3, 4, 8, 9, 10):
        found = [sitemaps.part(number, NOW, size=size) for number in sitemaps.parts(NOW, size=size)]
        assert all(1 <= len(part) <= size for part in found)
        slugs = [place.slug for part in found for place in part]
        assert slugs == ["first", "n-2", "n-3", "n-7", "n-8", "n-9"]


@on_sqlite
def test_the_parts_are_within_what_engines_read(app: Flask, client: FlaskClient) -> None:
    assert sitemaps.PART <= 50_000
    assert sitemaps.MOST_NEWS <= 1_000
    with app.app_context():
        publish_many(sitemaps.PART + 1)
    assert places(client, "/sitemap.xml")[1:] == [
        f"{SITE}/sitemap/articles-{number}.xml" for number in (1, 2)
    ]
    assert len(places(client, "/sitemap/articles-1.xml")) == sitemaps.PART
    assert places(client, "/sitemap/articles-2.xml") == [f"{SITE}/article/n-{sitemaps.PART + 1}"]
    assert len(client.get("/sitemap/articles-1.xml").data) < 50 * 1024 * 1024


def test_a_part_is_one_query_and_reads_no_text(app: Flask, context: None) -> None:
    publish_many(3)
    asked: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    sitemaps.part(1, NOW)
    queries = [query for query in asked if query.startswith("SELECT")]
    assert len(queries) == 1
    assert "body" not in queries[0]
    assert "html" not in queries[0]


@on_sqlite
def test_a_page_changed_when_it_was_changed_or_came_out(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        publish("corrected", published_at=LONG_AGO, updated_at=LONG_AGO + timedelta(days=1))
        publish("prepared", published_at=LONG_AGO, updated_at=LONG_AGO - timedelta(days=1))
    tree = ElementTree.fromstring(client.get("/sitemap/articles-1.xml").data)
    changed = [
        (url.findtext(f"{MAP}loc") or "", url.findtext(f"{MAP}lastmod")) for url in tree.iter(f"{MAP}url")
    ]
    assert [(place.rpartition("/")[2], instant) for place, instant in changed] == [
        ("corrected", "2020-01-02T00:00:00Z"),
        ("prepared", "2020-01-01T00:00:00Z"),
    ]
    pages = ElementTree.fromstring(client.get("/sitemap/pages.xml").data)
    assert {instant.text for instant in pages.iter(f"{MAP}lastmod")} == {"2020-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("age", "is_news"),
    [
        (timedelta(seconds=-1), False),
        (timedelta(0), True),
        (timedelta(hours=48) - timedelta(seconds=1), True),
        (timedelta(hours=48), False),
    ],
)
def test_news_is_two_days_old_at_most(context: None, age: timedelta, *, is_news: bool) -> None:
    publish(published_at=NOW - age)
    assert [article.slug for article in sitemaps.news(NOW)] == (["the-house"] if is_news else [])


def test_of_much_news_the_newest_is_told(context: None) -> None:
    for number in range(4):
        publish(f"n-{number}", published_at=NOW - timedelta(hours=4 - number))
    assert [article.slug for article in sitemaps.news(NOW, limit=2)] == ["n-3", "n-2"]


@on_sqlite
@pytest.mark.parametrize(
    "language",
    [
        pytest.param("en", marks=pytest.mark.settings(language="en_GB")),
        pytest.param("bg", marks=pytest.mark.settings(language="bg")),
        pytest.param("zh-tw", marks=pytest.mark.settings(language="zh_TW")),
    ],
)
@pytest.mark.settings(site_name="Fish & <Chips>")
def test_news_names_paper_language_title_and_hour(app: Flask, client: FlaskClient, language: str) -> None:
    with app.app_context():
        publish(title="A & <b>\x0b")
        publish("old", published_at=LONG_AGO)
    tree = ElementTree.fromstring(client.get("/sitemap/news.xml").data)
    (news,) = tree.iter(f"{NEWS}news")
    publication = news.find(f"{NEWS}publication")
    assert publication is not None
    assert publication.findtext(f"{NEWS}name") == "Fish & <Chips>"
    assert publication.findtext(f"{NEWS}language") == language
    assert news.findtext(f"{NEWS}title") == "A & <b>"
    assert (news.findtext(f"{NEWS}publication_date") or "").endswith("Z")


@on_sqlite
def test_a_sitemap_that_has_not_changed_is_not_sent_again(client: FlaskClient) -> None:
    for path in ("/sitemap.xml", "/sitemap/pages.xml", "/sitemap/news.xml", "/robots.txt"):
        first = client.get(path)
        assert first.headers["Cache-Control"] == "public, max-age=300"
        assert client.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


def parser(text: str) -> RobotFileParser:
    """A crawler that obeys."""
    found = RobotFileParser()
    found.parse(text.splitlines())
    return found


@on_sqlite
@pytest.mark.parametrize(
    "lets_train",
    [
        pytest.param(False, id="usually"),
        pytest.param(False, id="deny", marks=pytest.mark.settings(ai_crawlers="deny")),
        pytest.param(True, id="allow", marks=pytest.mark.settings(ai_crawlers="allow")),
    ],
)
def test_who_trains_models_is_let_in_by_the_setting(client: FlaskClient, *, lets_train: bool) -> None:
    response = client.get("/robots.txt")
    assert response.mimetype == "text/plain"
    rules = parser(response.text)
    for agent in TRAINING:
        assert rules.can_fetch(agent, f"{SITE}/article/the-house") is lets_train
        assert (f"User-agent: {agent}\n" in response.text) is not lets_train
    # Engines, and those that bring readers, are none of them.
    for agent in (
        "Googlebot",
        "bingbot",
        "Applebot",
        "OAI-SearchBot",
        "ChatGPT-User",
        "Claude-User",
        "Perplexity-User",
    ):
        assert rules.can_fetch(agent, f"{SITE}/article/the-house")
        assert not rules.can_fetch(agent, f"{SITE}/account")
    assert rules.site_maps() == [f"{SITE}/sitemap.xml", f"{SITE}/sitemap/news.xml"]


def test_the_tokens_are_words_that_a_parser_takes() -> None:
    assert len({agent.lower() for agent in TRAINING}) == len(TRAINING)
    assert all(agent.replace("-", "").isalnum() for agent in TRAINING)
    assert {"Google-Extended", "Applebot-Extended", "GPTBot", "ClaudeBot", "CCBot"} <= set(TRAINING)


@on_sqlite
def test_no_page_of_the_paper_is_closed_and_no_page_of_a_readers_own_is_open(
    app: Flask, client: FlaskClient
) -> None:
    rules = parser(client.get("/robots.txt").text)
    with app.app_context():
        publish("join")
        publish("gift", section="Search")
    open_ = (
        "/",
        "/section/search",
        "/article/join",
        "/article/gift",
        "/feed.atom",
        "/pictures/a.jpg",
        "/static/paper.css",
    )
    assert [path for path in open_ if not rules.can_fetch("*", f"{SITE}{path}")] == []
    closed = {rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith(CLOSED)}
    assert {"/account", "/join", "/gift", "/sign-in", "/staff", "/account/security/address/<token>"} <= closed
    assert [path for path in closed if rules.can_fetch("*", f"{SITE}{path}")] == []


def test_a_line_of_the_file_is_a_line() -> None:
    text = robots_txt("https://a.example", ("/s.xml",), lets_train=True)
    assert text.startswith("User-agent: *\n")
    assert text.endswith("\n\nSitemap: https://a.example/s.xml\n")
