"""The paper's pages: each variant prints what it may, and no denied one holds a secret word."""

import re
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from werkzeug.test import TestResponse

from paywall import clock
from paywall.access.arrivals import Arrival
from paywall.access.decision import Decision, Gate, Level, Reason, Show
from paywall.access.middleware import ARRIVAL
from paywall.articles import cards, gates
from paywall.articles.cards import Card
from paywall.articles.models import Article
from paywall.articles.offer import offer
from paywall.config import Settings
from paywall.db import db
from paywall.membership import plans
from paywall.membership.models import PlanState
from paywall.membership.plans import PlanText
from paywall.membership.rules import Interval
from paywall.money import Money
from tests.articles.files import LONG_AGO, SECRET, TEASER, png, publish

pytestmark = pytest.mark.story

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
ATOM = "{http://www.w3.org/2005/Atom}"
PAGE = "/article/the-house"
WORD = "pearl"


def plan(slug: str = "circle", month: int = 500, **given: object) -> None:
    """A plan with a monthly price in cents."""
    usual = {"name": slug.title(), "description": "", "prices": {Interval.MONTH: Money(month, "eur")}}
    plans.write(PlanText(slug, **(usual | given)), "For the test")  # type: ignore[arg-type]  # a test's own words
    db.session.commit()


def said(response: TestResponse) -> str:
    """All that went out: status, headers and body."""
    return f"{response.status}\n{response.headers}\n{response.text}"


@pytest.mark.parametrize(
    ("gate", "reason", "button"),
    [
        ("registered", "sign_in", "Read on with a free account"),
        ("patrons", "patrons_only", "Become a patron"),
        ("plan:circle", "patrons_only", "Become a patron"),
        ("plan:", "patrons_only", "not on sale"),
        ("plan:gone", "patrons_only", "not on sale"),
        ("nonsense", "unknown_gate", "We cannot show you the rest"),
    ],
)
def test_a_denied_visitor_gets_the_teaser_the_reason_and_no_secret_word(
    app: Flask, client: FlaskClient, gate: str, reason: str, button: str
) -> None:
    with app.app_context():
        plan()
        publish(gate=gate, standfirst="")
    response = client.get(PAGE)
    assert response.status_code == 200
    assert WORD not in said(response)
    assert TEASER in response.text
    assert button in response.text
    assert response.headers["X-Paywall"] == f"teaser; reason={reason}"
    assert "You have read 4 of 11 words." in response.text


@on_sqlite
@pytest.mark.parametrize("gate", ["registered", "patrons", "plan:circle", "plan:", "nonsense"])
def test_no_secret_word_leaves_by_any_page(app: Flask, client: FlaskClient, gate: str) -> None:
    with app.app_context():
        publish(gate=gate, standfirst="")
        publish("another", gate=gate)
    maps = tuple(f"/sitemap{name}.xml" for name in ("", "/pages", "/news", "/articles-1"))
    paths = ("/", "/section/city", "/feed.atom", "/section/city/feed.atom", PAGE, f"{PAGE}/", *maps)
    for path in paths:
        for method in ("GET", "HEAD", "POST", "OPTIONS"):
            for headers in ({}, {"Range": "bytes=0-"}, {"X-HTTP-Method-Override": "GET"}):
                assert WORD not in said(client.open(path, method=method, headers=headers))


@on_sqlite
def test_a_public_article_is_printed_in_full_and_offers_nothing(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        publish(gate="public")
    page = client.get(PAGE).text
    assert SECRET in page
    assert "You have read" not in page


@on_sqlite
def test_what_the_door_did_not_decide_is_a_teaser_that_nobody_keeps(app: Flask) -> None:
    with app.app_context():
        publish(gate="public")
    undecided = app.extensions["door"]._app
    environ = app.test_request_context(PAGE).request.environ
    status: list[str] = []
    headers: dict[str, str] = {}

    def start(line: str, given: list[tuple[str, str]], _error: object = None) -> None:
        status.append(line)
        headers.update(given)

    body = b"".join(undecided(environ, start)).decode()
    assert TEASER in body
    assert WORD not in body
    assert status == ["200 OK"]
    assert headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("published_at", [None, LONG_AGO + timedelta(days=100_000)])
@on_sqlite
def test_an_article_that_is_not_out_is_nowhere(app: Flask, client: FlaskClient, published_at: object) -> None:
    with app.app_context():
        publish(gate="public", published_at=published_at)
    assert client.get(PAGE).status_code == 404
    assert client.get("/section/city").status_code == 404
    for path in ("/", "/feed.atom", "/sitemap.xml", "/sitemap/news.xml", "/sitemap/pages.xml"):
        assert "the-house" not in client.get(path).text
    assert "Nothing has been published yet." in client.get("/").text


@on_sqlite
def test_metadata_comes_from_the_standfirst_or_the_teaser(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        publish(title='A "quoted" <b>title</b>')
        size: dict[str, Any] = {"picture_width": 3, "picture_height": 2}
        publish("bare", standfirst="", picture="p.png", picture_alt="A hill", **size)
    page = client.get(PAGE).text
    assert '<meta name="description" content="Standfirst of the-house.">' in page
    assert '<link rel="canonical" href="http://127.0.0.1:8000/article/the-house">' in page
    assert '<meta name="twitter:card" content="summary">' in page
    assert "<b>title" not in page
    bare = client.get("/article/bare").text
    assert f'<meta property="og:description" content="{TEASER}">' in bare
    assert '<meta property="og:image:alt" content="A hill">' in bare
    assert 'width="3" height="2"' in bare


@on_sqlite
def test_the_page_carries_no_script_and_no_style_of_its_own(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        publish()
    for path in ("/", "/section/city", PAGE, "/none"):
        page = client.get(path).text.replace('<script type="application/ld+json">', "")
        assert not re.search(r"(?i)<script|<style|\sstyle=|\son\w+=", page)


@on_sqlite
def test_the_offer_names_plan_price_and_the_way_back(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        plan("supporter", 500)
        plan("circle", 1550, name="Editors’ circle", trial_days=14)
        publish(gate="plan:circle")
    page = " ".join(client.get(PAGE).text.split())
    assert "Editors’ circle" in page
    assert "from €15.50 a month" in page
    assert "The first 14 days are free." in page
    assert "/join?next=/article/the-house" in page
    assert "/sign-in?next=/article/the-house" in page


@pytest.mark.parametrize(
    ("given", "price", "interval"),
    [
        ({}, Money(500, "eur"), Interval.MONTH),
        ({"prices": {Interval.YEAR: Money(4000, "eur")}}, Money(4000, "eur"), Interval.YEAR),
        ({"state": PlanState.HIDDEN}, None, None),
        ({"state": PlanState.CLOSED}, None, None),
    ],
)
def test_the_offer_is_the_cheapest_that_is_really_sold(
    context: None, given: dict[str, object], price: Money | None, interval: Interval | None
) -> None:
    plan("circle", **given)  # type: ignore[arg-type]  # a test's own words
    decision = Decision(Show.TEASER, Reason.PATRONS_ONLY, frozenset({"circle"}))
    for gate in (Gate(Level.PATRONS), Gate(Level.PLAN, frozenset({"circle"}))):
        best = offer(gate, decision).cheapest
        assert (best.price, best.interval) == (price, interval) if best else price is None


@on_sqlite
def test_a_patron_of_another_plan_is_told_so(app: Flask) -> None:
    with app.app_context():
        plan("circle")
        publish(gate="plan:circle")
    denied = Decision(Show.TEASER, Reason.HIGHER_PLAN, frozenset({"circle"}))
    arrival = Arrival(denied, Gate.parse("plan:circle"), signed_in=True)
    app.wsgi_app = app.extensions["door"]._app  # type: ignore[method-assign]  # the view alone
    page = app.test_client().get(PAGE, environ_overrides={ARRIVAL: arrival}).text
    assert "You are a patron, thank you." in page
    assert 'href="/account">Change your plan' in page
    assert 'href="/join?next=' not in page
    assert WORD not in page


def test_the_door_asks_for_one_article_and_what_stands_for_the_whole_paper(app: Flask, context: None) -> None:
    publish(gate="plan:circle")
    publish("later", published_at=clock.now() + timedelta(days=1))
    lookup = gates.lookup(app.extensions["settings"])
    asked: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    with db.engine.connect() as connection:
        found = lookup(connection, PAGE, clock.now())
        assert found is not None
        assert found.gate == Gate(Level.PLAN, frozenset({"circle"}))
        assert len([query for query in asked if query.startswith("SELECT")]) == 3
        assert lookup(connection, "/article/later", clock.now()) is None
        assert lookup(connection, "/article/none", clock.now()) is None
        assert lookup(connection, "/article/the-house/", clock.now()) is None
    db.session.scalars(select(Article).where(Article.slug == "the-house")).one().version = 2
    db.session.commit()
    with db.engine.connect() as connection:
        changed = lookup(connection, PAGE, clock.now())
        assert changed is not None
        assert changed.version != found.version


def test_the_feed_is_atom_with_teasers_only(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        publish(title="Fish & <chips>", byline="")
        publish("other", section="Culture", standfirst="Odd \x0b sign")
    response = client.get("/feed.atom")
    assert response.mimetype == "application/atom+xml"
    feed = ElementTree.fromstring(response.data)
    assert feed.tag == f"{ATOM}feed"
    assert all(feed.find(f"{ATOM}{name}") is not None for name in ("id", "title", "updated", "author"))
    titles = {entry.findtext(f"{ATOM}title") for entry in feed.iter(f"{ATOM}entry")}
    assert titles == {"Fish & <chips>", "Title of other"}
    for entry in feed.iter(f"{ATOM}entry"):
        assert all(entry.findtext(f"{ATOM}{name}") for name in ("id", "updated", "published", "summary"))
        assert WORD not in "".join(entry.itertext())
    again = client.get("/feed.atom", headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304


@on_sqlite
def test_a_section_has_its_own_feed_and_none_is_empty(app: Flask, client: FlaskClient) -> None:
    assert ElementTree.fromstring(client.get("/feed.atom").data).findtext(f"{ATOM}updated")
    with app.app_context():
        publish()
        publish("other", section="Culture")
    assert "the-house" not in client.get("/section/culture/feed.atom").text
    assert client.get("/section/none/feed.atom").status_code == 404


@on_sqlite
def test_a_section_goes_back_in_time_by_pages(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        for number in range(45):
            publish(f"n-{number}", published_at=LONG_AGO + timedelta(days=number))
    first, second, third = (client.get(f"/section/city?page={number}").text for number in (1, 2, 3))
    assert "n-44" in first
    assert 'rel="next"' in first
    assert 'rel="prev"' not in first
    assert 'href="/section/city" rel="prev"' in second
    assert 'href="/section/city?page=2" rel="prev"' in third
    assert 'rel="next"' not in third
    for number in (4, 0, -1, 9999999999):
        assert client.get(f"/section/city?page={number}").status_code == 404


@on_sqlite
def test_the_front_page_answers_304_until_something_changes(app: Flask, client: FlaskClient) -> None:
    first = client.get("/")
    assert first.headers["Cache-Control"] == "public, no-cache"
    assert "Cookie" in first.headers["Vary"]
    tag = {"If-None-Match": first.headers["ETag"]}
    assert client.get("/", headers=tag).status_code == 304
    with app.app_context():
        publish()
    assert client.get("/", headers=tag).status_code == 200


@on_sqlite
def test_a_page_with_a_notice_is_nobody_elses(client: FlaskClient) -> None:
    with client.session_transaction() as session:
        session["_flashes"] = [("success", "Done, Ada.")]
    response = client.get("/")
    assert "Done, Ada." in response.text
    assert response.headers["Cache-Control"] == "private, no-store"
    assert "ETag" not in response.headers


@on_sqlite
def test_a_picture_is_served_and_nothing_beside_it(client: FlaskClient, settings: Settings) -> None:
    folder = settings.data_dir / "pictures"
    folder.mkdir()
    (folder / "a.png").write_bytes(png())
    (folder / ".new-x").write_bytes(png())
    (settings.data_dir / "b.png").write_bytes(png())
    with client.get("/pictures/a.png") as response:
        assert (response.data, response.mimetype) == (png(), "image/png")
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "max-age=86400" in response.headers["Cache-Control"]
    outside = ("../b.png", "..%2fb.png", "%2e%2e/b.png", "..\\b.png")
    for name in (*outside, ".new-x", "A.png", "none.png", "a.png/", "a.svg", "%00"):
        assert client.get(f"/pictures/{name}").status_code == 404


PATRONS = Gate(Level.PATRONS)


def _card(slug: str, section: str = "city", picture: str | None = "p.png") -> Card:
    now, name = LONG_AGO, section.title()
    return Card(slug, slug, "", "", picture, "", None, None, now, now, "", section, name, PATRONS)


def test_a_story_with_a_picture_leads_and_opinion_has_its_own_place() -> None:
    news = [_card(f"n{number}") for number in range(9)]
    front = cards.compose([_card("bare", picture=None), _card("column", "opinion"), *news])
    assert front.lead is not None
    assert front.lead.slug == "n0"
    assert [card.slug for card in front.seconds] == ["bare", "n1", "n2"]
    assert [card.slug for card in front.grid] == ["n3", "n4", "n5", "n6"]
    assert [card.slug for card in front.earlier] == ["n7", "n8"]
    assert [card.slug for card in front.opinion] == ["column"]


def test_without_any_picture_the_newest_leads() -> None:
    front = cards.compose([_card("one", picture=None), _card("two", picture=None)])
    assert front.lead is not None
    assert front.lead.slug == "one"


def test_neighbours_are_of_the_same_section_first(context: None) -> None:
    publish()
    publish("near")
    publish("far", section="Culture")
    own = cards.newest(clock.now(), limit=9, section="city")
    rules = gates.house_now(clock.now())
    house = next(card for card in own if card.slug == "the-house")
    assert [card.slug for card in cards.related(house, rules, clock.now())] == ["near", "far"]
    assert [card.slug for card in cards.related(house, rules, clock.now(), limit=1)] == ["near"]
