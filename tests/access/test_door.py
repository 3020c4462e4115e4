"""The door before a page: what is decided, kept, and said in the headers."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError
from werkzeug.test import Client

from paywall import clock
from paywall.access.arrivals import Arrival, Arrivals, Passes
from paywall.access.decision import Decision, Gate, Reason, Show
from paywall.access.meter import NONE_FREE, Allowance, Cookies
from paywall.access.middleware import ARRIVAL, GATE_AGE, Door, Gated
from paywall.access.pages import PageStore
from paywall.accounts.models import Reader
from paywall.accounts.sessions import NOBODY, SessionFacts
from paywall.db import db
from paywall.questions import Lines
from tests.articles.patrons import EMAIL, hold

PATHS = frozenset(f"/article/{key}" for key in "abcd")
SECRET = "the vault is behind the clock"


class House:
    """A page behind a door, and who stands before it. `rendered` counts how often the page was made."""

    def __init__(
        self, app: Flask, *, allowance: Allowance = NONE_FREE, broken_is_spent: bool = False
    ) -> None:
        self.gate, self.version = "patrons", "1"
        self.session = NOBODY
        self.rendered = 0
        self.cookie = False
        self.broken = False
        with app.app_context():
            writing = db.engine
            engine = writing.execution_options(sqlite_begin="DEFERRED")
        self.door = Door(
            self.page,
            prefix="/article/",
            lookup=self.lookup,
            arrivals=Arrivals(
                sessions=lambda _environ: self.session,
                lines=Lines(writing),
                writing=lambda: writing,
                allowance=allowance,
                cookies=Cookies("a key for tests only", broken_is_spent=broken_is_spent),
                passes=Passes(*(app.extensions[name] for name in ("gift_links", "institutions", "crawlers"))),
                secure=False,
            ),
            journey=app.extensions["journey"],
            engine=lambda: engine,
            store=PageStore(1_000_000),
        )
        self.client = Client(self.door)

    def lookup(self, connection: Connection, path: str, now: datetime) -> Gated | None:
        if self.broken:
            raise OperationalError("select", {}, Exception("gone"))
        return Gated(Gate.parse(self.gate), self.version, path[-1]) if path in PATHS else None

    def page(self, environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        self.rendered += 1
        arrival = environ.get(ARRIVAL)
        full = arrival is not None and arrival.decision.show == "full"
        body = f"{SECRET if full else 'teaser'} {self.version} {arrival and arrival.signed_in}".encode()
        headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
        start("200 OK", headers + ([("Set-Cookie", "a=b")] if self.cookie else []))
        return [body]


@pytest.fixture
def house(app: Flask) -> House:
    return House(app)


@pytest.fixture
def patron(app: Flask) -> Iterator[Reader]:
    """A reader who holds the plan `supporter` for a day."""
    with app.app_context():
        reader = Reader(email=EMAIL, fs_uniquifier="ana")
        db.session.add(reader)
        db.session.flush()
        hold("supporter", days=1)
        db.session.commit()
        yield reader


def test_a_visitor_gets_the_teaser_once_rendered(house: House) -> None:
    # The first answer has a cookie: the browser remembers that it saw this article.
    for whose in ("private", "public", "public"):
        answer = house.client.get("/article/a")
        assert SECRET not in answer.text
        assert answer.headers["X-Paywall"] == "teaser; reason=patrons_only"
        assert answer.headers["Cache-Control"] == f"{whose}, no-cache"
        assert ("Set-Cookie" in answer.headers) == (whose == "private")
        assert answer.headers["Vary"] == "Cookie"
    assert house.rendered == 1


def test_a_patron_gets_it_in_full_and_only_they(house: House, patron: Reader) -> None:
    house.session = SessionFacts("ana", has_flashes=False)
    answer = house.client.get("/article/a")
    assert SECRET in answer.text
    assert answer.headers["Cache-Control"] == "private, no-cache"
    house.session = NOBODY
    assert SECRET not in house.client.get("/article/a").text
    house.session = SessionFacts("someone else", has_flashes=False)
    assert SECRET not in house.client.get("/article/a").text


def test_access_ends_by_itself(house: House, patron: Reader) -> None:
    house.session = SessionFacts("ana", has_flashes=False)
    later = clock.now() + timedelta(days=1, seconds=1)
    assert SECRET in house.client.get("/article/a").text
    clock.use(lambda: later)
    assert SECRET not in house.client.get("/article/a").text


def test_one_query_for_a_reader_and_none_for_a_visitor(app: Flask, house: House, patron: Reader) -> None:
    house.client.get("/article/a")
    asked: list[str] = []
    engine = db.engine

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        # Whether an institution has changed is asked once a second, whoever comes.
        if not statement.startswith("BEGIN") and "FROM institution" not in statement:
            asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    house.client.get("/article/a")
    assert asked == []
    house.session = SessionFacts("ana", has_flashes=False)
    house.client.get("/article/a")
    event.remove(engine, "before_cursor_execute", note)
    assert len(asked) == 1


def test_a_page_that_has_not_changed_is_not_sent_again(house: House) -> None:
    house.client.get("/article/a")
    tag = house.client.get("/article/a").headers["ETag"]
    again = house.client.get("/article/a", headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    house.version = "2"
    house.door.forget()
    assert house.client.get("/article/a", headers={"If-None-Match": tag}).status_code == 200


def test_a_patrons_tag_is_worth_nothing_to_a_visitor(house: House, patron: Reader) -> None:
    house.session = SessionFacts("ana", has_flashes=False)
    tag = house.client.get("/article/a").headers["ETag"]
    house.session = NOBODY
    answer = house.client.get("/article/a", headers={"If-None-Match": tag})
    assert answer.status_code == 200
    assert SECRET not in answer.text


def test_head_has_headers_and_no_body(house: House) -> None:
    answer = house.client.head("/article/a")
    assert answer.data == b""
    assert int(answer.headers["Content-Length"]) > 0


def test_a_waiting_message_is_shown_and_not_kept(house: House, patron: Reader) -> None:
    house.session = SessionFacts("ana", has_flashes=True)
    for _ in range(2):
        answer = house.client.get("/article/a")
        assert SECRET in answer.text
        assert answer.headers["Cache-Control"] == "private, no-store"
    assert house.rendered == 2


def test_a_page_with_a_cookie_is_not_kept(house: House) -> None:
    house.cookie = True
    for _ in range(2):
        answer = house.client.get("/article/a")
        assert answer.headers["Set-Cookie"] == "a=b"
        assert answer.headers["Cache-Control"] == "private, no-store"
    assert house.rendered == 2


def test_a_changed_gate_is_in_force_within_a_second(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    assert GATE_AGE <= 1
    monkeypatch.setattr("paywall.access.middleware.GATE_AGE", 0)
    for gate, is_open in (("public", True), ("patrons", False), ("public", True)):
        house.gate = gate
        assert (SECRET in house.client.get("/article/a").text) is is_open


def test_what_is_no_article_passes_undecided(house: House) -> None:
    for path in ("/", "/article/unknown"):
        assert house.client.get(path).text == "teaser 1 None"
    assert house.client.post("/article/a").text == "teaser 1 None"


def test_nobody_can_bring_a_decision_along(house: House) -> None:
    forged = {ARRIVAL: Arrival(Decision(Show.FULL, Reason.STAFF), Gate.parse("public"), signed_in=True)}
    assert SECRET not in house.client.get("/article/unknown", environ_overrides=forged).text


def test_a_database_that_is_gone_means_teaser(
    house: House, patron: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.session = SessionFacts("ana", has_flashes=False)

    def gone(*_: Any) -> None:
        raise OperationalError("select", {}, Exception("gone"))

    monkeypatch.setattr("paywall.access.visitors.Readers.by_session", gone)
    assert SECRET not in house.client.get("/article/a").text
    monkeypatch.setattr("paywall.access.gift_links.opening.GiftLinks.look", gone)
    assert SECRET not in house.client.get("/article/a?gift=1.abc").text
    house.broken = True
    house.door.forget()
    assert SECRET not in house.client.get("/article/a").text


def test_the_memory_of_gates_is_bounded(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paywall.access.middleware.GATES_KEPT", 3)
    for number in range(10):
        house.client.get(f"/article/{number}")
    assert len(house.door._gates) <= 3


def test_the_whole_product_has_its_door(app: Flask, client: FlaskClient) -> None:
    assert isinstance(app.extensions["door"], Door)
    assert client.get("/article/nothing-here").status_code == 404
