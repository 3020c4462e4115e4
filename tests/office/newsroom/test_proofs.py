"""The preview is what the door serves, for whatever is written; and it shows who would read it."""

import re

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser
from sqlalchemy import delete

from paywall.articles.models import Article
from paywall.db import db
from tests.office.newsroom.desk import NEW, SECRET, STORY, press, save
from tests.staffing import Staff

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

PIECES = (
    "A tram in the snow.",
    "## Below",
    "- one\n- two",
    "> It *was* late, and **nobody** asked.",
    "| a | b |\n|---|--:|\n| 1 | 2 |",
    "<!-- more -->",
    "<script>alert(1)</script><b>bold</b>",
    '[a link](https://example.org/?a=1&b=2 "x")',
    "<div>open",
    '`code < &amp;` and "quotes"',
    "Снегът падаше цяла нощ и трамваят не дойде.",
    "\u00a0\u200b",
)
# The other signs are refused.
TEXT = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=40)
BODIES = st.lists(st.sampled_from(PIECES) | TEXT, min_size=1, max_size=12)


def article(html: str) -> str:
    """The article of a page, without what is not of the article: the button to give it away."""
    found = LexborHTMLParser(html).css_first("article.article")
    assert found is not None, html
    for gift in found.css(".give"):
        gift.decompose()
    return re.sub(r"\s+", " ", found.html or "")


def test_the_preview_equals_what_the_door_serves(app: Flask, staff: Staff) -> None:
    vera, visitor = staff("editor"), app.test_client()
    compared = []

    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(BODIES, st.sampled_from(["", "public", "registered", "patrons"]), TEXT)
    def hold(pieces: list[str], gate: str, title: str) -> None:
        said = {"title": title, "slug": "same", "section": "City", "body": "\n\n".join(pieces), "gate": gate}
        answer = press(vera, NEW, "publish", **said)
        if answer.status_code == 400:
            return
        app.extensions["door"].forget()
        shown = LexborHTMLParser(vera.get(answer.location).text).css(".proof .paper")
        before = [article(one.html or "") for one in shown]
        assert before[0] == article(visitor.get("/article/same").text)
        # Staff read in full what others do not.
        assert before[-1] == article(vera.get("/article/same").text)
        compared.append(answer.location)
        with app.app_context():
            db.session.execute(delete(Article))
            db.session.commit()

    hold()
    assert len(compared) > 9


def test_a_preview_writes_nothing_and_answers_while_one_types(app: Flask, staff: Staff) -> None:
    vera = staff("editor")
    page = press(vera, NEW, "preview", **STORY, tags="floods")
    assert page.status_code == 200
    assert page.text.count(SECRET) == 2
    form = {**STORY, "csrf_token": re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)[0]}
    for path in (f"{NEW}/preview", "/staff/articles/77/preview"):
        answer = vera.post(path, data=form)
        assert answer.status_code == 200
        assert "What a patron sees" in answer.text
        assert "<html" not in answer.text
        assert answer.headers["Cache-Control"] == "private, no-store"
    unfinished = vera.post(f"{NEW}/preview", data={**form, "title": "", "body": "<b>" * 1001}).text
    assert "title is missing" in unfinished
    assert "There is no preview of this text" in unfinished
    assert vera.post(f"{NEW}/preview", data={**form, "csrf_token": "x"}).status_code == 400
    with app.app_context():
        assert db.session.query(Article).count() == 0


def test_the_preview_knows_rules_windows_and_the_day_it_comes_out(staff: Staff) -> None:
    vera = staff("editor")
    assert vera.get("/staff/gates").status_code == 200
    ahead = {"gate": "public", "first_hours": "48", "published_at": "2099-01-01T09:00"}
    page = press(vera, NEW, "preview", **STORY | ahead).text
    assert "Who would read it on 2099-01-01 09:00" in page
    assert (
        "The gate then: for patrons, no free reads. As a rule open to everyone: the article says so" in page
    )
    assert re.search(r"Visitor</th><td>the teaser</td><td>patrons only", page)
    here = save(vera, gate="public")
    assert "What everyone sees" in vera.get(here).text
