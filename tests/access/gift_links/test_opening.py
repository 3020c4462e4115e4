"""A token at the door: what it is worth, what it costs to look, what is counted, and what is sent."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select, update

from paywall import clock
from paywall.access import tokens
from paywall.access.gift_links import giving, opening
from paywall.access.gift_links.models import GiftLink
from paywall.access.gift_links.opening import GiftLinks, Opening
from paywall.access.gift_links.rules import State
from paywall.access.tokens import Purpose
from paywall.accounts.models import Reader
from paywall.articles.gift_pages import terms
from paywall.db import db
from tests.conftest import SECRET

pytestmark = pytest.mark.usefixtures("context")
KEY = "17"


@pytest.fixture
def links(app: Flask) -> GiftLinks:
    found: GiftLinks = app.extensions["gift_links"]
    return found


@pytest.fixture
def link(app: Flask, context: None) -> GiftLink:
    """A link that a reader has given to the article 17."""
    db.session.add(reader := Reader(email="ana@example.org"))
    db.session.flush()
    made = giving.give(reader.id, KEY, terms(), clock.now(), by_staff=False)
    db.session.commit()
    db.session.refresh(made)
    db.session.expunge(made)
    db.session.rollback()
    return made


def look(links: GiftLinks, token: str, key: str = KEY, **later: float) -> Opening:
    with db.engine.connect() as connection:
        return links.look(connection, token, key, clock.now() + timedelta(**later))


def count(environ: dict[str, Any], links: GiftLinks, opened: Opening, reader_id: int | None = None) -> int:
    links.opened(opened, {"REQUEST_METHOD": "GET", **environ}, reader_id)
    links._tally.write()
    opened_so_far = db.session.scalars(select(GiftLink.opened)).one()
    db.session.rollback()
    return opened_so_far


def test_a_good_one_opens_its_own_article_until_its_instant(links: GiftLinks, link: GiftLink) -> None:
    token = links.token(link)
    assert look(links, token) == Opening(State.GOOD, link.id, link.giver_id, link.until)
    assert look(links, token, "18") == Opening(State.UNKNOWN)
    assert look(links, token, days=14, seconds=1) == Opening(State.EXPIRED)
    giving.revoke(link.id, clock.now())
    db.session.commit()
    assert look(links, token) == Opening(State.REVOKED)


@pytest.mark.parametrize(
    "token", ["", "x", "1", "1-", "-1", "0-" + "a" * 40, "9" * 30, "1-" + "é" * 40, "1-\0"]
)
def test_what_is_no_token_asks_nothing(links: GiftLinks, link: GiftLink, token: str) -> None:
    asked: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    assert look(links, token) == Opening(State.UNKNOWN)
    assert [one for one in asked if "gift_link" in one] == []


def test_a_token_of_another_secret_purpose_nonce_or_row_is_unknown(links: GiftLinks, link: GiftLink) -> None:
    good = (SECRET, Purpose.GIFT, link.id, link.nonce)
    assert tokens.make(*good) == links.token(link)
    for place, other in enumerate(("another", Purpose.FEED, link.id + 1, tokens.new_nonce())):
        made: Any = (*good[:place], other, *good[place + 1 :])
        assert look(links, tokens.make(*made)).state is State.UNKNOWN
    stranger = tokens.make(*good).replace(f"{link.id}-", f"{link.id + 1}-")
    assert look(links, stranger).state is State.UNKNOWN


def test_a_look_is_one_query_by_the_primary_key(links: GiftLinks, link: GiftLink) -> None:
    token = links.token(link)
    asked: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    assert look(links, token).is_good
    assert len([one for one in asked if "BEGIN" not in one]) == 1
    assert "WHERE gift_link.id = " in asked[-1]


@pytest.mark.parametrize(
    ("environ", "counted"),
    [
        ({}, 1),
        ({"HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}, 1),
        ({"REQUEST_METHOD": "HEAD"}, 0),
        ({"HTTP_SEC_PURPOSE": "prefetch"}, 0),
        ({"HTTP_SEC_PURPOSE": "prefetch;prerender"}, 0),
        ({"HTTP_PURPOSE": "prefetch"}, 0),
        ({"HTTP_X_PURPOSE": "preview"}, 0),
        ({"HTTP_X_MOZ": "prefetch"}, 0),
        ({"HTTP_USER_AGENT": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"}, 0),
        ({"HTTP_USER_AGENT": "TelegramBot (like TwitterBot)"}, 0),
        ({"HTTP_USER_AGENT": "WhatsApp/2.23.20.0"}, 0),
        ({"HTTP_USER_AGENT": "facebookexternalhit/1.1"}, 0),
        ({"HTTP_USER_AGENT": "Mozilla/5.0 (Linux; Cubot X30) Firefox/140.0"}, 1),
    ],
)
def test_what_counts_as_opened(
    links: GiftLinks, link: GiftLink, environ: dict[str, Any], counted: int
) -> None:
    assert count(environ, links, look(links, links.token(link))) == counted


def test_a_giver_who_looks_at_the_own_link_is_not_counted(links: GiftLinks, link: GiftLink) -> None:
    good = look(links, links.token(link))
    assert count({}, links, good, link.giver_id) == 0
    assert count({}, links, good, link.giver_id + 1) == 1


def test_a_link_that_is_not_good_is_not_counted(links: GiftLinks, link: GiftLink) -> None:
    db.session.execute(update(GiftLink).values(until=clock.now()))
    db.session.commit()
    assert count({}, links, look(links, links.token(link))) == 0


@pytest.mark.parametrize(
    ("query", "token"),
    [
        ("", None),
        ("page=2", None),
        ("gifts=1", None),
        ("gift=", ""),
        ("gift", ""),
        ("a=b&gift=1-ab", "1-ab"),
        ("gift=first&gift=second", "first"),
        ("gift=%31%2Dab", "1-ab"),
        ("gift=%ff%00", "\ufffd\0"),
    ],
)
def test_the_token_in_an_address(query: str, token: str | None) -> None:
    assert opening.token_in({"QUERY_STRING": query}) == token


def test_headers_of_a_page_are_replaced_whatever_it_says() -> None:
    sent: list[tuple[str, str]] = []

    def start(_status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> Any:
        sent.extend(headers)

    said = [("cache-control", "public"), ("Referrer-Policy", "origin"), ("Content-Type", "text/html")]
    opening.unshared(start)("200 OK", said)
    assert sorted(sent) == sorted([("Content-Type", "text/html"), *opening.HEADERS])
