"""How a CMS hands articles in: created, replaced, changed, withdrawn, and never over another's words."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from paywall.articles import pictures
from paywall.articles.importers.markdown import import_markdown
from paywall.articles.models import Article, Section
from paywall.config import Settings
from paywall.db import db
from paywall.membership import plans
from paywall.membership.plans import PlanText
from paywall.membership.rules import Interval
from paywall.money import Money
from tests.api.conftest import Program, problem, wrong_fields
from tests.articles.files import SECRET, TEASER, png, write

GIVEN: dict[str, Any] = {
    "title": "The house",
    "section": "City",
    "body_markdown": f"{TEASER}\n\n<!-- more -->\n\n{SECRET}",
    "gate": "patrons",
    "published_at": "2020-01-01T06:00:00Z",
}
PNG = {"Content-Type": "image/png"}
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def given(**changes: Any) -> dict[str, Any]:
    """The usual article, changed, or with None left out."""
    return {name: value for name, value in (GIVEN | changes).items() if value is not None}


def test_an_article_is_created_once_and_sent_again_changes_nothing(cms: Program, client: FlaskClient) -> None:
    first = cms.put("the-house", GIVEN)
    assert (first.status_code, first.json["outcome"], first.json["version"]) == (201, "added", 1)
    assert (first.headers["Location"], first.headers["ETag"]) == ("/api/v1/articles/the-house", '"v1"')
    again = cms.put("the-house", GIVEN)
    assert (again.status_code, again.json["outcome"], again.json["version"]) == (200, "same", 1)
    page = client.get("/article/the-house").text
    assert TEASER in page
    assert SECRET not in page


def test_a_change_is_in_force_at_the_door_when_it_asks_again(
    app: Flask, cms: Program, client: FlaskClient
) -> None:
    # How long the door goes by what it knew (a second at most) is held in tests/access/test_door.
    cms.put("the-house", GIVEN)
    assert SECRET not in client.get("/article/the-house").text
    assert cms.put("the-house", given(gate="public")).json["outcome"] == "changed"
    app.extensions["door"].forget()
    assert SECRET in client.get("/article/the-house").text
    assert cms.ask("DELETE", "/articles/the-house").status_code == 204
    app.extensions["door"].forget()
    assert client.get("/article/the-house").status_code == 404


def test_a_field_changes_alone(app: Flask, cms: Program) -> None:
    cms.put("the-house", given(tags=["Floods 2026", "floods-2026", "snow"], first_hours=3, byline="Ada"))
    changed = cms.ask("PATCH", "/articles/the-house", json={"gate": "public", "metered": False})
    assert (changed.json["outcome"], changed.json["version"]) == ("changed", 2)
    with app.app_context():
        row = db.session.scalars(select(Article)).one()
        assert (row.gate, row.is_metered, row.first_hours, row.byline) == ("public", False, 3, "Ada")
        assert (row.tags, row.section.name) == (" floods-2026 snow ", "City")
        assert SECRET in row.full_html
    merged = {"Content-Type": "application/merge-patch+json"}
    patch = {"body_html": "<p>One <b>two</b>.</p>", "first_hours": None}
    assert cms.ask("PATCH", "/articles/the-house", json=patch, headers=merged).json["version"] == 3
    assert cms.get("/articles/the-house").json["html"] == "<p>One <b>two</b>.</p>"
    assert wrong_fields(cms.ask("PATCH", "/articles/the-house", json={"title": ""})) == {"#/title"}
    problem(cms.ask("PATCH", "/articles/none", json={"title": "x"}), 404)


def test_what_is_withdrawn_is_kept_and_can_come_back(app: Flask, cms: Program, visitor: Program) -> None:
    cms.put("the-house", GIVEN)
    for _ in range(2):
        assert cms.ask("DELETE", "/articles/the-house").status_code == 204
    problem(visitor.get("/articles/the-house"), 404)
    kept = cms.get("/articles/the-house").json
    assert (kept["published_at"], kept["version"]) == (None, 2)
    back = {"published_at": "2020-01-01T00:00:00Z"}
    assert cms.ask("PATCH", "/articles/the-house", json=back).json["version"] == 3
    assert visitor.get("/articles/the-house").status_code == 200
    problem(cms.ask("DELETE", "/articles/none"), 404)


def test_two_editors_do_not_overwrite_one_another(cms: Program) -> None:
    cms.put("the-house", GIVEN)
    read = cms.get("/articles/the-house").headers["ETag"]
    mine = cms.put("the-house", given(title="Mine"), headers={"If-Match": read})
    assert mine.status_code == 200
    for method, extra in (("PUT", {"json": GIVEN}), ("PATCH", {"json": {"title": "x"}}), ("DELETE", {})):
        problem(cms.ask(method, "/articles/the-house", headers={"If-Match": read}, **extra), 412)
    assert cms.get("/articles/the-house").json["title"] == "Mine"
    again = {"If-Match": mine.headers["ETag"]}
    assert cms.put("the-house", given(title="Again"), headers=again).status_code == 200


@pytest.mark.parametrize(
    ("slug", "headers", "status"),
    [
        ("the-house", {"If-None-Match": "*"}, 412),
        ("the-house", {"If-Match": "*"}, 200),
        ("the-house", {"If-Match": '"v1"'}, 200),
        ("the-house", {"If-Match": '"v9", "v1-of-a-reader"'}, 200),
        ("the-house", {"If-Match": 'W/"v1"'}, 412),
        ("the-house", {"If-Match": '"1"'}, 412),
        ("the-house", {"If-Match": "v"}, 412),
        ("new", {"If-None-Match": "*"}, 201),
        ("new", {"If-Match": "*"}, 412),
        ("new", {"If-Match": '"v1"'}, 412),
    ],
)
@on_sqlite
def test_preconditions(cms: Program, slug: str, headers: dict[str, str], status: int) -> None:
    cms.put("the-house", GIVEN)
    assert cms.put(slug, GIVEN, headers=headers).status_code == status


def test_of_two_who_create_the_same_at_once_one_article_is_left(app: Flask, cms: Program) -> None:
    answers: list[int] = []

    def create(title: str) -> None:
        own = Program(app, cms.secret)
        answers.append(own.put("the-house", given(title=title, section=title)).status_code)

    both = [threading.Thread(target=create, args=(title,)) for title in ("One", "Two")]
    for one in both:
        one.start()
    for one in both:
        one.join(30)
    assert sorted(answers) in ([200, 201], [201, 409])
    with app.app_context():
        assert len(db.session.scalars(select(Article)).all()) == 1


WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"title": ""}, "#/title"),
    ({"title": None}, "#/title"),
    ({"title": 7}, "#/title"),
    ({"title": "x" * 201}, "#/title"),
    ({"title": "a\x00b"}, "#/title"),
    ({"section": " "}, "#/section"),
    ({"section": "x" * 61}, "#/section"),
    ({"standfirst": "x" * 401}, "#/standfirst"),
    ({"body_markdown": None}, "#/body_markdown"),
    ({"body_markdown": " \n"}, "#/body_markdown"),
    ({"body_markdown": "One\x07."}, "#/body_markdown"),
    ({"body_markdown": "![x](https://example.org/x.jpg)"}, "#/body_markdown"),
    ({"body_markdown": "Two ![x](/pictures/none.png)."}, "#/body_markdown"),
    ({"body_html": "<p>x</p>"}, "#/body_html"),
    ({"body_markdown": None, "body_html": "<img src='https://e.org/a.gif'>x"}, "#/body_html"),
    ({"gate": "members"}, "#/gate"),
    ({"gate": "plan:"}, "#/gate"),
    ({"gate": "plan:gold"}, "#/gate"),
    ({"tags": ["ok", "no_good!"]}, "#/tags"),
    ({"tags": ["x" * 61]}, "#/tags"),
    ({"tags": [f"{number:059}" for number in range(20)]}, "#/tags"),
    ({"tags": "floods"}, "#/tags"),
    ({"tags": [1]}, "#/tags/0"),
    ({"picture": "../up.jpg", "picture_alt": "x"}, "#/picture"),
    ({"picture": "none.png", "picture_alt": "x"}, "#/picture"),
    ({"picture": "here.png"}, "#/picture"),
    ({"published_at": "2026-11-20"}, "#/published_at"),
    ({"published_at": "2026-11-20T06:00:00"}, "#/published_at"),
    ({"published_at": 1700000000}, "#/published_at"),
    ({"published_at": "9999-12-31T23:00:00-05:00"}, "#/published_at"),
    ({"published_at": "9990-01-01T00:00:00Z", "archive_days": 18250}, "#/published_at"),
    ({"free_until": "0001-01-01T00:00:00Z"}, "#/free_until"),
    ({"first_hours": -1}, "#/first_hours"),
    ({"first_hours": 10**30}, "#/first_hours"),
    ({"first_hours": 1.5}, "#/first_hours"),
    ({"archive_days": "3"}, "#/archive_days"),
    ({"metered": "yes"}, "#/metered"),
    ({"mood": "blue"}, "#/mood"),
)


@on_sqlite
def test_a_wrong_field_is_named_and_changes_nothing(app: Flask, cms: Program) -> None:
    cms.ask("POST", "/pictures?name=here.png", data=png(), headers=PNG)
    for changes, field in WRONG:
        assert wrong_fields(cms.put("the-house", given(**changes))) == {field}, changes
    with app.app_context():
        assert db.session.scalars(select(Article)).all() == []
        assert db.session.scalars(select(Section)).all() == []


@on_sqlite
def test_all_that_is_wrong_is_told_at_once(cms: Program) -> None:
    answer = cms.put("The_House", given(gate="members", title="", tags=["!"]))
    assert wrong_fields(answer) == {"slug", "#/gate", "#/title", "#/tags"}


NO_ARTICLES: tuple[bytes, ...] = (
    b"",
    b"{",
    b"[]",
    b"null",
    b"\xff",
    b'{"title": "\\ud800"}',
    b"[" * 9999,
)


@on_sqlite
def test_a_body_that_is_no_article_is_a_problem(cms: Program) -> None:
    for body in NO_ARTICLES:
        json = {"Content-Type": "application/json"}
        problem(cms.ask("PUT", "/articles/the-house", data=body, headers=json), 400)


@on_sqlite
def test_html_is_cleaned_as_the_importer_does_it(cms: Program, visitor: Program) -> None:
    html = (
        "<h2>A</h2><p onclick='x()'>Seen <a href='javascript:x()'>there</a>.</p><script>x()</script>"
        "<!--more--><p style='color:red'>Hidden.</p><iframe src='https://e.org'></iframe>"
    )
    cms.put("the-house", given(body_markdown=None, body_html=html))
    assert visitor.get("/articles/the-house").json["teaser_html"] == (
        '<h2>A</h2><p>Seen <a rel="noopener">there</a>.</p>'
    )
    whole = cms.get("/articles/the-house").json["html"]
    assert whole == '<h2>A</h2><p>Seen <a rel="noopener">there</a>.</p><p>Hidden.</p>'


@on_sqlite
def test_a_file_and_the_api_make_the_same_article(app: Flask, cms: Program, tmp_path: Path) -> None:
    with app.app_context():
        import_markdown([write(tmp_path / "in", tags="floods, Snow Storm", first_hours=2)])
        db.session.commit()
    same = {
        "title": "The house",
        "standfirst": "On a hill.",
        "byline": "Ada Writer",
        "section": "City",
        "gate": "patrons",
        "published_at": "2026-11-20T08:00:00+02:00",
        "tags": ["floods", "Snow Storm"],
        "first_hours": 2,
        "body_markdown": GIVEN["body_markdown"],
    }
    assert cms.put("the-house", same).json["outcome"] == "same"


@on_sqlite
def test_a_gate_names_plans_that_there_are(app: Flask, cms: Program) -> None:
    with app.app_context():
        plans.write(PlanText("circle", "Circle", "", {Interval.MONTH: Money(500, "eur")}), "For the test")
        db.session.commit()
    assert cms.put("the-house", given(gate="plan: circle")).status_code == 201
    assert cms.get("/articles/the-house").json["access"]["gate"] == "plan"


def test_a_picture_is_handed_in_and_shown(
    cms: Program, visitor: Program, client: FlaskClient, settings: Settings
) -> None:
    answer = cms.ask("POST", "/pictures?name=head.png", data=png(30, 20), headers=PNG)
    assert (answer.status_code, answer.json["width"], answer.json["height"]) == (201, 30, 20)
    assert cms.ask("POST", "/pictures?name=head.png", data=png(30, 20), headers=PNG).status_code == 200
    body = "One.\n\n![y](/pictures/head.png)\n\nTwo three four.\n"
    picture = {"picture": "head.png", "picture_alt": "A stair", "picture_credit": "Bo"}
    assert cms.put("the-house", given(body_markdown=body, **picture)).status_code == 201
    shown = visitor.get("/articles/the-house").json["picture"]
    assert (shown["width"], shown["height"], shown["alt"], shown["credit"]) == (30, 20, "A stair", "Bo")
    with client.get(shown["url"].removeprefix("http://127.0.0.1:8000")) as file:
        assert pictures.measure(file.data) == ("png", (30, 20))
    problem(cms.ask("POST", "/pictures?name=head.png", data=png(3, 2), headers=PNG), 409)
    assert [file.name for file in (settings.data_dir / "pictures").iterdir()] == ["head.png"]


NO_PICTURES: tuple[tuple[str, bytes, str], ...] = (
    ("../up.png", png(), "name"),
    ("UP.PNG", png(), "name"),
    ("", png(), "name"),
    ("a.png", b"", "#"),
    ("a.png", b"<svg onload='alert(1)'/>", "#"),
    ("a.jpg", png(), "#"),
    ("a.png", png(0, 5), "#"),
    ("a.png", png()[:20], "#"),
)


@on_sqlite
def test_what_is_no_picture_is_refused(cms: Program, settings: Settings) -> None:
    for name, data, field in NO_PICTURES:
        answer = cms.ask("POST", f"/pictures?name={name}", data=data, headers=PNG)
        assert wrong_fields(answer) == {field}
        assert not (settings.data_dir / "pictures").exists()


@on_sqlite
def test_a_picture_may_be_larger_than_an_article_and_both_have_an_end(cms: Program) -> None:
    large = png(1) + b"\0" * (3 * 1024 * 1024)
    assert cms.ask("POST", "/pictures?name=large.png", data=large, headers=PNG).status_code == 201
    huge = png(1) + b"\0" * (8 * 1024 * 1024)
    problem(cms.ask("POST", "/pictures?name=huge.png", data=huge, headers=PNG), 413)
    problem(cms.put("the-house", given(body_markdown="x " * 1024 * 1024)), 413)


@on_sqlite
def test_a_file_in_the_folder_that_is_no_picture_is_named(cms: Program, settings: Settings) -> None:
    (settings.data_dir / "pictures").mkdir()
    (settings.data_dir / "pictures" / "a.png").write_bytes(b"no picture")
    wrong = cms.put("the-house", given(picture="a.png", picture_alt="x"))
    assert wrong_fields(wrong) == {"#/picture"}


def test_each_call_that_writes_demands_its_scope(program: Callable[..., Program]) -> None:
    calls: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("PUT", "/articles/the-house", {"json": GIVEN}),
        ("PATCH", "/articles/the-house", {"json": {"title": "x"}}),
        ("DELETE", "/articles/the-house", {}),
        ("POST", "/pictures?name=a.png", {"data": png(), "headers": PNG}),
    )
    for method, path, extra in calls:
        problem(program().ask(method, path, **extra), 401)
        answer = program("articles:read", "access:read").ask(method, path, **extra)
        problem(answer, 403)
        assert answer.headers["WWW-Authenticate"] == (
            'Bearer realm="api", error="insufficient_scope", scope="articles:write"'
        )
