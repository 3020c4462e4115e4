"""An editor writes, looks, saves, publishes and takes back, and readers see just that."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from unittest.mock import ANY

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from paywall.accounts.trail import StaffAct
from paywall.articles.models import Article
from paywall.db import db
from tests.articles.files import publish
from tests.moving import MovingClock
from tests.office.newsroom.desk import NEW, SECRET, STORY, TEXT, button, filled, press, save, wrong
from tests.staffing import Staff

PAGE = "/article/the-house"
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def reads(app: Flask, client: FlaskClient, path: str = PAGE) -> int | bool:
    """Whether the secret is there; the status if it is no page."""
    app.extensions["door"].forget()
    answer = client.get(path)
    return SECRET in answer.text if answer.status_code == 200 else answer.status_code


def acts(app: Flask) -> list[tuple[str, str, str]]:
    with app.app_context():
        query = select(StaffAct.actor, StaffAct.act, StaffAct.about).order_by(StaffAct.id)
        return [tuple(row) for row in db.session.execute(query)]  # type: ignore[misc]


def told(app: Flask) -> list[tuple[str, dict[str, Any], dict[str, Any], str]]:
    """What the trail says: the act, before, after, and why."""
    with app.app_context():
        lines = db.session.scalars(select(StaffAct).order_by(StaffAct.id))
        return [(line.act, line.before, line.after, line.reason) for line in lines]


def test_an_article_from_the_first_word_to_its_readers(app: Flask, client: FlaskClient, staff: Staff) -> None:
    vera = staff("editor")
    here = save(vera)
    assert reads(app, client) == 404
    page = vera.get(here).text
    assert "It is a draft." in page
    assert filled(page) | {
        "version": "1",
        "slug": "the-house",
        "gate": "patrons",
        "body": f"{TEXT}\n",
    } == filled(page)
    save(vera, here, "publish")
    assert reads(app, client) is False
    assert reads(app, vera) is True
    save(vera, here, gate="public", reason="The council asked")
    assert filled(vera.get(here).text)["reason"] == ""
    assert reads(app, client) is True
    assert button(vera, here, f"{here}/unpublish", reason="The house is sold").status_code == 303
    assert reads(app, client) == 404
    assert told(app) == [
        ("article saved", {}, {"version": 1}, ""),
        ("article saved", {"version": 1}, {"version": 2}, ""),
        ("article published", {"published_at": None}, ANY, ""),
        ("article saved", {"version": 2}, {"version": 3}, "The council asked"),
        ("article gate changed", {"gate": "patrons"}, {"gate": "public"}, "The council asked"),
        ("article unpublished", ANY, {"published_at": None}, "The house is sold"),
    ]
    assert {who for who, _, _ in acts(app)} == {"editor@staff.example"}


@on_sqlite
def test_a_date_ahead_is_kept_by_itself(
    app: Flask, client: FlaskClient, staff: Staff, clock: MovingClock
) -> None:
    clock.set(datetime(2026, 11, 26, 12, tzinfo=UTC))
    vera = staff("editor")
    here = save(vera, gate="public", published_at="2026-11-28T09:00")
    assert "It comes out on 2026-11-28 09:00." in vera.get(here).text
    assert reads(app, client) == 404
    clock.set(datetime(2026, 11, 28, 6, 59, 59, tzinfo=UTC))
    assert reads(app, client) == 404
    clock.set(datetime(2026, 11, 28, 7, tzinfo=UTC))
    assert reads(app, client) is True


@on_sqlite
def test_the_rules_of_every_way_in_are_told_beside_the_fields_and_nothing_is_lost(staff: Staff) -> None:
    vera = staff("editor")
    sent = {
        "title": "x" * 201,
        "section": "",
        "slug": "The House",
        "tags": "floods, ~",
        "body": "One.\n\n![x](https://elsewhere.example/x.jpg)",
        "gate": "plan",
        "published_at": "tomorrow",
        "free_until": "2026-03-29T03:30",
        "first_hours": "a day",
        "archive_days": "99999",
        "picture": "none.jpg",
        "picture_alt": "",
    }
    answer = press(vera, NEW, **sent)
    assert answer.status_code == 400
    assert set(wrong(answer)) == set(sent) - {"picture_alt"}
    assert "put forward" in wrong(answer)["free_until"]
    assert "Line 3: picture 'https://elsewhere.example/x.jpg' is not ours" in wrong(answer)["body"]
    assert {name: filled(answer.text)[name] for name in sent} == sent


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"body": " "}, "body", "has no text"),
    ({"title": ""}, "title", "title is missing"),
    ({"title": "!?"}, "slug", "slug is missing"),
    ({"gate": "plan", "plans": ["gone"]}, "gate", "there is no plan 'gone'"),
    ({"body": "a\x0bb"}, "body", "invisible control character"),
    ({"body": "<b>" * 1001}, "body", "tags that are not closed"),
    ({"picture": "gone.jpg", "picture_alt": "x"}, "picture", "is missing: upload it"),
    ({"body": "![x](/pictures/gone.jpg)"}, "body", "'gone.jpg' is missing: upload it"),
    ({"free_from": "9999-12-31T23:59"}, "free_from", "outside of the years"),
    ({"free_until": "0001-01-01T00:00"}, "free_until", "is no date and time"),
    ({"slug": "taken"}, "slug", "another article has this address"),
    ({"first_hours": "-1"}, "first_hours", "must be a whole number"),
]


@on_sqlite
def test_what_is_no_good_is_refused(app: Flask, staff: Staff) -> None:
    with app.app_context():
        publish("taken")
    vera = staff("editor")
    form = filled(vera.get(NEW).text)
    for fields, field, says in WRONG:
        answer = vera.post(NEW, data={**form, **STORY, **fields, "act": "save"})
        assert answer.status_code == 400
        assert says in wrong(answer)[field]
    with app.app_context():
        assert list(db.session.scalars(select(Article.slug))) == ["taken"]


def test_a_stale_tab_overwrites_nothing(app: Flask, staff: Staff) -> None:
    vera, boris = staff("editor"), staff("owner")
    here = save(vera)
    stale = filled(vera.get(here).text)
    save(boris, here, body=f"Boris was here.\n\n{TEXT}", tags="floods")
    mine = {**stale, "body": f"Vera was here.\n\n{TEXT}", "title": "The old house", "act": "save"}
    answer = vera.post(here, data=mine)
    assert answer.status_code == 409
    assert "owner@staff.example saved it on" in answer.text
    assert "<del>Boris</del><ins>Vera</ins>" in answer.text
    said = filled(answer.text)
    assert (said["title"], said["version"]) == ("The old house", "2")
    assert said["body"] == mine["body"]
    assert "Boris was here." in answer.text
    with app.app_context():
        assert db.session.scalars(select(Article.body)).one().startswith("Boris was here.")
    # Having seen both, she saves.
    assert vera.post(here, data={**said, "act": "save"}).status_code == 303
    with app.app_context():
        assert db.session.scalars(select(Article.body)).one().startswith("Vera was here.")


def test_a_second_click_saves_nothing_twice(app: Flask, staff: Staff) -> None:
    vera = staff("editor")
    form = {**filled(vera.get(NEW).text), **STORY, "act": "save"}
    one, two = vera.post(NEW, data=form), vera.post(NEW, data=form)
    assert (one.status_code, two.status_code) == (303, 303)
    assert one.location == two.location
    form = {**filled(vera.get(one.location).text), "title": "The old house", "act": "save"}
    assert [vera.post(one.location, data=form).status_code for _ in range(2)] == [303, 303]
    with app.app_context():
        assert [tuple(row) for row in db.session.execute(select(Article.title, Article.version))] == [
            ("The old house", 2)
        ]


def test_of_two_who_save_at_once_one_is_told(app: Flask, staff: Staff) -> None:
    tabs = [staff("editor"), staff("owner")]
    here = save(tabs[0])
    for path, told, fields in ((here, 409, {}), (NEW, 400, {**STORY, "slug": "another"})):
        forms = [filled(tab.get(path).text) | fields | {"act": "save"} for tab in tabs]

        def click(number: int, path: str = path, forms: list[Any] = forms) -> int:
            said = {**forms[number], "title": f"By {number}"}
            return tabs[number].post(path, data=said).status_code

        with ThreadPoolExecutor(2) as both:
            assert sorted(both.map(click, range(2))) == [303, told]
    with app.app_context():
        assert sorted(db.session.scalars(select(Article.version))) == [1, 2]


def test_a_date_that_nobody_touched_is_not_moved(app: Flask, staff: Staff) -> None:
    # In the hour that comes twice, and with seconds that the field does not show.
    at = datetime(2026, 10, 25, 1, 30, 17, 5, tzinfo=UTC)
    with app.app_context():
        publish(published_at=at)
        number = db.session.scalars(select(Article.id)).one()
    save(staff("editor"), f"/staff/articles/{number}", title="The old house")
    with app.app_context():
        assert db.session.scalars(select(Article.published_at)).one() == at


def test_the_old_address_of_what_was_out_leads_on(app: Flask, client: FlaskClient, staff: Staff) -> None:
    vera = staff("editor")
    here = save(vera, gate="public")
    save(vera, here, slug="draft-house")
    save(vera, here, "publish", slug="open-house")
    for old in ("the-house", "draft-house"):
        assert reads(app, client, f"/article/{old}") == 404
    save(vera, here, slug="new-house")
    app.extensions["door"].forget()
    answer = client.get("/article/open-house?utm_source=x")
    assert (answer.status_code, answer.location) == (301, "/article/new-house?utm_source=x")
    save(vera, here, slug="open-house")
    assert reads(app, client, "/article/open-house") is True
    assert client.get("/article/new-house").location == "/article/open-house"
    button(vera, here, f"{here}/unpublish")
    assert reads(app, client, "/article/new-house") == 404


def test_only_what_was_never_out_can_be_deleted(app: Flask, client: FlaskClient, staff: Staff) -> None:
    vera = staff("editor")
    here, tab = save(vera), staff("owner")
    open_here = filled(tab.get(here).text)
    save(vera, here, title="The old house")
    assert button(vera, here, f"{here}/delete", reason="Double").status_code == 303
    assert vera.get(here).status_code == vera.get("/staff/articles/99999999999").status_code == 404
    # Nothing is lost of what is still open elsewhere.
    answer = tab.post(here, data={**open_here, "act": "save"})
    assert answer.status_code == 409
    assert "was deleted while it was open" in answer.text
    assert tab.post(NEW, data={**filled(answer.text), "act": "save"}).status_code == 303
    there = save(vera, slug="another", published_at="2026-01-01T09:00")
    button(vera, there, f"{there}/unpublish")
    token = filled(vera.get(there).text)["csrf_token"]
    assert f"{there}/delete" not in vera.get(there).text
    assert vera.post(f"{there}/delete", data={"csrf_token": token}).status_code == 409
    assert ("article deleted", {"title": "The old house"}, {}, "Double") in told(app)


@on_sqlite
def test_others_are_kept_out(app: Flask, client: FlaskClient, staff: Staff) -> None:
    here = save(staff("editor"))
    other = staff("membership", "bookkeeper")
    for path in ("/staff/articles", NEW, here, f"{here}/versions"):
        assert other.get(path).status_code == 403
        assert client.get(path).status_code == 302
    token = filled(staff("editor").get(here).text)["csrf_token"]
    for path in (NEW, here, f"{here}/preview", f"{here}/delete", f"{here}/unpublish"):
        answer = other.post(path, data={**STORY, "csrf_token": token, "act": "save"})
        assert answer.status_code in {400, 403}
        assert SECRET not in answer.text
