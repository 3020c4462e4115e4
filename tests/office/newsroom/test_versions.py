"""Every change leaves the version before it: who saved it, what differs, and the way back."""

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from paywall.accounts.trail import StaffAct
from paywall.articles.importers.markdown import import_markdown
from paywall.articles.models import Article, ArticleVersion
from paywall.articles.typesetting import manuscript
from paywall.articles.versions import from_json, to_json
from paywall.db import db
from tests.articles.files import publish, write
from tests.office.newsroom.desk import TEXT, button, filled, save
from tests.staffing import Staff

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def test_undo_is_a_version_too_and_leaves_the_address_and_the_day(app: Flask, staff: Staff) -> None:
    vera = staff("editor")
    here = save(vera, tags="floods")
    save(vera, here, "publish", body=f"First of all.\n\n{TEXT}", gate="public", slug="old-house")
    page = vera.get(f"{here}/versions").text
    assert "<ins>First of all." in page
    assert ' aria-current="true">Text, Address, Who may read it, Comes out</a>' in page
    restore = f"{here}/versions/1/restore"
    assert button(vera, f"{here}/versions", restore).status_code == 303
    assert "Version 1 is the newest one again" in vera.get(f"{here}/versions").text
    with app.app_context():
        now = db.session.scalars(select(Article)).one()
        assert (now.version, now.slug, now.gate, now.body) == (3, "old-house", "patrons", f"{TEXT}\n")
        assert now.published_at is not None
        assert db.session.scalar(select(func.count()).select_from(ArticleVersion)) == 2
        assert "version 1 restored" in set(db.session.scalars(select(StaffAct.reason)))
    assert "<del>First of all." in vera.get(f"{here}/versions").text
    button(vera, f"{here}/versions", f"{here}/versions/2/restore")
    with app.app_context():
        assert db.session.scalars(select(Article.body)).one().startswith("First of all.")


def test_undo_from_a_stale_page_changes_nothing(app: Flask, staff: Staff) -> None:
    vera = staff("editor")
    here = save(vera)
    save(vera, here, title="The old house")
    token = filled(vera.get(here).text)["csrf_token"]
    sent = {"csrf_token": token, "seen": "1"}
    assert vera.post(f"{here}/versions/1/restore", data=sent).status_code == 409
    assert vera.post(f"{here}/versions/9/restore", data={**sent, "seen": "2"}).status_code == 404
    with app.app_context():
        assert db.session.scalars(select(Article.version)).one() == 2


def test_programs_and_files_are_named(app: Flask, staff: Staff, tmp_path: Path) -> None:
    with app.app_context():
        import_markdown([write(tmp_path)])
        import_markdown([write(tmp_path, title="The old house")])
        db.session.commit()
        number = db.session.scalars(select(Article.id)).one()
    token = app.test_cli_runner().invoke(
        args=["paywall", "token", "make", "cms", "--scope", "articles:write", "--by", "Vera"]
    )
    secret = [word for word in token.output.split() if word.startswith("pw_")][-1]
    done = app.test_client().patch(
        "/api/v1/articles/the-house", json={"gate": "public"}, headers={"Authorization": f"Bearer {secret}"}
    )
    assert done.status_code == 200
    page = staff("editor").get(f"/staff/articles/{number}/versions").text
    assert page.count("import by shell (") == 2
    assert "API: cms" in page


def test_what_was_there_before_versions_is_told_so(app: Flask, staff: Staff) -> None:
    with app.app_context():
        publish(version=3)
        number = db.session.scalars(select(Article.id)).one()
    vera = staff("editor")
    save(vera, f"/staff/articles/{number}", title="The old house")
    page = vera.get(f"/staff/articles/{number}/versions").text
    assert "not known: before versions were kept" in page
    assert f"/staff/articles/{number}/delete" not in vera.get(f"/staff/articles/{number}").text


def test_a_manuscript_is_kept_whole(app: Flask) -> None:
    with app.app_context():
        publish(tags=" floods winter ", first_hours=0, is_metered=False)
        given = manuscript(db.session.scalars(select(Article)).one())
        assert from_json(to_json(given)) == given
