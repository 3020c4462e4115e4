"""What an import must survive: odd bytes, odd folders, and articles that are in already."""

import os
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
from tests.articles.files import SECRET, USUAL, png, write
from tests.articles.test_darkroom import PLACE, bomb, from_camera

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
CONTROL = "holds an invisible control character"


@pytest.fixture
def folder(tmp_path: Path, context: None) -> Path:
    """A folder for files, inside an application context."""
    made = tmp_path / "in"
    made.mkdir()
    return made


def rows() -> list[tuple[object, ...]]:
    """All that is kept of every article and section."""
    db.session.expire_all()
    articles = db.session.execute(select(*Article.__table__.c).order_by(Article.slug)).all()
    sections = db.session.execute(select(*Section.__table__.c).order_by(Section.slug)).all()
    return [tuple(row) for row in (*articles, *sections)]


@on_sqlite
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('title: "a\\0b"', f"title {CONTROL}"),
        ('title: "a\\ud800b"', f"title {CONTROL}"),
        ("title: it\x92s", CONTROL),
        ("title: a\ufffeb", CONTROL),
        ("title: *nothing", "is not good YAML (found undefined alias"),
        ('title: "never closed', "is not good YAML"),
        ("title: {a: b}", "title must be plain text"),
        ("published_at: 9999-12-31T23:00:00-05:00", "is no date"),
        ("published_at: 2026-02-30T06:00:00Z", "is no date"),
        ("byline: " + "x" * 121, "byline has 121 characters, and may have 120"),
        ("standfirst: " + "x" * 401, "standfirst has 401 characters, and may have 400"),
        ("? [a, b]\n: c", "is not a key we know: use slug, title"),
    ],
)
def test_a_line_that_cannot_be_kept_is_named(folder: Path, line: str, words: str) -> None:
    usual = {key: value for key, value in USUAL.items() if not line.startswith(key)}
    front = "".join(f"{key}: {value}\n" for key, value in usual.items())
    path = folder / "bad.md"
    path.write_text(f"---\n{front}{line}\n---\nText.\n", encoding="utf-8")
    report = import_markdown([path])
    first = report.problems[0]
    assert words in first.message
    # A text that never ends is noticed at the end, on the line after.
    assert first.line in {len(usual) + 2, len(usual) + 3}
    assert report.lines()[-1] == "Nothing was changed: 1 problem."
    assert rows() == []


@on_sqlite
def test_brackets_without_end_are_a_problem_and_no_crash(folder: Path) -> None:
    (problem,) = import_markdown([write(folder, title="[" * 5000)]).problems
    assert "has brackets in brackets" in problem.message


@on_sqlite
def test_a_file_that_cannot_be_opened_is_a_problem(folder: Path) -> None:
    (folder / "gone.md").symlink_to(folder / "nowhere")
    (problem,) = import_markdown([folder]).problems
    assert str(problem) == f"{folder / 'gone.md'}:1: cannot be opened: No such file or directory"


@on_sqlite
def test_every_problem_of_every_file_is_told_at_once_in_reading_order(folder: Path) -> None:
    write(folder, "b.md", slug="B!", gate="members")
    write(folder, "a.md", slug="a", mood="blue")
    found = [(problem.path.name, problem.line) for problem in import_markdown([folder]).problems]
    assert found == [("a.md", 9), ("b.md", 2), ("b.md", 7)]


def test_one_bad_file_leaves_the_articles_that_are_in_as_they_were(folder: Path, settings: Settings) -> None:
    (folder / "p.png").write_bytes(png(3, 2))
    import_markdown([write(folder, "a.md", picture="p.png", picture_alt="A stair")])
    db.session.commit()
    before = rows()
    (folder / "p.png").write_bytes(png(30, 20))
    write(folder, "a.md", picture="p.png", picture_alt="A stair", title="Another", section="Culture")
    write(folder, "z.md", slug="z", gate="plan:gold")
    report = import_markdown([folder])
    db.session.commit()
    assert [problem.path.name for problem in report.problems] == ["z.md"]
    assert (report.added, report.changed, report.same) == ((), (), ())
    assert rows() == before
    assert pictures.read(settings.data_dir / "pictures" / "p.png").width == 3


@pytest.mark.parametrize(
    "changed",
    [
        {"title": "The old house"},
        {"standfirst": "Under a hill."},
        {"byline": None},
        {"section": "Culture"},
        {"gate": "registered"},
        {"published_at": "2026-11-20T06:00:01Z"},
        {"published_at": None},
        {"body": "Another text altogether.\n"},
    ],
)
def test_any_change_makes_one_version(folder: Path, changed: dict[str, Any]) -> None:
    import_markdown([write(folder)])
    db.session.commit()
    assert import_markdown([write(folder, **changed)]).changed == ("the-house",)
    db.session.commit()
    assert import_markdown([write(folder, **changed)]).same == ("the-house",)
    assert db.session.scalars(select(Article.version)).one() == 2


@on_sqlite
def test_the_same_instant_in_another_zone_is_no_change(folder: Path) -> None:
    import_markdown([write(folder)])
    db.session.commit()
    assert import_markdown([write(folder, published_at="2026-11-20T08:00:00+02:00")]).same


@on_sqlite
def test_a_new_picture_takes_the_place_of_the_old_one(folder: Path, settings: Settings) -> None:
    path = write(folder, picture="p.png", picture_alt="A stair")
    for size in ((3, 2), (30, 20)):
        (folder / "p.png").write_bytes(png(*size))
        import_markdown([path])
        db.session.commit()
    article = db.session.scalars(select(Article)).one()
    assert (article.picture_width, article.picture_height, article.version) == (30, 20, 2)
    kept = settings.data_dir / "pictures"
    assert pictures.read(kept / "p.png").width == 30
    assert [file.name for file in kept.iterdir()] == ["p.png"]
    assert (kept / "p.png").stat().st_mode & 0o777 == 0o644


@on_sqlite
def test_of_a_picture_only_its_pixels_are_taken_in(folder: Path, settings: Settings) -> None:
    (folder / "tram.jpg").write_bytes(from_camera())
    (folder / "snow.1600x800.jpg").write_bytes(from_camera((2000, 1000)))
    body = "One.\n\n![Snow](/pictures/snow.1600x800.jpg)\n"
    files = [write(folder, picture="tram.jpg", picture_alt="A tram", body=body)]
    assert import_markdown(files).added == ("the-house",)
    db.session.commit()
    assert import_markdown(files).same == ("the-house",)
    kept = list((settings.data_dir / "pictures").iterdir())
    assert sorted(file.name for file in kept) == [
        "snow.1600x800.jpg",
        "snow.1600x800.w480.jpg",
        "snow.1600x800.w960.jpg",
        "tram.jpg",
    ]
    assert not [file.name for file in kept if PLACE in file.read_bytes()]


@on_sqlite
def test_a_picture_that_cannot_be_developed_is_named_and_nothing_is_changed(
    folder: Path, settings: Settings
) -> None:
    for name, data in (("a.png", bomb()), ("b.jpg", from_camera()[:-900]), ("c.9x9.png", png())):
        (folder / name).write_bytes(data)
    body = "One. ![a](/pictures/a.png) ![b](/pictures/b.jpg) ![c](/pictures/c.9x9.png)\n"
    told = [problem.message for problem in import_markdown([write(folder, body=body)]).problems]
    assert told == [
        "picture 'a.png' has more than 40 million pixels: save it smaller, 1600 wide are enough",
        "picture 'b.jpg' is broken: it cannot be decoded",
        "picture 'c.9x9.png' measures 3 × 2 pixels, and its name says otherwise",
    ]
    assert not (settings.data_dir / "pictures").exists()


@on_sqlite
def test_a_picture_that_is_none_is_named_with_the_line_that_wants_it(folder: Path) -> None:
    (folder / "p.png").write_bytes(b"<svg onload='alert(1)'/>")
    (folder / "q.jpg").write_bytes(png())
    body = "One.\n\n![x](/pictures/q.jpg)\n"
    report = import_markdown([write(folder, picture="p.png", picture_alt="A stair", body=body)])
    assert [(problem.line, problem.message) for problem in report.problems] == [
        (9, "picture 'p.png' is no JPEG, PNG or WebP picture"),
        (14, "picture 'q.jpg' is a PNG by its content: name it q.png"),
    ]


@on_sqlite
def test_a_picture_written_as_html_is_checked_and_copied_too(folder: Path, settings: Settings) -> None:
    body = "One.\n\n<figure>\n<img alt='x' src='/pictures/p.png'>\n</figure>\n\nTwo {}.\n"
    (folder / "p.png").write_bytes(png())
    for spy in ('<IMG SRC="https://example.org/spy.gif">', "<img src=/pictures/none.png alt>"):
        (problem,) = import_markdown([write(folder, body=body.format(spy))]).problems
        assert problem.line == 16
    assert import_markdown([write(folder, body=body.format("three"))]).added
    assert (settings.data_dir / "pictures" / "p.png").is_file()


@on_sqlite
def test_a_file_named_twice_is_read_once(folder: Path) -> None:
    path = write(folder)
    beside = Path(os.path.relpath(path, Path.cwd()))
    assert import_markdown([path, folder, beside]).added == ("the-house",)


@on_sqlite
def test_what_is_hidden_and_what_is_a_folder_is_no_article(folder: Path) -> None:
    write(folder)
    write(folder, ".trash/old.md", slug="old")
    (folder / "notes.md").mkdir()
    assert import_markdown([folder]).added == ("the-house",)


@on_sqlite
def test_a_section_without_a_letter_has_an_address_all_the_same(folder: Path) -> None:
    write(folder, "a.md", slug="a", section="'!'")
    write(folder, "b.md", slug="b", section="Straße & Brücke")
    import_markdown([folder])
    assert set(db.session.scalars(select(Section.slug))) == {"news", "straße-brücke"}


@on_sqlite
def test_what_was_imported_is_what_the_paper_shows(app: Flask, client: FlaskClient, tmp_path: Path) -> None:
    path = write(tmp_path / "in", gate="public", section="Straße", published_at="2020-01-01T00:00:00Z")
    result = app.test_cli_runner().invoke(args=["paywall", "import", str(path)])
    assert result.exit_code == 0, result.output
    assert SECRET in client.get("/article/the-house").text
    assert "The house" in client.get("/section/straße").text
