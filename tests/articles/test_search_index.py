"""The index of words: the same on both databases, and true after every write."""

from datetime import timedelta

import flask_migrate
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, text, update

from paywall import clock
from paywall.articles import search
from paywall.articles.models import Article, Section
from paywall.articles.search import Part
from paywall.articles.words import asked
from paywall.db import db
from tests.articles.files import publish

pytestmark = pytest.mark.usefixtures("context")


def found(query: str, part: Part = Part.BODY, *, limit: int = 9, section: str | None = None) -> list[str]:
    """The slugs of what is found, the newest first."""
    section_id = db.session.scalar(select(Section.id).where(Section.slug == section)) if section else None
    ids = search.newest(asked(query), part, now=clock.now(), limit=limit, section_id=section_id)
    slugs = dict(db.session.execute(select(Article.id, Article.slug)).all())
    db.session.rollback()
    return [slugs[one] for one in ids]


def test_each_part_holds_those_before_it() -> None:
    publish(title="A stair", standfirst="On a hill.", body="Everybody knows.\n\n<!-- more -->\n\nThe pearl.")
    for query, part in (
        ("stair", Part.TITLE),
        ("hill", Part.TEASER),
        ("knows", Part.TEASER),
        ("pearl", Part.BODY),
    ):
        parts = [one for one in Part if found(query, one)]
        assert parts == list(Part)[list(Part).index(part) :]
    assert found("stair pearl hill writer ada") == ["the-house"]
    assert found("stair pearl", Part.TEASER) == []


@pytest.mark.parametrize(
    ("words", "query", "is_found"),
    [
        ("Кметът прие бюджета на София.", "кметът софия", True),
        ("КМЕТЪТ прие.", "кметът", True),
        ("Кметът прие.", "кмет", False),
        ("Ѝ казах: „Здравей“.", "здравей", True),
        ("Zürich café naïve", "ZURICH cafe", True),
        ("Zurich", "Zürich", True),
        ("Zu\u0308rich", "Zürich", True),
        ("за\u0300мък", "замък", True),
        ("The don't-care e-mail", "e-mail", True),
        ("The mail, e.g. this", "e-mail", False),
        ("The prime minister fell", '"prime minister"', True),
        ("The minister, of prime age", '"prime minister"', False),
        ("The minister, of prime age", "prime minister", True),
        ("Straße 12", "STRASSE 12", True),
        ("In 2026: 1e5 of 3.14 at example.org/a-b_c", '"1e5 of 3.14 at example.org/a-b_c"', True),
        ("In 2026", "202", False),
        ("Цена: 5½ лв.", "лв", True),
    ],
)
def test_what_is_found(words: str, query: str, is_found: bool) -> None:  # noqa: FBT001
    publish(gate="public", body=words)
    assert found(query) == (["the-house"] if is_found else [])


def test_no_phrase_reaches_from_the_title_into_the_text() -> None:
    publish(title="One two", standfirst="three four", body="five")
    assert found('"one two"') == ["the-house"]
    assert found('"three four"') == ["the-house"]
    assert found('"two three"') == []


def test_the_newest_are_first_and_what_is_not_out_is_nowhere() -> None:
    now = clock.now()
    for slug, age in (("old", timedelta(days=40000)), ("new", timedelta(0)), ("mid", timedelta(hours=1))):
        publish(slug, published_at=now - age)
    publish("tomorrow", published_at=now + timedelta(days=1))
    publish("draft", published_at=None)
    assert found("pearl") == ["new", "mid", "old"]
    assert found("pearl", limit=2) == ["new", "mid"]


def test_a_section_by_itself() -> None:
    publish("city")
    publish("arts", section="Arts")
    assert found("pearl", section="arts") == ["arts"]
    assert sorted(found("pearl")) == ["arts", "city"]
    # A number in a text is none of a section.
    assert found("1") == []


def test_a_rare_word_is_found_beyond_the_newest_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "SLICE", 2)
    for number in range(5):
        publish(f"n{number}", published_at=clock.now() - timedelta(days=number))
    assert found("pearl", limit=2) == ["n0", "n1"]
    assert found("pearl", limit=9) == ["n0", "n1", "n2", "n3", "n4"]
    assert found("pearl", limit=9, section="city") == ["n0", "n1", "n2", "n3", "n4"]


def test_the_index_follows_every_write_whoever_writes() -> None:
    publish("one")
    publish("two", section="Arts")
    arts = db.session.scalar(select(Section.id).where(Section.slug == "arts"))
    one = update(Article).where(Article.slug == "one")
    db.session.execute(one.values(search_title="harbour"))
    assert search.newest((("harbour",),), Part.TITLE, now=clock.now(), limit=9)
    db.session.rollback()
    assert found("harbour") == []
    db.session.execute(one.values(search_title="harbour", section_id=arts))
    db.session.commit()
    assert found("harbour", section="arts") == ["one"]
    assert found("one", Part.TITLE) == []
    db.session.execute(one.values(published_at=None))
    db.session.commit()
    assert found("harbour") == []
    db.session.execute(one.values(published_at=clock.now()))
    db.session.commit()
    assert found("harbour") == ["one"]
    db.session.execute(delete(Article).where(Article.slug == "one"))
    db.session.commit()
    assert found("pearl") == ["two"]


def test_it_can_be_made_anew(app: Flask) -> None:
    publish("one")
    publish("draft", published_at=None)
    empty = "INSERT INTO article_search(article_search) VALUES ('delete-all')"
    is_sqlite = db.engine.dialect.name == "sqlite"
    db.session.execute(text(empty if is_sqlite else "DELETE FROM article_search"))
    db.session.execute(text("UPDATE article SET title = 'Harbour'"))
    db.session.commit()
    assert found("pearl") == []
    for _ in range(2):
        done = app.test_cli_runner().invoke(args=["paywall", "search-rebuild"])
        assert done.output == "The words of 2 articles are indexed anew.\n"
        assert found("harbour pearl") == ["one"]


def test_the_migration_fills_it_from_the_articles_that_are_there() -> None:
    publish("one", standfirst="Café.", body="A **pearl** & Ѝ\n\n<!-- more -->\n\nЗаключена дума.")
    flask_migrate.downgrade(revision="0018-1")
    flask_migrate.upgrade()
    assert found("cafe pearl и заключена") == ["one"]
    assert found("заключена", Part.TEASER) == []
    publish("two")
    assert found("stair") == ["two"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    query=st.text(max_size=80)
    | st.lists(
        st.sampled_from([*"\"'()*:^-+{}&|!<>\\%_\0 ", "NEAR", "AND", "OR", "NOT", "title", "pearl", "й"])
    ).map("".join)
)
def test_no_query_is_an_error(app: Flask, query: str) -> None:
    for part in Part:
        search.newest(asked(query), part, now=clock.now(), limit=3)
    db.session.rollback()


def test_a_long_text_is_indexed_as_far_as_it_goes() -> None:
    body = " ".join(f"дума{number}" for number in range(60_000))
    publish(gate="public", body=body)
    assert found("дума7") == ["the-house"]
    assert found("дума59999") == []
