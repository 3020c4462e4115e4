"""Bringing articles in from files: again and again, all or nothing, each bad line named."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from paywall.articles import pictures
from paywall.articles.importers.markdown import import_markdown
from paywall.articles.importers.report import ImportReport
from paywall.articles.models import Article, Section
from paywall.config import Settings
from paywall.db import db
from paywall.membership import plans
from paywall.membership.plans import PlanText
from paywall.membership.rules import Interval
from paywall.money import Money
from tests.articles.files import SECRET, TEASER, png, write

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def folder(tmp_path: Path, context: None) -> Path:
    """A folder for files, inside an application context."""
    return tmp_path / "in"


def test_a_file_becomes_a_rendered_article(folder: Path) -> None:
    report = import_markdown([write(folder)])
    assert report == ImportReport(added=("the-house",))
    assert report.lines() == ["new      the-house", "1 article: 1 new, 0 changed, 0 as before."]
    article = db.session.scalars(select(Article)).one()
    assert (article.title, article.section.name, article.version) == ("The house", "City", 1)
    assert article.teaser_text == TEASER
    assert SECRET in article.full_html
    assert article.published_at is not None
    assert article.published_at.isoformat() == "2026-11-20T06:00:00+00:00"


def test_the_same_file_again_changes_nothing_and_another_text_makes_a_version(folder: Path) -> None:
    path = write(folder)
    import_markdown([path])
    db.session.commit()
    before = db.session.scalars(select(Article.updated_at)).one()
    assert import_markdown([folder]).same == ("the-house",)
    assert db.session.scalars(select(Article.updated_at)).one() == before
    report = import_markdown([write(folder, title="The old house")])
    assert report.lines()[0] == "changed  the-house"
    article = db.session.scalars(select(Article)).one()
    assert (article.title, article.version) == ("The old house", 2)


@on_sqlite
def test_sections_are_made_in_the_order_of_the_files(folder: Path) -> None:
    write(folder, "a.md", slug="a", section="City")
    write(folder, "b/b.md", slug="b", section="World Affairs")
    write(folder, "c.md", slug="c", section="city")
    write(folder, ".draft.md", slug="no")
    assert len(import_markdown([folder]).added) == 3
    found = db.session.execute(select(Section.slug, Section.name).order_by(Section.position)).all()
    assert [tuple(row) for row in found] == [("city", "City"), ("world-affairs", "World Affairs")]


@on_sqlite
def test_without_a_date_an_article_stays_unpublished(folder: Path) -> None:
    import_markdown([write(folder, published_at=None), write(folder, "b.md", slug="b", published_at="")])
    assert db.session.scalars(select(Article.published_at)).all() == [None, None]


@on_sqlite
@pytest.mark.parametrize(
    ("keys", "line", "words"),
    [
        ({"slug": None}, 1, "slug is missing"),
        ({"title": "''"}, 3, "title is missing"),
        ({"slug": "The_House"}, 2, "slug may hold"),
        ({"gate": "members"}, 7, "gate 'members' is unknown: write public, registered, patrons, or plan:"),
        ({"gate": "plan:gold"}, 7, "there is no plan 'gold': make it with `flask paywall plan`"),
        ({"gate": "'plan: ,'"}, 7, "gate 'plan: ,' is unknown"),
        ({"mood": "blue"}, 9, "'mood' is not a key we know"),
        ({"first_hours": "9" * 5000}, 9, "must be a whole number up to 8760"),
        ({"archive_days": "18251"}, 9, "archive_days must be a whole number up to 18250"),
        ({"tags": "one, two_three"}, 9, "tag 'two_three' cannot be read"),
        ({"metered": "often"}, 9, "metered 'often' is neither true nor false"),
        ({"published_at": "9999-01-01T00:00:00Z"}, 8, "lies outside of the years 1600 to 2999"),
        ({"published_at": "2026-11-20T06:00:00"}, 8, "has no time zone"),
        ({"published_at": "2026-11-20"}, 8, "has no time zone"),
        ({"published_at": "yesterday"}, 8, "is no date"),
        ({"title": "One: two"}, 3, "is not good YAML"),
        ({"title": "[a, b]"}, 3, "title must be plain text"),
        ({"title": "a\ntitle: b"}, 4, "title is given twice"),
        ({"title": "x" * 201}, 3, "title has 201 characters, and may have 200"),
        ({"section": "x" * 61}, 6, "section has 61 characters, and may have 60"),
        ({"picture": "no.jpg", "picture_alt": "x"}, 9, "picture 'no.jpg' is missing"),
        ({"picture": "../up.jpg", "picture_alt": "x"}, 9, "must be a plain file name"),
        ({"picture": "pic.png"}, 9, "picture_alt is missing"),
        ({"body": " \n"}, 1, "has no text"),
        ({"body": "One.\n\n![x](https://example.org/x.jpg)\n"}, 12, "is not ours"),
        ({"body": "One.\n\nTwo ![x](/pictures/none.png).\n"}, 12, "picture 'none.png' is missing"),
        ({"body": "One.\n\nTwo\x07.\n"}, 12, "invisible control character"),
    ],
)
def test_a_bad_file_is_named_with_its_line_and_changes_nothing(
    folder: Path, settings: Settings, keys: dict[str, Any], line: int, words: str
) -> None:
    good = write(folder, "good.md", slug="good", picture="good.png", picture_alt="x")
    (folder / "good.png").write_bytes(png())
    (folder / "pic.png").write_bytes(png())
    bad = write(folder, "bad.md", **keys)
    report = import_markdown([good, bad])
    assert [str(problem) for problem in report.problems if str(problem).startswith(f"{bad}:{line}: ")] != []
    assert words in " ".join(map(str, report.problems))
    assert report.lines()[-1].startswith("Nothing was changed: ")
    assert db.session.scalar(select(func.count(Article.id))) == 0
    assert not (settings.data_dir / "pictures").exists()


@on_sqlite
@pytest.mark.parametrize(
    ("raw", "line", "words"),
    [
        (b"---\ntitle: caf\xe9\n---\nx", 2, "is not UTF-8"),
        (b"# No front matter\n", 1, "does not begin with front matter"),
        (b"---\ntitle: x\n\ntext", 1, "front matter without an end"),
        (b"---\n---\ntext", 2, "has no keys"),
        (b"---\n- a\n- b\n---\ntext", 2, "has no keys"),
        (b"---\ntitle: \x01\n---\ntext", 2, "invisible control character"),
        (
            b'---\nslug: a\nsection: b\ntitle: "bell \\x07"\n---\ntext',
            4,
            "title holds an invisible control character",
        ),
        ("---\nslug: a\ntitle: x\x85\x80\n---\ntext".encode(), 3, "invisible control character"),
        (b"---\ntitle: " + b"[" * 5000 + b"\n---\ntext", 2, "brackets in brackets"),
        (b"x" * (2 * 1024 * 1024 + 1), 1, "is larger than 2 MiB"),
    ],
)
def test_an_unreadable_file_is_named_with_its_line(folder: Path, raw: bytes, line: int, words: str) -> None:
    folder.mkdir()
    path = folder / "bad.md"
    path.write_bytes(raw)
    (problem,) = import_markdown([path]).problems
    assert str(problem).startswith(f"{path}:{line}: ")
    assert words in problem.message


@on_sqlite
def test_windows_line_ends_and_a_byte_order_mark_are_no_matter(folder: Path) -> None:
    path = write(folder)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert import_markdown([path]).added == ("the-house",)
    assert import_markdown([write(folder)]).same == ("the-house",)


@on_sqlite
def test_one_slug_in_two_files_is_a_problem(folder: Path) -> None:
    write(folder, "a.md")
    write(folder, "b.md")
    (problem,) = import_markdown([folder]).problems
    assert problem.path == folder / "b.md"
    assert "also that of" in problem.message


@on_sqlite
def test_an_empty_folder_is_a_problem(folder: Path) -> None:
    folder.mkdir()
    assert "holds no file" in import_markdown([folder]).lines()[0]


@on_sqlite
def test_a_gate_may_name_the_plans_there_are(folder: Path) -> None:
    plans.write(PlanText("circle", "Circle", "", {Interval.MONTH: Money(500, "eur")}), "For the test")
    assert import_markdown([write(folder, gate="'plan: circle'")]).added
    assert db.session.scalars(select(Article.gate)).one() == "plan:circle"
    (problem,) = import_markdown([write(folder, gate="plan:circle,gold")]).problems
    assert problem.message == "there is no plan 'gold': there are circle"


@on_sqlite
def test_pictures_come_along_with_their_size(folder: Path, settings: Settings, app: Flask) -> None:
    path = write(
        folder,
        "texts/a.md",
        picture="head.png",
        picture_alt="x",
        body="One.\n\n![y](/pictures/body.png)\n\nTwo.\n",
    )
    (folder / "pictures").mkdir()
    (folder / "pictures" / "head.png").write_bytes(png(30, 20))
    (folder / "texts" / "body.png").write_bytes(png())
    import_markdown([path])
    article = db.session.scalars(select(Article)).one()
    assert (article.picture_width, article.picture_height) == (30, 20)
    kept = settings.data_dir / "pictures"
    assert pictures.measure((kept / "body.png").read_bytes()) == ("png", (3, 2))
    assert import_markdown([path]).same
    assert sorted(file.name for file in kept.iterdir()) == ["body.png", "head.png"]


@on_sqlite
def test_two_pictures_of_one_name_are_a_problem(folder: Path) -> None:
    for name, size in (("a", 3), ("b", 4)):
        write(folder, f"{name}/{name}.md", slug=name, picture="p.png", picture_alt="x")
        (folder / name / "p.png").write_bytes(png(size))
    (problem,) = import_markdown([folder]).problems
    assert "is another file" in problem.message


JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc4\x00\x03c\xff\xc2\x00\x0b\x08\x00\x14\x00\x1e\x01"
VP8X = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x1d\0\0\x13\0\0"
VP8L = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f" + (29 | 19 << 14).to_bytes(4, "little") + b"\0" * 5
VP8 = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x1e\0\x14\0"


@pytest.mark.parametrize(
    ("data", "kind"), [(png(30, 20), "png"), (JPEG, "jpeg"), (VP8X, "webp"), (VP8L, "webp"), (VP8, "webp")]
)
def test_a_picture_is_measured_by_its_header(data: bytes, kind: str) -> None:
    assert pictures.measure(data) == (kind, (30, 20))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        JPEG[:12],
        JPEG[:4] + b"\0\x02ab",
        VP8X[:16],
        png()[:20],
    ],
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(pictures.NotAPicture):
        pictures.measure(data)


def test_a_webp_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(pictures.NotAPicture, match="first part"):
        pictures.measure(VP8.replace(b"VP8 ", b"VP9 "))


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.jpg", png(), "name it a.png"),
        ("a.png", png(0, 5), "0 × 5"),
        ("a.png", png(1) + b"\0" * pictures.LARGEST, "larger than 8 MiB"),
    ],
)
def test_a_picture_that_browsers_should_not_get_is_refused(
    tmp_path: Path, name: str, data: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(pictures.NotAPicture, match=words):
        pictures.read(tmp_path / name)
