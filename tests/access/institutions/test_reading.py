"""Reading through an institution: at the door, over HTTP, and what is counted of it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select, text, update

from paywall.access.institutions import keeping, reading
from paywall.access.institutions.keeping import Term
from paywall.access.institutions.models import InstitutionUse, Way
from paywall.access.institutions.reading import Institutions
from paywall.accounts.models import Reader
from paywall.db import db
from paywall.mail import Letter
from paywall.membership import plans
from paywall.membership.plans import PlanText
from paywall.membership.rules import Holding, Interval
from paywall.money import Money
from tests.accounts.browser import sign_up
from tests.articles.files import SECRET, publish
from tests.billing.apart import Apart
from tests.moving import MovingClock

INSIDE, OUTSIDE, SIX = "192.0.2.7", "198.51.100.7", "2001:db8::7"
ARTICLE, CIRCLE = "/article/the-house", "/article/for-circle"
ANA = "ana@law.uni.example.org"


@pytest.fixture
def known(app: Flask, context: None, clock: MovingClock) -> Institutions:
    """A library that reads by its network, and a university that reads by its addresses and holds a plan."""
    app.test_client_class = Apart
    clock.set(clock.now().replace(hour=9, minute=0))
    now = clock.now()
    plans.write(PlanText("circle", "Circle", "", {Interval.MONTH: Money(500, "eur")}), "For the test")
    publish()
    publish("for-circle", gate="plan:circle")
    publish("for-guests", gate="registered")
    keeping.add("library", "City Library", Term(now, now + timedelta(days=1)), None)
    keeping.add_ranges("library", ["192.0.2.0/24", "2001:db8::/48"])
    keeping.add("uni", "University", Term(now, now + timedelta(days=30)), "circle")
    keeping.add_domains("uni", ["uni.example.org"], with_subdomains=True)
    db.session.commit()
    found: Institutions = app.extensions["institutions"]
    return found


@pytest.fixture
def browser(app: Flask, known: Institutions) -> Callable[[str], FlaskClient]:
    """A browser that sits at an address."""

    def sit(address: str) -> FlaskClient:
        client = app.test_client()
        client.environ_base["REMOTE_ADDR"] = address
        return client

    return sit


def is_read(client: FlaskClient, path: str = ARTICLE, **headers: str) -> bool:
    """Whether the article is there in full; if not, no word of the rest is."""
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200
    assert SECRET in answer.text or "pearl" not in f"{answer.headers}{answer.text}"
    return SECRET in answer.text


def use() -> dict[tuple[str, str], int]:
    """Reads by way and key."""
    db.session.rollback()
    rows = {(one.way.value, one.key): one.reads for one in db.session.scalars(select(InstitutionUse))}
    db.session.rollback()
    return rows


def test_who_sits_in_the_network_reads_what_it_opens(browser: Callable[[str], FlaskClient]) -> None:
    for address in (INSIDE, SIX, f"::ffff:{INSIDE}"):
        assert is_read(browser(address))
        assert is_read(browser(address), "/article/for-guests")
        assert not is_read(browser(address), CIRCLE)
    assert not is_read(browser(OUTSIDE))


@pytest.mark.parametrize("claimed", [INSIDE, f"{INSIDE}, {OUTSIDE}", f"{OUTSIDE}, {INSIDE}"])
def test_without_a_declared_proxy_nobody_claims_an_address(
    browser: Callable[[str], FlaskClient], claimed: str
) -> None:
    claims = {"X-Forwarded-For": claimed, "X-Real-IP": INSIDE, "Forwarded": f"for={INSIDE}"}
    assert not is_read(browser(OUTSIDE), **claims)
    assert is_read(browser(INSIDE), **{"X-Forwarded-For": OUTSIDE})


@pytest.mark.settings(proxies=1)
@pytest.mark.parametrize(
    ("forwarded", "reads"),
    [
        (INSIDE, True),
        (OUTSIDE, False),
        (f"{INSIDE}, {OUTSIDE}", False),
        (f"{OUTSIDE}, {INSIDE}", True),
        (f"{INSIDE}, unknown", False),
        ("", False),
    ],
)
def test_behind_a_proxy_what_the_proxy_itself_has_seen_counts(
    browser: Callable[[str], FlaskClient],
    forwarded: str,
    reads: bool,  # noqa: FBT001
) -> None:
    assert is_read(browser("127.0.0.1"), **{"X-Forwarded-For": forwarded}) is reads


@pytest.mark.settings(proxies=2)
def test_behind_two_proxies_the_second_from_the_right_counts(browser: Callable[[str], FlaskClient]) -> None:
    assert is_read(browser("127.0.0.1"), **{"X-Forwarded-For": f"{OUTSIDE}, {INSIDE}, 127.0.0.2"})
    assert not is_read(browser("127.0.0.1"), **{"X-Forwarded-For": f"{INSIDE}, {OUTSIDE}, 127.0.0.2"})


def test_who_has_a_confirmed_address_at_the_domain_reads_and_is_told_so(
    browser: Callable[[str], FlaskClient], letters: Callable[[], list[Letter]], clock: MovingClock
) -> None:
    ana = browser(OUTSIDE)
    assert not is_read(ana)
    sign_up(ana, letters, ANA)
    assert is_read(ana)
    assert is_read(ana, CIRCLE)
    told = ana.get("/account").text
    last = clock.now() + timedelta(days=30) - timedelta(seconds=1)
    assert "You read through University, by your e-mail address" in told
    assert f"until {last.day} {last:%B %Y}" in told
    other = browser(INSIDE)
    sign_up(other, letters, "bo@example.org")
    assert "You read through" not in other.get("/account").text


def test_an_address_that_is_not_confirmed_or_was_changed_opens_nothing(
    browser: Callable[[str], FlaskClient], letters: Callable[[], list[Letter]]
) -> None:
    ana = browser(OUTSIDE)
    sign_up(ana, letters, ANA)
    db.session.execute(update(Reader).values(confirmed_at=None))
    db.session.commit()
    assert not is_read(ana)
    assert "You read through" not in ana.get("/account").text
    db.session.execute(update(Reader).values(confirmed_at=Reader.created_at, email="ana@example.org"))
    db.session.commit()
    assert not is_read(ana)


def test_of_two_institutions_the_one_that_opens_more(known: Institutions, clock: MovingClock) -> None:
    now = clock.now()
    both = known.holding(INSIDE, ANA, now)
    assert both
    assert (both.holding.plan, both.way) == ("circle", Way.DOMAIN)
    keeping.add_domains("library", ["lib.example.org"])
    keeping.add_ranges("uni", [OUTSIDE])
    db.session.commit()
    known._known = reading.UNKNOWN
    by_network = known.holding(OUTSIDE, "ana@lib.example.org", now)
    assert by_network
    assert (by_network.holding.plan, by_network.way) == ("circle", Way.RANGE)
    by_domain = known.holding(INSIDE, "ana@lib.example.org", now)
    assert by_domain
    assert (by_domain.holding, by_domain.way) == (Holding("", now + timedelta(days=1)), Way.DOMAIN)


def test_it_reads_from_its_first_instant_to_just_before_its_last(
    browser: Callable[[str], FlaskClient], clock: MovingClock
) -> None:
    first = clock.now()
    for at, reads in (
        (first - timedelta(microseconds=1), False),
        (first, True),
        (first + timedelta(days=1) - timedelta(microseconds=1), True),
        (first + timedelta(days=1), False),
    ):
        clock.set(at)
        assert is_read(browser(INSIDE)) is reads


def test_a_change_is_in_force_within_a_second(
    browser: Callable[[str], FlaskClient], monkeypatch: pytest.MonkeyPatch, clock: MovingClock
) -> None:
    assert reading.AGE <= 1
    monkeypatch.setattr(reading, "AGE", 0)
    assert is_read(browser(INSIDE))
    keeping.end("library", clock.now())
    db.session.commit()
    assert not is_read(browser(INSIDE))


def test_no_request_asks_the_database_while_the_table_is_young(
    known: Institutions, clock: MovingClock
) -> None:
    known.holding(INSIDE, ANA, clock.now())
    asked: list[Any] = []
    event.listen(db.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    for _ in range(3):
        assert known.holding(INSIDE, ANA, clock.now())
    assert asked == []


def test_a_database_that_does_not_answer_opens_nothing(known: Institutions, clock: MovingClock) -> None:
    assert known.holding(INSIDE, ANA, clock.now())
    with db.engine.begin() as connection:
        connection.execute(text("DROP TABLE institution_range"))
    known._known = reading.UNKNOWN
    assert known.holding(INSIDE, ANA, clock.now()) is None


def test_a_row_that_somebody_has_spoilt_opens_nothing_and_breaks_no_page(
    browser: Callable[[str], FlaskClient],
) -> None:
    with db.engine.begin() as connection:
        connection.execute(text("UPDATE institution_range SET last = 'all'"))
    assert not is_read(browser(INSIDE))


def test_reads_are_counted_by_day_way_and_article_and_by_nothing_else(
    browser: Callable[[str], FlaskClient], known: Institutions, letters: Callable[[], list[Letter]]
) -> None:
    ana, guest = browser(OUTSIDE), browser(INSIDE)
    sign_up(ana, letters, ANA)
    for client in (ana, guest, guest):
        assert is_read(client)
    assert is_read(ana, CIRCLE)
    assert not is_read(guest, CIRCLE)
    guest.head(ARTICLE)
    guest.get(ARTICLE, headers={"Sec-Purpose": "prefetch"})
    assert use() == {}
    known._tally.write()
    assert use() == {("domain", "1"): 1, ("range", "1"): 2, ("domain", "2"): 1}
    assert is_read(guest)
    known._tally.write()
    assert use()["range", "1"] == 3


def test_the_day_is_the_papers_own(
    browser: Callable[[str], FlaskClient], known: Institutions, clock: MovingClock
) -> None:
    # 23:30 in Sofia, and an hour later.
    for hour in (21, 22):
        clock.set(clock.now().replace(hour=hour, minute=30))
        assert is_read(browser(INSIDE))
    known._tally.write()
    today = clock.now().date()
    assert {one.day: one.reads for one in db.session.scalars(select(InstitutionUse))} == {
        today: 1,
        today + timedelta(days=1): 1,
    }
    db.session.rollback()
