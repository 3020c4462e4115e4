"""The meter: how free reads are counted, kept, carried over and forgotten."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from paywall import clock
from paywall.access import free_reads
from paywall.access.meter import COOKIE, Allowance, Cookies, Read, count
from paywall.access.models import MeterRead
from paywall.accounts.models import Reader
from paywall.accounts.sessions import NOBODY, SessionFacts
from paywall.db import db
from paywall.mail import Letter
from paywall.membership import plans
from paywall.membership.plans import PlanText
from paywall.membership.rules import Interval
from paywall.money import Money
from tests.access.test_door import SECRET, House
from tests.accounts.browser import sign_out, sign_up
from tests.articles.files import publish

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MONTH = Allowance(2, 3, 0, "Europe/Sofia")
WEEK = Allowance(2, 3, 7, "Europe/Sofia")
PEARL = "pearl"


@pytest.mark.parametrize(
    ("now", "since"),
    [
        (NOW, datetime(2026, 10, 31, 22, tzinfo=UTC)),
        (datetime(2026, 10, 31, 21, 59, 59, tzinfo=UTC), datetime(2026, 9, 30, 21, tzinfo=UTC)),
        (datetime(2026, 10, 31, 22, tzinfo=UTC), datetime(2026, 10, 31, 22, tzinfo=UTC)),
    ],
)
def test_a_month_begins_at_midnight_of_the_site(now: datetime, since: datetime) -> None:
    assert MONTH.since(now) == since


def test_the_last_days_are_whole_days_back_from_now() -> None:
    assert WEEK.since(NOW) == NOW - timedelta(days=7)


@pytest.mark.parametrize(
    ("reads", "left", "has_read"),
    [
        ([], 2, False),
        ([Read("b", NOW)], 1, False),
        ([Read("a", NOW)], 1, True),
        ([Read("a", NOW), Read("b", NOW)], 0, True),
        ([Read("b", NOW), Read("c", NOW), Read("d", NOW)], 0, False),
        ([Read("b", WEEK.since(NOW))], 1, False),
        ([Read("a", WEEK.since(NOW) - timedelta(minutes=1))], 2, False),
    ],
)
def test_only_pages_read_in_this_period_count_and_each_once(
    reads: list[Read], left: int, *, has_read: bool
) -> None:
    found = count(reads, "a", allowed=2, since=WEEK.since(NOW))
    assert (found.left, found.has_read) == (left, has_read)


minutes = st.integers(0, 10_000_000).map(
    lambda passed: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=passed)
)
reads = st.lists(st.builds(Read, st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True), minutes), max_size=9)


@given(reads)
def test_a_cookie_reads_as_it_was_written(made: list[Read]) -> None:
    cookies = Cookies("a key", broken_is_spent=True)
    assert cookies.read(cookies.write(made, datetime(2020, 1, 1, tzinfo=UTC))) == tuple(made)


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_a_cookie_that_is_not_ours_is_no_error(value: str) -> None:
    assert Cookies("a key", broken_is_spent=False).read(value) == ()
    assert Cookies("a key", broken_is_spent=True).read(value) == (None if value else ())


def test_a_cookie_of_another_site_is_not_ours() -> None:
    foreign = Cookies("another key", broken_is_spent=True).write([Read("a", NOW)], NOW)
    assert Cookies("a key", broken_is_spent=True).read(foreign) is None
    assert Cookies("a key", broken_is_spent=False).read(foreign) == ()


@pytest.fixture
def house(app: Flask) -> House:
    return House(app, allowance=MONTH)


@pytest.fixture
def ana(app: Flask, context: None) -> Reader:
    reader = Reader(email="ana@example.org", fs_uniquifier="ana")
    db.session.add(reader)
    db.session.commit()
    return reader


def said(answer: Any) -> str:
    assert (SECRET in answer.text) is answer.headers["X-Paywall"].startswith("full")
    return str(answer.headers["X-Paywall"])


def test_a_visitor_reads_so_many_and_the_same_ones_again(house: House) -> None:
    asked = ["a", "a", "b", "c", "a", "b", "d"]
    answers = [said(house.client.get(f"/article/{key}")) for key in asked]
    assert [answer.endswith("metered") for answer in answers] == [True, True, True, False, True, True, False]
    assert answers[3] == "teaser; reason=meter_spent"


def test_the_cookie_is_for_this_browser_alone(house: House) -> None:
    first = house.client.get("/article/a")
    assert first.headers["Cache-Control"] == "private, no-cache"
    cookie = first.headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Set-Cookie" not in house.client.get("/article/a").headers


def test_a_page_that_costs_nothing_needs_no_cookie(house: House) -> None:
    house.gate = "public"
    answer = house.client.get("/article/a")
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "public, no-cache"


def test_headers_and_a_look_ahead_spend_nothing(house: House) -> None:
    assert house.client.head("/article/a").data == b""
    for header in ("Sec-Purpose", "Purpose", "X-Moz"):
        ahead = house.client.get("/article/b", headers={header: "prefetch;anonymous-client-ip"})
        assert (ahead.status_code, ahead.data, ahead.headers["Cache-Control"]) == (503, b"", "no-store")
    assert [said(house.client.get(f"/article/{key}")).endswith("metered") for key in "cd"] == [True, True]
    again = house.client.get("/article/c", headers={"Sec-Purpose": "prefetch"})
    assert said(again).endswith("metered")


@pytest.mark.parametrize(("broken_is_spent", "reason"), [(True, "meter_spent"), (False, "metered")])
def test_a_count_that_was_tampered_with_is_spent_or_new(
    app: Flask, *, broken_is_spent: bool, reason: str
) -> None:
    house = House(app, allowance=MONTH, broken_is_spent=broken_is_spent)
    house.client.set_cookie(COOKIE, "1:2.forged", domain="localhost")
    assert said(house.client.get("/article/a")).endswith(reason)


def test_a_new_month_brings_new_reads(house: House, app: Flask) -> None:
    start = datetime(2026, 10, 31, 21, 59, tzinfo=UTC)
    clock.use(lambda: start)
    assert [said(house.client.get(f"/article/{key}")).endswith("metered") for key in "abc"] == [
        True,
        True,
        False,
    ]
    clock.use(lambda: start + timedelta(minutes=1))
    assert [said(house.client.get(f"/article/{key}")).endswith("metered") for key in "cab"] == [
        True,
        True,
        False,
    ]


def test_who_is_signed_in_is_counted_by_rows(house: House, ana: Reader) -> None:
    house.session = SessionFacts("ana", has_flashes=False)
    answers = [said(house.client.get(f"/article/{key}")) for key in "aabcda"]
    assert [answer.endswith("metered") for answer in answers] == [True, True, True, True, False, True]
    assert house.client.get_cookie(COOKIE) is None
    assert db.session.scalar(select(func.count()).select_from(MeterRead)) == 3


def test_the_last_read_cannot_be_spent_twice(house: House, ana: Reader) -> None:
    allowance = Allowance(0, 1, 0, "UTC")
    reader_id = ana.id
    db.session.rollback()
    for key, is_noted in (("a", True), ("b", False), ("a", True)):
        with db.engine.begin() as connection:
            assert free_reads.spend(connection, reader_id, key, allowance, clock.now()) is is_noted


def test_who_comes_second_to_the_last_read_gets_the_teaser(
    house: House, ana: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.session = SessionFacts("ana", has_flashes=False)
    monkeypatch.setattr("paywall.access.free_reads.spend", lambda *_: False)
    assert said(house.client.get("/article/a")) == "teaser; reason=meter_spent"


def test_a_read_that_cannot_be_counted_is_none(
    house: House, ana: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any) -> None:
        raise OperationalError("insert", {}, Exception("full"))

    house.session = SessionFacts("ana", has_flashes=False)
    monkeypatch.setattr("paywall.access.free_reads.spend", gone)
    assert said(house.client.get("/article/a")) == "teaser; reason=unknown_gate"


def test_a_visitors_cookie_is_nothing_to_who_is_signed_in(house: House, ana: Reader) -> None:
    for key in "abc":
        house.client.get(f"/article/{key}")
    house.session = SessionFacts("ana", has_flashes=False)
    assert said(house.client.get("/article/c")).endswith("metered")
    house.session = NOBODY
    assert said(house.client.get("/article/c")).endswith("meter_spent")


metered = pytest.mark.settings(meter_visitor_reads=1, meter_reader_reads=2)


@metered
def test_signing_in_and_out_begins_no_new_count(
    app: Flask, client: FlaskClient, letters: Callable[[], list[Letter]]
) -> None:
    with app.app_context():
        plans.write(
            PlanText("supporter", "Supporter", "", {Interval.MONTH: Money(500, "eur")}), "For the test"
        )
        for slug in ("one", "two", "three"):
            publish(slug)
    assert PEARL in client.get("/article/one").text
    assert "You have read your free articles of this month" in client.get("/article/two").text
    sign_up(client, letters, "ana@example.org")
    assert PEARL in client.get("/article/one").text
    assert PEARL in client.get("/article/two").text
    assert PEARL not in client.get("/article/three").text
    sign_out(client)
    for slug, is_open in (("one", True), ("two", True), ("three", False)):
        assert (PEARL in client.get(f"/article/{slug}").text) is is_open


@metered
def test_the_page_says_how_many_are_left(
    app: Flask, client: FlaskClient, letters: Callable[[], list[Letter]]
) -> None:
    with app.app_context():
        plans.write(
            PlanText("supporter", "Supporter", "", {Interval.MONTH: Money(500, "eur")}), "For the test"
        )
        for slug in ("one", "two", "three"):
            publish(slug)
    page = client.get("/article/one").text
    assert "It is your last one this month" in page
    spent = client.get("/article/two").text
    assert "With a free account you read one more article free." in spent
    assert PEARL not in spent
    sign_up(client, letters, "ana@example.org")
    assert "It is your last one this month" in client.get("/article/two").text
    assert "With a free account" not in client.get("/article/three").text


@metered
def test_feeds_spend_nothing(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        publish("one")
    for path in ("/", "/feed.atom", "/section/city", "/sitemap.xml"):
        answer = client.get(path)
        assert PEARL not in answer.text
        assert COOKIE not in answer.headers.get("Set-Cookie", "")
    assert PEARL in client.get("/article/one").text


@metered
def test_past_periods_are_forgotten(app: Flask, context: None, ana: Reader) -> None:
    now = clock.now()
    for key, days in (("old", 62), ("new", 0)):
        db.session.add(MeterRead(reader_id=ana.id, key=key, read_at=now - timedelta(days=days)))
    db.session.commit()
    free_reads.forget()
    assert list(db.session.scalars(select(MeterRead.key))) == ["new"]
