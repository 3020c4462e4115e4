"""Search through the whole product: what it finds for whom, in which order, and that it tells no secrets."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from paywall import clock as ours
from paywall.articles import results, search
from paywall.articles.models import Article
from paywall.articles.render import render
from paywall.db import db
from tests.articles.files import SECRET, TEASER, publish
from tests.articles.patrons import Letters, enter
from tests.moving import MovingClock

pytestmark = pytest.mark.story

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
PEARL = "/search?q=pearl"


def found(response: TestResponse) -> list[str]:
    """The slugs on a page of results, in their order."""
    assert response.status_code == 200
    return re.findall(r'<h2 class="story-title"><a href="/article/([^"]+)"', response.text)


def rewrite(slug: str, body: str) -> None:
    """An editor changes an article's text."""
    article = db.session.scalars(select(Article).where(Article.slug == slug)).one()
    article.body = body
    render(article, words=80)
    db.session.commit()


def test_a_locked_word_is_found_by_who_may_read_it_and_by_nobody_else(
    app: Flask, client: FlaskClient, letters: Letters, clock: MovingClock
) -> None:
    with app.app_context():
        publish("locked")
        publish("higher", gate="plan:circle")
        publish("open", gate="public")
        publish("odd", gate="nonsense")
        publish("free", gate="registered")
    patron = enter(app, letters, "supporter")
    assert found(client.get(PEARL)) == ["open"]
    assert sorted(found(patron.get(PEARL))) == ["free", "locked", "open"]
    page = patron.get(f"/search?q={SECRET}").text
    assert "<mark>pearl</mark>" in page
    clock.advance(days=31)
    assert sorted(found(patron.get(PEARL))) == ["free", "open"]


@on_sqlite
def test_a_snippet_is_of_what_the_reader_may_see(app: Flask, client: FlaskClient, letters: Letters) -> None:
    body = f"{TEASER} More on the house.\n\n<!-- more -->\n\n{SECRET} It is a house.\n"
    with app.app_context():
        publish(body=body, standfirst="")
    patron = enter(app, letters, "supporter")
    for reader in (client, enter(app, letters, email="eva@example.org")):
        response = reader.get("/search?q=house")
        assert found(response) == ["the-house"]
        assert "Everybody knows the <mark>house</mark>." in response.text
        assert "pearl" not in response.text
    assert "pearl" in patron.get("/search?q=house").text


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    asked=st.lists(
        st.sampled_from(["pearl", "the", "third", "stair", "under", '"', "house", "everybody", " "]),
        max_size=6,
    ),
    order=st.sampled_from(["", "new"]),
)
@on_sqlite
def test_what_is_locked_changes_nothing_of_what_a_visitor_is_told(
    app: Flask, client: FlaskClient, asked: list[str], order: str
) -> None:
    pages = []
    with app.app_context():
        if db.session.scalar(select(Article.id)) is None:
            publish("locked")
            publish("open", gate="public")
        for locked in (SECRET, "Nothing of the kind."):
            rewrite("locked", f"{TEASER}\n\n<!-- more -->\n\n{locked}\n")
            pages.append(client.get("/search", query_string={"q": " ".join(asked), "order": order}).text)
    assert pages[0] == pages[1]


def test_titles_come_first_then_teasers_then_texts_and_newer_ones_before_older(
    app: Flask, letters: Letters
) -> None:
    with app.app_context():
        for age, (slug, words) in enumerate(
            [
                ("body", {"body": f"{TEASER}\n\n<!-- more -->\n\nOn the river.\n"}),
                ("teaser", {"standfirst": "A river."}),
                ("title", {"title": "The river"}),
                ("title-too", {"title": "River again"}),
                ("teaser-too", {"body": "On the river.\n\n<!-- more -->\n\nNo more.\n"}),
            ]
        ):
            publish(slug, published_at=ours.now() - timedelta(days=age), **words)
    patron = enter(app, letters, "supporter")
    best = ["title", "title-too", "teaser", "teaser-too", "body"]
    assert found(patron.get("/search?q=river")) == best
    newest = ["body", "teaser", "title", "title-too", "teaser-too"]
    assert found(patron.get("/search?q=RIVER&order=new")) == newest


@pytest.mark.parametrize("order", ["", "new"])
def test_pages_together_hold_each_article_once(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    monkeypatch.setattr(results, "SIZE", 3)
    monkeypatch.setattr(search, "SLICE", 4)
    with app.app_context():
        for number in range(11):
            words = [{"title": "Pearl"}, {"standfirst": "Pearl"}, {}][number % 3]
            gate = "public" if number % 2 else "patrons"
            published_at = ours.now() - timedelta(days=number)
            publish(f"n{number}", gate=gate, section="Arts", published_at=published_at, **words)
        publish("elsewhere", gate="public")
    seen: list[str] = []
    path = f"{PEARL}&section=arts&order={order}"
    while path:
        response = client.get(path)
        seen += found(response)
        link = re.search(r'href="([^"]+)" rel="next"', response.text)
        path = link[1].replace("&amp;", "&") if link else ""
    # Of those with the word in the text alone, a visitor finds the public ones.
    expected = [number for number in range(11) if number % 3 < 2 or number % 2]
    rank = (lambda number: number) if order else (lambda number: (number % 3, number))
    assert seen == [f"n{number}" for number in sorted(expected, key=rank)]


@on_sqlite
def test_readable_articles_are_found_among_many_that_are_not(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "SIZE", 1)
    with app.app_context():
        for number in range(8):
            published_at = ours.now() - timedelta(days=number)
            publish(f"n{number}", gate="public" if number > 5 else "patrons", published_at=published_at)
    assert found(client.get(PEARL)) == ["n6"]
    assert found(client.get(f"{PEARL}&page=2")) == ["n7"]
    assert found(client.get(f"{PEARL}&page=3")) == []


@on_sqlite
def test_whose_page_it_is(app: Flask, client: FlaskClient, letters: Letters) -> None:
    with app.app_context():
        publish(gate="public")
    visitor, reader = client.get(PEARL), enter(app, letters).get(PEARL)
    assert visitor.headers["Cache-Control"] == "public, no-cache"
    assert reader.headers["Cache-Control"] == "private, no-store"
    for response in (visitor, reader):
        assert response.headers["X-Robots-Tag"] == "noindex"
        assert "Cookie" in response.headers["Vary"]
        assert '<meta name="robots" content="noindex">' in response.text


@on_sqlite
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "All words must be there."),
        ("?q=", "All words must be there."),
        ("?q=%22-*!", "All words must be there."),
        ("?q=xyzzy", "Nothing was found for “xyzzy”."),
        ("?q=xyzzy&page=3", "There is no more."),
        ("?q=house&section=none", "Title of the-house"),
        ("?q=house&page=none&order=none", "Title of the-house"),
        ("?q=%3Cscript%3E", "Nothing was found for “&lt;script&gt;”."),
        ("?q=house+%00", "400"),
    ],
)
def test_what_the_page_says(app: Flask, client: FlaskClient, query: str, words: str) -> None:
    with app.app_context():
        publish()
    page = client.get(f"/search{query}").text
    assert words in page
    assert "Nothing was found" not in page or "xyzzy" in query or "script" in query


@on_sqlite
def test_an_articles_words_are_text_and_not_markup(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        publish(gate="public", standfirst="", title="<b>x</b>", body="Write `<b onclick=x>pearl</b>` here.")
    page = client.get(PEARL).text
    assert "&lt;b onclick=x&gt;<mark>pearl</mark>&lt;/b&gt;" in page
    assert not re.search("<b[ >]", page)


@on_sqlite
@pytest.mark.settings(rate_limits=True)
def test_who_searches_without_end_is_stopped(client: FlaskClient) -> None:
    answers = [client.get(PEARL).status_code for _ in range(31)]
    assert answers == [200] * 30 + [429]
    assert client.get("/search").status_code == 200


@pytest.mark.parametrize(
    "database", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)
def test_a_search_without_an_end_is_given_up(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "PATIENCE_MS", 50)
    with app.app_context(), db.engine.begin() as other:
        other.execute(text("LOCK TABLE article_search"))
        assert "This search took too long." in client.get(PEARL).text
    assert "Nothing was found" in client.get(PEARL).text
