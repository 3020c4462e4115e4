"""What a program reads: the door's decision for whoever asks, in pages, as a plan or as a yes or no."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from paywall import clock as ours
from paywall.accounts.models import Reader
from paywall.articles import gatekeeping
from paywall.db import db
from paywall.membership import plans
from paywall.membership.models import PlanState
from paywall.membership.plans import PlanText
from paywall.membership.rules import Interval
from paywall.membership.seats import SeatRange
from paywall.money import Money
from tests.api.conftest import Program, problem, wrong_fields
from tests.articles.files import SECRET, TEASER, publish
from tests.moving import MovingClock
from tests.shop import Shop

Make = Callable[..., Program]
ANA = "ana@example.org"
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def slugs(program: Program, query: str = "") -> list[str]:
    """The slugs of a list."""
    return [one["slug"] for one in program.get(f"/articles{query}").json["articles"]]


def test_a_visitor_gets_the_teaser_and_no_key_for_the_text(app: Flask, visitor: Program) -> None:
    with app.app_context():
        publish(tags=" floods ")
    answer = visitor.get("/articles/the-house")
    said = answer.json
    assert (said["access"]["show"], said["access"]["reason"]) == ("teaser", "patrons_only")
    assert (said["teaser_html"], said["words"], said["words_left"]) == (f"<p>{TEASER}</p>", 11, 7)
    assert "html" not in said
    assert SECRET not in answer.text
    assert said["tags"] == ["floods"]
    assert said["url"] == "http://127.0.0.1:8000/article/the-house"
    assert answer.headers["Cache-Control"] == "public, no-cache"
    assert "Authorization" in answer.headers["Vary"]


def test_an_open_article_is_there_for_everyone(app: Flask, visitor: Program) -> None:
    with app.app_context():
        publish(gate="public")
    said = visitor.get("/articles/the-house").json
    assert said["access"] == {"show": "full", "reason": "open", "gate": "public", "offer": [], "until": None}
    assert SECRET in said["html"]
    assert said["words_left"] == 0


def test_a_patron_reads_with_their_own_token_until_their_access_ends(
    shop: Shop, program: Make, clock: MovingClock
) -> None:
    publish()
    ana = program(reader=ANA)
    assert "html" not in ana.get("/articles/the-house").json
    until = shop.join().access_until
    assert until
    answer = ana.get("/articles/the-house")
    assert (answer.json["access"]["reason"], SECRET in answer.json["html"]) == ("patron", True)
    assert answer.json["access"]["until"] == f"{until:%Y-%m-%dT%H:%M:%S}Z"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert [SECRET in one.get("html", "") for one in ana.get("/articles").json["articles"]] == [True]
    clock.set(until)
    answer = ana.get("/articles/the-house")
    assert (answer.json["access"]["show"], SECRET in answer.text) == ("teaser", False)


def test_the_newsrooms_token_reads_all_also_what_is_not_out(app: Flask, program: Make) -> None:
    with app.app_context():
        publish(gate="plan:circle")
        publish("draft", published_at=None)
        publish("tomorrow", published_at=ours.now() + timedelta(days=1))
    cms, visitor = program("articles:read"), program()
    for slug in ("the-house", "draft", "tomorrow"):
        assert SECRET in cms.get(f"/articles/{slug}").json["html"]
    assert slugs(cms) == ["the-house"]
    for slug in ("draft", "tomorrow", "none"):
        assert SECRET not in str(problem(visitor.get(f"/articles/{slug}"), 404))
    assert "html" not in program("articles:write", "access:read").get("/articles/the-house").json


def test_pages_go_back_in_time_without_a_gap_or_a_repeat(app: Flask, visitor: Program) -> None:
    same = ours.now() - timedelta(days=1)
    with app.app_context():
        for number in range(7):
            publish(f"a-{number}", published_at=same if number < 5 else same - timedelta(seconds=number))
    found, path = [], "/articles?limit=2&section=city"
    while path:
        said = visitor.get(path).json
        found.append([one["slug"] for one in said["articles"]])
        path = (said["next"] or "").partition("/api/v1")[2]
    assert found == [["a-4", "a-3"], ["a-2", "a-1"], ["a-0", "a-5"], ["a-6"]]


def test_a_list_is_filtered_by_section_tag_and_date(app: Flask, visitor: Program) -> None:
    with app.app_context():
        publish("old", published_at=ours.now() - timedelta(days=9), tags=" floods winter ")
        publish("new", section="Culture", tags=" flood ")
    assert slugs(visitor) == ["new", "old"]
    assert slugs(visitor, "?section=culture") == ["new"]
    assert slugs(visitor, "?tag=floods") == ["old"]
    assert slugs(visitor, "?tag=floo%25") == slugs(visitor, "?section=none") == []
    since = f"{ours.now() - timedelta(days=2):%Y-%m-%dT%H:%M:%SZ}"
    assert slugs(visitor, f"?since={since}") == ["new"]


WRONG: tuple[tuple[str, str], ...] = (
    ("limit=0", "limit"),
    ("limit=101", "limit"),
    ("limit=many", "limit"),
    ("since=2026-11-20", "since"),
    ("since=1700000000", "since"),
    ("since=2026-11-20T06:00:00", "since"),
    ("since=0001-01-01T00:00:00%2B10:00", "since"),
    ("cursor=!", "cursor"),
    ("cursor=" + "x" * 60, "cursor"),
    ("cursor=OTk5OTk5OTk5OTk5OTk5OTk5OTk5OS4x", "cursor"),
    ("mood=blue", "mood"),
)


@on_sqlite
def test_a_wrong_parameter_is_named(visitor: Program) -> None:
    for query, field in WRONG:
        assert wrong_fields(visitor.get(f"/articles?{query}")) == {field}


def test_until_is_when_more_or_less_will_be_shown(app: Flask, visitor: Program, clock: MovingClock) -> None:
    now = ours.now().replace(microsecond=0)
    clock.set(now)
    with app.app_context():
        publish(free_until=now + timedelta(hours=2), published_at=now - timedelta(days=2))
        publish("patrons-first", gate="public", first_hours=3, published_at=now)
        gatekeeping.unlock(article="patrons-first", until=now + timedelta(hours=1), why="Flood", by="Eva")
        db.session.commit()

    def ends(slug: str) -> tuple[str, str | None]:
        access = visitor.get(f"/articles/{slug}").json["access"]
        return access["reason"], access["until"]

    def hours(number: int) -> str:
        return f"{now + timedelta(hours=number):%Y-%m-%dT%H:%M:%SZ}"

    assert ends("the-house") == ("open", hours(2))
    assert ends("patrons-first") == ("unlocked", hours(1))
    clock.advance(hours=1)
    assert ends("patrons-first") == ("patrons_only", hours(3))
    clock.advance(hours=2)
    assert (ends("the-house"), ends("patrons-first")) == (("patrons_only", None), ("open", None))


def test_a_plan_that_only_its_link_opens_is_named_to_nobody(app: Flask, visitor: Program) -> None:
    prices = {Interval.YEAR: Money(30000, "eur")}
    with app.app_context():
        plans.write(
            PlanText("founder", "Founder", "By invitation.", prices, state=PlanState.HIDDEN), "For the test"
        )
        plans.write(PlanText("circle", "Circle", "", prices), "For the test")
        publish(gate="plan:circle,founder")
    for path in ("/articles/the-house", "/articles", "/plans"):
        answer = visitor.get(path)
        assert "circle" in answer.text
        assert "founder" not in answer.text.lower()


def test_plans_have_their_prices_in_minor_units(app: Flask, visitor: Program) -> None:
    with app.app_context():
        month = {Interval.MONTH: Money(400, "eur")}
        plans.write(
            PlanText("school", "School", "For many.", month, trial_days=14, seats=SeatRange(3, 9)),
            "For the test",
        )
        plans.write(PlanText("old", "Old", "", month, state=PlanState.CLOSED), "For the test")
        plans.write(
            PlanText("school", "School", "For many.", {Interval.MONTH: Money(500, "eur")}, 14), "For the test"
        )
        db.session.commit()
    (plan,) = visitor.get("/plans").json["plans"]
    assert plan["prices"] == [{"amount": 500, "currency": "eur", "interval": "month"}]
    assert (plan["slug"], plan["trial_days"], plan["seats"]) == ("school", 14, None)
    assert plan["join_url"] == "http://127.0.0.1:8000/join?plan=school"


def test_another_system_asks_whether_a_reader_may_read_and_why(shop: Shop, program: Make) -> None:
    publish(gate="plan:supporter")
    helpdesk = program("access:read")
    query = f"/access?article=the-house&reader={ANA.upper()}"
    said = helpdesk.get(query).json
    assert (said["reader"], said["is_known"], said["access"]["show"]) == (ANA, True, "teaser")
    assert (said["access"]["reason"], said["access"]["offer"]) == ("patrons_only", ["supporter"])
    assert [one["rule"] for one in said["trace"]][-2:] == ["meter", "refusal"]
    shop.join()
    said = helpdesk.get(query).json
    assert (said["access"]["show"], said["access"]["reason"]) == ("full", "patron")
    assert said["trace"][-1] == {
        "rule": "patron",
        "says": "A membership that is held opens it.",
        "answer": "patron",
    }
    said = helpdesk.get("/access?article=the-house&reader=nobody@example.org").json
    assert (said["is_known"], said["access"]["reason"]) == (False, "patrons_only")


def test_who_may_ask_about_whom(app: Flask, program: Make) -> None:
    with app.app_context():
        publish(gate="registered")
        db.session.add_all(Reader(email=email, confirmed_at=ours.now()) for email in (ANA, "bo@example.org"))
        db.session.commit()
    ana, visitor = program(reader=ANA), program()
    assert ana.get("/access?article=the-house").json["access"]["reason"] == "signed_in"
    assert ana.get(f"/access?article=the-house&reader={ANA}").status_code == 200
    problem(ana.get("/access?article=the-house&reader=bo@example.org"), 403)
    problem(visitor.get(f"/access?article=the-house&reader={ANA}"), 401)
    problem(program("articles:read").get(f"/access?article=the-house&reader={ANA}"), 403)
    helpdesk = program("access:read")
    assert wrong_fields(helpdesk.get("/access?article=the-house")) == {"reader"}
    assert wrong_fields(helpdesk.get("/access?article=the-house&reader=nobody")) == {"reader"}
    assert wrong_fields(helpdesk.get("/access")) == {"article"}
    problem(helpdesk.get(f"/access?article=none&reader={ANA}"), 404)


@on_sqlite
def test_what_has_not_changed_is_not_sent_again(app: Flask, visitor: Program) -> None:
    with app.app_context():
        publish()
    for path in ("/articles", "/articles/the-house", "/plans", "/openapi.json", "/"):
        first = visitor.get(path)
        again = visitor.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["Cache-Control"] == "public, no-cache"
        assert "Authorization" in again.headers["Vary"]
    with app.app_context():
        publish("another")
    assert visitor.get("/articles", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


@on_sqlite
def test_any_site_may_have_what_any_visitor_gets_and_nothing_else(app: Flask, cms: Program) -> None:
    with app.app_context():
        publish()
    abroad = {"Origin": "https://elsewhere.example"}
    answer = Program(app).get("/articles", headers=abroad)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Access-Control-Allow-Origin" not in cms.get("/articles", headers=abroad).headers
    asked = {
        **abroad,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization",
    }
    preflight = Program(app).ask("OPTIONS", "/articles/the-house", headers=asked)
    assert not [name for name, _ in preflight.headers if name.startswith("Access-Control")]
