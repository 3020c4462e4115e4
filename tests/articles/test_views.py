"""The paper through the whole product and its real door: every kind of reader before every kind of gate."""

import enum
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from paywall import clock as ours
from paywall.access.middleware import ARRIVAL
from paywall.accounts import staff
from paywall.accounts.models import StaffRole
from paywall.articles import gates
from paywall.articles.models import Article
from paywall.db import db
from paywall.mail import Letter
from paywall.membership import plans
from paywall.membership.plans import PlanText
from paywall.membership.rules import Interval
from paywall.money import Money
from tests.accounts.browser import sign_out, sign_up
from tests.articles.files import SECRET, TEASER, publish
from tests.articles.patrons import hold
from tests.moving import MovingClock

pytestmark = pytest.mark.story

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
EMAIL = "ana@example.org"
PAGE = "/article/the-house"
ELSEWHERE = (
    "/",
    "/section/city",
    "/section/city?page=2",
    "/feed.atom",
    "/section/city/feed.atom",
    "/sitemap.xml",
    "/sitemap/articles-1.xml",
    "/sitemap/news.xml",
    "/robots.txt",
    "/article/another",
    f"/join?next={PAGE}",
    "/account",
    "/metrics",
)
GATES = ("public", "registered", "patrons", "plan:circle", "plan:", "plan:gone", "members", "")


class Who(enum.StrEnum):
    """Who stands before the article; SUPPORTER and CIRCLE by the plan that they hold."""

    VISITOR = "visitor"
    REGISTERED = "registered"
    SUPPORTER = "supporter"
    CIRCLE = "circle"
    STAFF = "staff"


# For each of GATES in turn: the reason of the full article in capitals, of the teaser in small letters.
REASONS = {
    Who.VISITOR: "OPEN sign_in patrons_only patrons_only patrons_only patrons_only unknown_gate patrons_only",
    Who.REGISTERED: "OPEN SIGNED_IN patrons_only patrons_only patrons_only patrons_only"
    " unknown_gate patrons_only",
    Who.SUPPORTER: "OPEN SIGNED_IN PATRON higher_plan higher_plan higher_plan unknown_gate PATRON",
    Who.CIRCLE: "OPEN SIGNED_IN PATRON PATRON higher_plan higher_plan unknown_gate PATRON",
    Who.STAFF: "OPEN STAFF STAFF STAFF STAFF STAFF STAFF STAFF",
}

CASES = [
    pytest.param(who, gate, reason, id=f"{who}-{gate or 'empty'}")
    for who, reasons in REASONS.items()
    for gate, reason in zip(GATES, reasons.split(), strict=True)
]
Enter = Callable[[Who], FlaskClient]


@pytest.fixture
def enter(app: Flask, letters: Callable[[], list[Letter]]) -> Enter:
    """A new browser in which this kind of reader is signed in. There are the plans supporter and circle."""
    with app.app_context():
        for slug, cents in (("supporter", 500), ("circle", 1500)):
            plans.write(
                PlanText(slug, slug.title(), "", {Interval.MONTH: Money(cents, "eur")}), "For the test"
            )
        db.session.commit()

    def begin(who: Who) -> FlaskClient:
        client = app.test_client()
        if who is not Who.VISITOR:
            sign_up(client, letters, EMAIL)
        with app.app_context():
            if who is Who.STAFF:
                staff.appoint(EMAIL, StaffRole.EDITOR, "For the test")
            if who in {Who.SUPPORTER, Who.CIRCLE}:
                hold(who)
            db.session.commit()
        return client

    return begin


def said(response: TestResponse) -> str:
    """All that went out: status, headers and body."""
    return f"{response.status}\n{response.headers}\n{response.text}"


def put_out(app: Flask, gate: str) -> None:
    """The article behind this gate, and a neighbour behind the same."""
    with app.app_context():
        publish(gate=gate, standfirst="")
        publish("another", gate=gate)


@on_sqlite
@pytest.mark.parametrize(("who", "gate", "reason"), CASES)
def test_every_reader_before_every_gate(app: Flask, enter: Enter, who: Who, gate: str, reason: str) -> None:
    put_out(app, gate)
    client = enter(who)
    is_full = reason.isupper()
    # The first page after signing in bears a notice and goes another way than those after it.
    for number, method in enumerate(("get", "get", "head", "get")):
        response = getattr(client, method)(PAGE)
        assert response.status_code == 200
        assert (SECRET in response.text) is (is_full and method == "get")
        assert is_full or "pearl" not in said(response)
        assert is_full or TEASER in response.text or method == "head"
        if number:
            about = f"{'full' if is_full else 'teaser'}; reason={reason.lower()}"
            assert response.headers["X-Paywall"] == about
            kept = "public, no-cache" if who is Who.VISITOR else "private, no-cache"
            assert (response.headers["Cache-Control"], response.headers["Vary"]) == (kept, "Cookie")
    if not is_full:
        for path in ELSEWHERE:
            assert "pearl" not in said(client.get(path))


@on_sqlite
@pytest.mark.parametrize(
    ("who", "gate", "words", "absent"),
    [
        (Who.VISITOR, "registered", "Read on with a free account", "Become a patron</a></p>"),
        (Who.VISITOR, "patrons", "Patrons read it from €5 a month.", "Change your plan"),
        (Who.VISITOR, "plan:circle", "This article comes with Circle, from €15 a month.", "Supporter"),
        (Who.VISITOR, "patrons", "Already a patron? <a href=", "thank you"),
        (Who.REGISTERED, "patrons", "Become a patron</a></p>", "Already a patron?"),
        (Who.REGISTERED, "plan:gone", "There is nothing that we could sell you to open it.", "a month."),
        (Who.SUPPORTER, "plan:circle", "This one comes with Circle, from €15 a month.", "/join?next"),
        (Who.SUPPORTER, "plan:circle,supporter", SECRET, "You have read"),
        (Who.SUPPORTER, "plan:", "takes no new patrons now", "Change your plan"),
        (Who.SUPPORTER, "members", "That is our mistake, not yours", "a month."),
    ],
)
def test_the_offer_speaks_to_who_reads_it(
    app: Flask, enter: Enter, who: Who, gate: str, words: str, absent: str
) -> None:
    put_out(app, gate)
    client = enter(who)
    client.get("/")
    main = " ".join(client.get(PAGE).text.partition("<main")[2].partition("</main>")[0].split())
    assert words in main
    assert absent not in main


@on_sqlite
def test_what_a_patron_was_shown_is_shown_to_nobody_after_them(app: Flask, enter: Enter) -> None:
    put_out(app, "patrons")
    patron = enter(Who.SUPPORTER)
    patron.get("/")
    full = patron.get(PAGE)
    assert SECRET in full.text
    tag = {"If-None-Match": full.headers["ETag"]}
    unchanged = patron.get(PAGE, headers=tag)
    assert (unchanged.status_code, unchanged.data) == (304, b"")
    visitor = app.test_client()
    for headers in ({}, tag, {"Cookie": "paywall=forged"}, {"Range": "bytes=0-9999"}):
        response = visitor.get(PAGE, headers=headers)
        assert response.status_code == 200
        assert "pearl" not in said(response)
    sign_out(patron)
    for _ in range(2):
        assert "pearl" not in said(patron.get(PAGE, headers=tag))


@on_sqlite
def test_a_teaser_that_has_not_changed_is_not_sent_again(app: Flask, client: FlaskClient) -> None:
    put_out(app, "patrons")
    client.get(PAGE)
    first = client.get(PAGE)
    again = client.get(PAGE, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert client.head(PAGE).headers["Content-Length"] == str(len(first.data))


@on_sqlite
def test_access_ends_at_its_hour_on_the_page_too(app: Flask, enter: Enter, clock: MovingClock) -> None:
    put_out(app, "patrons")
    patron = enter(Who.SUPPORTER)
    patron.get("/")
    clock.advance(days=29)
    assert SECRET in patron.get(PAGE).text
    clock.advance(days=1, seconds=1)
    response = patron.get(PAGE)
    assert "pearl" not in said(response)
    assert response.headers["X-Paywall"] == "teaser; reason=patrons_only"


@on_sqlite
@pytest.mark.parametrize("who", [Who.VISITOR, Who.SUPPORTER, Who.STAFF])
def test_what_is_not_out_yet_is_nowhere_for_anyone_until_its_hour(
    app: Flask, enter: Enter, clock: MovingClock, who: Who
) -> None:
    with app.app_context():
        publish("another")
        publish(gate="public", published_at=ours.now() + timedelta(hours=2))
        publish("never", gate="public", published_at=None)
    client = enter(who)
    for path in (PAGE, "/article/never"):
        assert client.get(path).status_code == 404
        assert "pearl" not in said(client.get(path))
    for path in ("/", "/section/city", "/feed.atom", "/section/city/feed.atom", "/sitemap.xml"):
        assert "the-house" not in said(client.get(path))
    clock.advance(hours=2, seconds=1)
    app.extensions["door"].forget()
    assert SECRET in client.get(PAGE).text
    assert "the-house" in client.get("/").text
    assert client.get("/article/never").status_code == 404


@on_sqlite
def test_a_gate_that_closes_is_closed_for_who_reads_on(app: Flask, client: FlaskClient) -> None:
    put_out(app, "public")
    tag = {"If-None-Match": client.get(PAGE).headers["ETag"]}
    with app.app_context():
        article = db.session.scalars(select(Article).where(Article.slug == "the-house")).one()
        article.gate, article.version = "patrons", 2
        db.session.commit()
    app.extensions["door"].forget()
    response = client.get(PAGE, headers=tag)
    assert response.status_code == 200
    assert "pearl" not in said(response)


@on_sqlite
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options", "trace"])
def test_another_method_shows_nothing(app: Flask, enter: Enter, method: str) -> None:
    put_out(app, "patrons")
    client = enter(Who.SUPPORTER)
    assert "pearl" not in said(getattr(client, method)(PAGE))


@on_sqlite
@pytest.mark.parametrize(
    "path", ["/article/the-house/", "//article/the-house", "/article//the-house", "/Article/the-house"]
)
def test_another_spelling_of_the_address_opens_nothing(app: Flask, client: FlaskClient, path: str) -> None:
    put_out(app, "patrons")
    response = client.get(path, base_url="http://127.0.0.1:8000", follow_redirects=True)
    assert "pearl" not in said(response)


@pytest.mark.parametrize(
    "path", ["/article/%00", f"{PAGE}%00", "/section/city%00", "/section/%00/feed.atom", "/pictures/a%00.png"]
)
def test_a_null_byte_in_an_address_is_no_page_and_no_error(
    app: Flask, client: FlaskClient, path: str
) -> None:
    put_out(app, "public")
    assert client.get(path).status_code == 404


def test_the_door_learns_gate_and_version_of_what_is_out(app: Flask, context: None) -> None:
    now = ours.now()
    publish("open", gate="public")
    publish("odd", gate="members")
    publish("now", published_at=now)
    publish("soon", published_at=now + timedelta(microseconds=1))
    publish("draft", published_at=None)
    lookup = gates.lookup(app.extensions["settings"])
    with db.engine.connect() as connection:

        def level(slug: str, at: datetime = now) -> str | None:
            found = lookup(connection, f"/article/{slug}", at)
            return str(found.gate) if found else None

        assert (level("open"), level("odd"), level("now")) == ("public", "unknown", "patrons")
        assert [level(slug) for slug in ("soon", "draft", "none", "", "open%", "OPEN", "a\0b")] == [None] * 7
        first, later = (lookup(connection, "/article/open", at) for at in (now, now + timedelta(minutes=5)))
        assert first
        assert later
        assert first.version != later.version


@on_sqlite
def test_a_decision_cannot_be_brought_along_in_a_header(app: Flask, client: FlaskClient) -> None:
    put_out(app, "patrons")
    forged = {ARRIVAL: "full", "X-Paywall": "full; reason=staff", "Paywall.Decision": "full"}
    assert "pearl" not in said(client.get(PAGE, headers=forged))
