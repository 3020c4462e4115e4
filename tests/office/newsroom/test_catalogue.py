"""The list: all articles with state and gate, what is asked for among them, page by page."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from paywall.articles import gatekeeping
from paywall.articles.models import GateRule
from paywall.articles.terms import Terms
from paywall.db import db
from paywall.office.newsroom import catalogue
from paywall.office.newsroom.catalogue import Asked, Place, State
from tests.articles.files import publish
from tests.staffing import Staff

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


ARTICLES: dict[str, dict[str, Any]] = {
    "flood": {"tags": " floods winter ", "published_at": NOW},
    "flood-ahead": {"tags": " floods ", "published_at": NOW + timedelta(seconds=1)},
    "stage": {"section": "Culture", "published_at": None, "title": "Наводнение на сцената"},
    "vault": {"gate": "public", "published_at": NOW - timedelta(days=900)},
}


def put_in() -> None:
    """Four articles; the first was changed last."""
    for age, (slug, said) in enumerate(ARTICLES.items()):
        usual: dict[str, Any] = {"gate": "", "title": f"The {slug}", "updated_at": NOW - timedelta(hours=age)}
        publish(slug, **usual | said)


def slugs(**asked: object) -> list[str]:
    return [line.slug for line in catalogue.page(Asked(**asked), NOW).lines]  # type: ignore[arg-type]


def test_what_is_asked_for_is_found(app: Flask, context: None) -> None:
    put_in()
    assert slugs() == ["flood", "flood-ahead", "stage", "vault"]
    assert slugs(state=State.OUT) == ["flood", "vault"]
    assert slugs(state=State.AHEAD) == ["flood-ahead"]
    assert slugs(state=State.DRAFT) == ["stage"]
    assert slugs(section="culture") == ["stage"]
    assert slugs(section="none") == []
    assert slugs(tag="floods") == ["flood", "flood-ahead"]
    assert slugs(tag="floo") == slugs(tag="%") == []
    assert slugs(title="THE flood") == ["flood", "flood-ahead"]
    assert slugs(title="flood", state=State.AHEAD) == ["flood-ahead"]
    assert slugs(title="сцената") == ["stage"]
    assert slugs(title="сцен") == slugs(title="!") == []


def test_the_gate_that_stands_and_the_one_as_a_rule(app: Flask, context: None) -> None:
    put_in()
    gatekeeping.set_rule(Terms("registered"), tag="floods")
    gatekeeping.unlock(until=NOW + timedelta(days=3650), why="Floods", by="Vera", tag="winter", since=NOW)
    lines = {line.slug: line for line in catalogue.page(Asked(), NOW).lines}
    found = {slug: (str(line.gate.at(NOW)), str(line.gate)) for slug, line in lines.items()}
    assert found == {
        "flood": ("public", "registered"),
        "flood-ahead": ("registered", "registered"),
        "stage": ("patrons", "patrons"),
        "vault": ("public", "public"),
    }
    assert db.session.query(GateRule).count() == 1


def test_page_after_page_shows_each_once(app: Flask, context: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "A_PAGE", 2)
    for number in range(5):
        publish(f"a{number}", updated_at=NOW)
    seen, after = [], None
    for _ in range(3):
        page = catalogue.page(Asked(after=after), NOW)
        seen += [line.slug for line in page.lines]
        after = page.next
    assert (seen, after) == (["a4", "a3", "a2", "a1", "a0"], None)


@pytest.mark.parametrize(
    "text", ["", "x", "~", "2026-11-26T12:00:00~1", "2026-11-26T12:00:00+00:00~-1", "x~1"]
)
def test_a_place_that_is_none_is_the_beginning(text: str) -> None:
    assert Place.parse(text) is None
    place = Place(NOW, 7)
    assert Place.parse(str(place)) == place


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_page(app: Flask, staff: Staff) -> None:
    with app.app_context():
        put_in()
    vera = staff("editor")
    page = vera.get("/staff/articles").text
    assert re.findall(r'href="/staff/articles/\d+">(.*?)</a>', page) == [
        "The flood", "The flood-ahead", "Наводнение на сцената", "The vault",
    ]  # fmt: skip
    assert "The vault" not in vera.get("/staff/articles?tag=floods&state=ahead&section=city").text
    assert "There is no such article." in vera.get("/staff/articles?q=nothing&state=x&after=x").text
