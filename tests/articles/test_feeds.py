"""Feeds: teasers for everyone, whole articles at a patron's own address, and no word of more than that."""

import re
from datetime import timedelta
from email.utils import parsedate_to_datetime
from html import unescape
from xml.etree import ElementTree

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from paywall import clock as ours
from paywall.accounts.models import Reader
from paywall.articles import personal
from paywall.articles.syndication import absolute
from paywall.db import db
from tests.accounts.browser import send
from tests.articles.files import SECRET, TEASER, publish
from tests.articles.patrons import EMAIL, Letters, enter
from tests.moving import MovingClock
from tests.shop import SITE

pytestmark = pytest.mark.story

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
KINDS = ("atom", "rss")
ATOM = "{http://www.w3.org/2005/Atom}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
CREATOR = "{http://purl.org/dc/elements/1.1/}creator"
WORD = "pearl"
ODD = {"title": 'A & B < "C"\x0b', "standfirst": "\ufffe]]>&amp;", "byline": "Ада <b>"}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Each feed as Atom and as RSS."""
    return str(request.param)


def bodies(response: TestResponse) -> dict[str, str]:
    """The whole HTML of each entry by the address of its article, "" where there is none."""
    tree = ElementTree.fromstring(response.data)
    if tree.tag == f"{ATOM}feed":
        return {
            str(one.findtext(f"{ATOM}id")): one.findtext(f"{ATOM}content") or ""
            for one in tree.iter(f"{ATOM}entry")
        }
    return {str(one.findtext("guid")): one.findtext(CONTENT) or "" for one in tree.iter("item")}


def address(client: FlaskClient, kind: str = "atom") -> str:
    """The path of the reader's own feed, as their account page shows it; it is switched on if it is off."""
    page = client.get("/account").text
    if "Make my feed" in page:
        send(client, "/account/feed", page="/account")
        page = client.get("/account").text
    found = re.search(rf'value="{SITE}(/feed/[^"]+)\.atom"', page)
    assert found, page
    return f"{found[1]}.{kind}"


@pytest.mark.parametrize("path", ["/feed.rss", "/section/city/feed.rss"])
@on_sqlite
def test_rss_has_the_shape_that_readers_expect(app: Flask, client: FlaskClient, path: str) -> None:
    with app.app_context():
        publish()
        publish("odd", published_at=ours.now() - timedelta(days=1), **{**ODD, "title": "A & B"})
    response = client.get(path)
    assert response.mimetype == "application/rss+xml"
    assert response.headers["Cache-Control"] == "public, max-age=300"
    root = ElementTree.fromstring(response.data)
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    channel = root.find("channel")
    assert channel is not None
    assert all(
        channel.findtext(name) for name in ("title", "link", "description", "language", "lastBuildDate")
    )
    link = channel.find(f"{ATOM}link")
    assert link is not None
    assert link.attrib == {"rel": "self", "type": "application/rss+xml", "href": f"{SITE}{path}"}
    items = channel.findall("item")
    assert [item.findtext("guid") for item in items] == [f"{SITE}/article/the-house", f"{SITE}/article/odd"]
    for item in items:
        assert item.findtext("link") == item.findtext("guid")
        assert parsedate_to_datetime(item.findtext("pubDate") or "").tzinfo is not None
        assert item.findtext("category") == "City"
        assert item.find(CONTENT) is None
    assert items[1].findtext("title") == "A & B"
    assert items[1].findtext(CREATOR) == ODD["byline"]
    assert items[1].findtext("description") == f"]]>&amp; — {TEASER}"


@on_sqlite
@pytest.mark.parametrize("path", ["/feed", "/section/city/feed"])
def test_feeds_for_everyone_hold_teasers_whoever_asks(
    app: Flask, client: FlaskClient, letters: Letters, path: str, kind: str
) -> None:
    with app.app_context():
        publish()
        publish("open", gate="public")
    for reader in (client, enter(app, letters, "supporter")):
        response = reader.get(f"{path}.{kind}")
        assert TEASER in response.text
        assert WORD not in response.text
        assert set(bodies(response).values()) == {""}
        unchanged = reader.get(f"{path}.{kind}", headers={"If-None-Match": response.headers["ETag"]})
        assert (unchanged.status_code, unchanged.data) == (304, b"")


@on_sqlite
def test_an_empty_paper_and_an_unknown_section(client: FlaskClient, kind: str) -> None:
    assert bodies(client.get(f"/feed.{kind}")) == {}
    assert client.get(f"/section/none/feed.{kind}").status_code == 404
    assert client.get("/feed.json").status_code == 404


@on_sqlite
def test_pages_say_where_the_feeds_are(app: Flask, client: FlaskClient, kind: str) -> None:
    with app.app_context():
        publish()
    link = f'<link rel="alternate" type="application/{kind}+xml" title='
    for path in ("/", "/section/city", "/article/the-house"):
        assert f'href="/feed.{kind}"' in client.get(path).text
        assert link in client.get(path).text
    assert f'href="/section/city/feed.{kind}"' in client.get("/section/city").text


def test_a_patrons_own_feed_holds_what_the_patron_may_read_now(
    app: Flask, client: FlaskClient, letters: Letters, clock: MovingClock, kind: str
) -> None:
    with app.app_context():
        publish("locked")
        publish("higher", gate="plan:circle")
        publish("open", gate="public")
        publish("odd", gate="nonsense", **ODD)
    path = address(enter(app, letters, "supporter"), kind)
    response = client.get(path)
    found = bodies(response)
    is_whole = {
        slug: SECRET in found[f"{SITE}/article/{slug}"] for slug in ("locked", "higher", "open", "odd")
    }
    assert is_whole == {"locked": True, "higher": False, "open": True, "odd": False}
    for slug, whole in is_whole.items():
        html = found[f"{SITE}/article/{slug}"]
        assert TEASER in html
        assert (f'<a href="{SITE}/article/{slug}">Read on</a>' in html) is not whole
    assert response.headers["Cache-Control"] == "private, no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["X-Robots-Tag"] == "noindex"
    assert "Set-Cookie" not in response.headers
    assert path.split("/")[2].split(".")[0] not in response.text
    clock.advance(days=30, seconds=1)
    ended = client.get(path, headers={"If-None-Match": response.headers["ETag"]})
    assert ended.status_code == 200
    assert [slug for slug, html in bodies(ended).items() if SECRET in html] == [f"{SITE}/article/open"]


@on_sqlite
def test_a_new_address_ends_the_old_one_at_once(app: Flask, client: FlaskClient, letters: Letters) -> None:
    with app.app_context():
        publish()
    patron = enter(app, letters, "supporter")
    first = address(patron)
    assert SECRET in client.get(first).text
    assert send(patron, "/account/feed", page="/account").location == "/account#feed"
    second = address(patron)
    assert second != first
    assert [client.get(path).status_code for path in (first, second)] == [404, 200]
    send(patron, "/account/feed/stop", page="/account")
    assert [client.get(path).status_code for path in (first, second)] == [404, 404]
    assert "Make my feed" in patron.get("/account").text
    third = address(patron)
    assert third not in (first, second)
    assert [client.get(path).status_code for path in (first, second, third)] == [404, 404, 200]


@on_sqlite
def test_what_is_no_address_says_nothing(
    app: Flask, client: FlaskClient, letters: Letters, kind: str
) -> None:
    good = address(enter(app, letters, "supporter"), kind)
    number, seal = good.split("/")[2].removesuffix(f".{kind}").split("-")
    wrong = [
        f"{number}-{'0' * 40}",
        f"{int(number) + 1}-{seal}",
        f"0{number}-{seal}",
        seal,
        "1",
        "x",
        f"{number}-",
    ]
    missing = client.get(f"/feed/nothing-at-all.{kind}").text
    for token in (*wrong, f"{'9' * 30}-{seal}", f"{number}-{seal}%00"):
        response = client.get(f"/feed/{token}.{kind}")
        assert response.status_code == 404
        assert response.text == missing
    assert client.get(good).status_code == 200
    assert client.post(good).status_code == 405


@on_sqlite
def test_it_sets_no_cookie_not_even_when_a_session_is_due_to_be_renewed(
    app: Flask, letters: Letters, clock: MovingClock, kind: str
) -> None:
    patron = enter(app, letters, "supporter")
    path = address(patron, kind)
    clock.advance(days=8)
    assert "Set-Cookie" not in patron.get(path).headers
    assert "Set-Cookie" in patron.get("/account").headers


@on_sqlite
def test_a_closed_account_has_no_feed(app: Flask, client: FlaskClient, letters: Letters) -> None:
    path = address(enter(app, letters, "supporter"))
    with app.app_context():
        db.session.scalars(select(Reader).where(Reader.email == EMAIL)).one().active = False
        db.session.commit()
    assert client.get(path).status_code == 404


@on_sqlite
def test_who_holds_nothing_can_switch_an_old_feed_off_but_make_none(
    app: Flask, letters: Letters, clock: MovingClock
) -> None:
    patron = enter(app, letters, "supporter")
    path = address(patron)
    clock.advance(days=31)
    assert "Make a new address" not in patron.get("/account").text
    assert send(patron, "/account/feed", page="/account").status_code == 403
    assert patron.get(path).status_code == 200
    send(patron, "/account/feed/stop", page="/account")
    assert patron.get(path).status_code == 404
    assert "Your feed" not in patron.get("/account").text


@on_sqlite
def test_the_account_page_shows_the_secret_to_its_owner_alone(
    app: Flask, client: FlaskClient, letters: Letters
) -> None:
    patron = enter(app, letters, "supporter")
    first = address(patron)
    page = patron.get("/account")
    assert page.headers["Cache-Control"] == "private, no-store"
    other = address(enter(app, letters, "supporter", email="eva@example.org"))
    assert other != first
    assert client.post("/account/feed").status_code == 400
    assert patron.post("/account/feed/stop").status_code == 400
    assert client.get(first).status_code == 200


@on_sqlite
def test_the_database_holds_no_secret(app: Flask, client: FlaskClient, letters: Letters) -> None:
    path = address(enter(app, letters, "supporter"))
    with app.app_context():
        row = db.session.scalars(select(personal.PersonalFeed)).one()
        assert row.nonce not in path
        assert path.split("-")[1].split(".")[0] not in repr(vars(row))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ('<a href="/join">x</a>', f'<a href="{SITE}/join">x</a>'),
        ('<a href="other">x</a>', f'<a href="{SITE}/article/other">x</a>'),
        ('<a href="#note">x</a>', f'<a href="{SITE}/article/a#note">x</a>'),
        (
            '<a href="https://example.org/a?b=1&amp;c">x</a>',
            '<a href="https://example.org/a?b=1&amp;c">x</a>',
        ),
        ('<a href="mailto:a@b.c">x</a>', '<a href="mailto:a@b.c">x</a>'),
        ('<a href="http://[">x</a>', f'<a href="{SITE}/article/a">x</a>'),
        (
            '<img src="/pictures/p.png" alt="A &quot;hill&quot;">',
            f'<img src="{SITE}/pictures/p.png" alt="A &quot;hill&quot;">',
        ),
        ('<p>Say src="/x" &lt;b&gt;</p>', '<p>Say src="/x" &lt;b&gt;</p>'),
    ],
)
def test_addresses_are_whole(given: str, expected: str) -> None:
    assert absolute(given, f"{SITE}/article/a") == expected


@on_sqlite
def test_pictures_and_markup_of_a_body_arrive_as_they_are(app: Flask, letters: Letters, kind: str) -> None:
    with app.app_context():
        size = {"picture": "p.png", "picture_alt": 'A "hill" & <b>'}
        publish(
            body="![On it](/pictures/q.png)\n\n**5 < 6** & [more](/join)\n\n<!-- more -->\n\nEnd\x08.", **size
        )
    patron = enter(app, letters, "supporter")
    html = next(iter(bodies(patron.get(address(patron, kind))).values()))
    assert f'<p><img src="{SITE}/pictures/p.png" alt="A &#34;hill&#34; &amp; &lt;b&gt;"></p>' in html
    assert f'src="{SITE}/pictures/q.png"' in html
    assert f'<strong>5 &lt; 6</strong> &amp; <a href="{SITE}/join"' in html
    assert "End." in unescape(html)
