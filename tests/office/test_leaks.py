"""The leak test: it finds nothing in the product, over every route, and it finds what is planted."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from paywall.access import arrivals, decision, meter, tokens
from paywall.access.decision import Decision, Gate, Meter, Reason, Show, Visitor
from paywall.access.gift_links.models import GiftLink
from paywall.access.gift_links.opening import GiftLinks
from paywall.access.models import MeterRead
from paywall.access.visitors import Readers
from paywall.accounts.models import Reader
from paywall.accounts.routes import may_enter
from paywall.accounts.trail import StaffAct
from paywall.api.models import ApiToken
from paywall.articles.models import Article
from paywall.db import db
from paywall.membership.models import Plan
from paywall.office import asking, canaries
from paywall.office.asking import Answer, Ask
from paywall.office.leaks import askers, hunt
from paywall.office.leaks.hunt import Count, Leak
from tests.articles.files import publish
from tests.live import ROOT, Server

FREE_READS = {"meter_visitor_reads": 2, "meter_reader_reads": 3}
HOURS = timedelta(hours=5)
FULL = Decision(Show.FULL, Reason.OPEN)


def look(app: Flask, count: Count) -> Iterator[Leak]:
    """Run the test in this process."""
    with app.app_context():
        if db.session.scalar(select(Article.id)) is None:
            publish()
    with app.app_context(), askers.planted() as people:
        yield from hunt.hunt(people, asking.rules_of(app), asking.in_process(app), count)


def without_tricks(patch: pytest.MonkeyPatch) -> None:
    """Ask plainly, with gifts and tokens, and no more than that."""
    for kind in ("article", "routes"):
        patch.setattr(f"paywall.office.leaks.tricks.{kind}", lambda *_: ())


@pytest.mark.story
@pytest.mark.settings(**FREE_READS)
def test_nothing_comes_out_through_any_route(app: Flask) -> None:
    count = Count()
    assert [str(leak) for leak in look(app, count)] == []
    assert count.unproven == []
    rules = asking.rules_of(app)
    assert {rule for rule, _ in rules} == {rule.rule for rule in app.url_map.iter_rules()}
    assert count.asked > 4 * len(rules)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_command_leaves_nothing_behind(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        publish()
    without_tricks(monkeypatch)
    done = app.test_cli_runner().invoke(args=["paywall", "leaktest"])
    assert done.exit_code == 0, done.output
    assert "0 leaks" in done.output
    with app.app_context():
        assert list(db.session.scalars(select(Article.slug))) == ["the-house"]
        for table in (Reader, Plan, GiftLink, MeterRead, ApiToken, StaffAct):
            assert db.session.scalar(select(func.count()).select_from(table)) == 0


def test_what_a_killed_run_left_is_pulled_up(app: Flask, context: None) -> None:
    publish()
    left = canaries.planted()
    left.__enter__()
    with canaries.planted() as planted:
        rest = select(func.count()).select_from(Article).where(Article.slug.like("leaktest-%"))
        assert db.session.scalar(rest) == len(planted.canaries)


def test_a_paper_without_a_section_is_told_what_to_do(app: Flask) -> None:
    done = app.test_cli_runner().invoke(args=["paywall", "leaktest"])
    assert done.output == "Error: There is no section yet: import an article first.\n"


@contextmanager
def leaking_route(app: Flask, _: pytest.MonkeyPatch) -> Iterator[None]:
    @app.get("/print/<slug>")
    @may_enter("public")
    def printed(slug: str) -> str:
        return db.session.scalar(select(Article.full_html).where(Article.slug == slug)) or ""

    yield


@contextmanager
def decision_that_believes_a_robot(_: Flask, patch: pytest.MonkeyPatch) -> Iterator[None]:
    real = arrivals.Arrivals.decide

    def decide(self: Any, environ: Any, *given: Any) -> Any:
        found = real(self, environ, *given)
        is_robot = "Googlebot" in environ.get("HTTP_USER_AGENT", "")
        return replace(found, decision=FULL) if is_robot else found

    patch.setattr(arrivals.Arrivals, "decide", decide)
    yield


@contextmanager
def store_that_mixes_readers_up(app: Flask, _: pytest.MonkeyPatch) -> Iterator[None]:
    store = app.extensions["door"]._store
    get, put = store.get, store.put
    store.get, store.put = lambda key: get(key[:2]), lambda key, page: put(key[:2], page)
    yield


@contextmanager
def tag_that_is_good_for_everyone(_: Flask, patch: pytest.MonkeyPatch) -> Iterator[None]:
    from paywall.access import pages

    real = pages.Page.of.__func__  # type: ignore[attr-defined]

    def of(cls: Any, status: str, headers: Any, body: bytes) -> Any:
        page = real(cls, status, headers, body)
        return pages.Page(page.status, page.headers, page.body, '"one"')

    patch.setattr(pages.Page, "of", classmethod(of))
    yield


@contextmanager
def drafts_that_are_out(_: Flask, patch: pytest.MonkeyPatch) -> Iterator[None]:
    patch.setattr("paywall.articles.cards.is_published", lambda _now: Article.id > 0)
    yield


@contextmanager
def plans_that_are_all_one(_: Flask, patch: pytest.MonkeyPatch) -> Iterator[None]:
    patch.setattr(decision, "_opens", lambda _gate, held, now: any(now < one.until for one in held))
    yield


@contextmanager
def memberships_that_never_end(_: Flask, patch: pytest.MonkeyPatch) -> Iterator[None]:
    real = Readers._given
    patch.setattr(Readers, "_given", lambda self, whose, key, now: real(self, whose, key, now - HOURS))
    opens = decision._opens
    patch.setattr(decision, "_opens", lambda gate, held, now: opens(gate, held, now - HOURS))
    yield


@contextmanager
def meter_that_does_not_count(_: Flask, patch: pytest.MonkeyPatch) -> Iterator[None]:
    real = decision.RULES["meter"]

    def rule(gate: Gate, visitor: Visitor, now: datetime) -> Decision | None:
        return real(gate, replace(visitor, meter=visitor.meter and Meter(1)), now)

    patch.setitem(decision.RULES, "meter", rule)
    yield


@contextmanager
def cookie_that_is_not_counted(_: Flask, patch: pytest.MonkeyPatch) -> Iterator[None]:
    patch.setattr(meter, "count", lambda _reads, _key, *, allowed, since: Meter(allowed))
    yield


@contextmanager
def gift_that_opens_all(_: Flask, patch: pytest.MonkeyPatch) -> Iterator[None]:
    real = GiftLinks.look

    def look(self: GiftLinks, line: Any, token: str, _key: str, now: datetime) -> Any:
        its = select(GiftLink.key).where(GiftLink.id == (tokens.read(token) or 0))
        return real(self, line, token, line.scalar(its) or "", now)

    patch.setattr(GiftLinks, "look", look)
    yield


@contextmanager
def api_that_asks_for_no_scope(_: Flask, patch: pytest.MonkeyPatch) -> Iterator[None]:
    patch.setattr("paywall.api.callers.demand", lambda *_given, **_said: None)
    yield


@contextmanager
def api_that_takes_any_token_for_staffs(_: Flask, patch: pytest.MonkeyPatch) -> Iterator[None]:
    patch.setattr("paywall.api.callers.visitor", lambda _now: Visitor(is_staff=True))
    yield


@pytest.mark.settings(**FREE_READS)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (plans_that_are_all_one, "plan: plainly: patron GET"),
        (memberships_that_never_end, "patrons: plainly: patron of once GET"),
        (meter_that_does_not_count, "metered: plainly: reader without free reads GET"),
        (cookie_that_is_not_counted, "metered: plainly: stranger without free reads GET"),
        (gift_that_opens_all, "patrons: a gift of another article: stranger GET"),
        (api_that_asks_for_no_scope, "patrons: the API, out of scope: PATCH: a token to ask about access"),
        (api_that_asks_for_no_scope, "the API, out of scope: DELETE: a reader's own token"),
        (api_that_takes_any_token_for_staffs, "patrons: the API: a reader's own token GET"),
    ],
)
def test_whoever_lacks_one_thing_finds_a_leak_of_it(
    app: Flask, monkeypatch: pytest.MonkeyPatch, fault: Any, says: str
) -> None:
    without_tricks(monkeypatch)
    with fault(app, monkeypatch):
        found = next((leak for leak in look(app, Count()) if says in str(leak)), None)
    assert found is not None


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_command_names_the_route_of_a_leak_and_exits_with_1(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        publish()
    without_tricks(monkeypatch)
    with api_that_asks_for_no_scope(app, monkeypatch):
        done = app.test_cli_runner().invoke(args=["paywall", "leaktest"])
    assert done.exit_code == 1
    assert "LEAK  patrons: the API, out of scope: PATCH: " in done.stderr
    assert "PATCH /api/v1/articles/leaktest-" in done.stderr
    assert "Bearer" not in done.output


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (leaking_route, "route /print/<slug>"),
        (decision_that_believes_a_robot, "Googlebot"),
        (store_that_mixes_readers_up, "plainly"),
        (tag_that_is_good_for_everyone, "the tag of staff's page"),
        (drafts_that_are_out, "tomorrow"),
    ],
)
def test_a_planted_leak_is_found(app: Flask, monkeypatch: pytest.MonkeyPatch, fault: Any, says: str) -> None:
    with fault(app, monkeypatch):
        found = next((leak for leak in look(app, Count()) if says in str(leak)), None)
    assert found is not None


def test_a_word_is_found_however_it_is_packed() -> None:
    import gzip
    import zlib

    bodies = (b"a secret", gzip.compress(b"a secret"), zlib.compress(b"a secret"), b"a &#115;ecret")
    for body in bodies:
        assert asking.holds(Answer(200, (), body), "secret")
    assert asking.holds(Answer(302, (("Location", "/secret"),), b""), "secret")
    assert not asking.holds(Answer(200, (), b"nothing"), "secret")


@pytest.mark.server
def test_a_running_site_can_be_tried(server: Server) -> None:
    key = (server.data / "secret_key").read_text()
    done = subprocess.run(
        [sys.executable, "-m", "flask", "paywall", "leaktest", "--base", server.url],
        cwd=ROOT,
        env={
            **server.environ,
            "PAYWALL_SANDBOX": "true",
            "PAYWALL_SITE_URL": server.url,
            "PAYWALL_SECRET_KEY": key,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "0 leaks" in done.stdout


def test_a_path_goes_out_as_it_is_written() -> None:
    assert Ask("x", "/a/../b").path == "/a/../b"
