"""An editor adds a picture: it is asked what it shows, it is ours then, and nothing of the text is lost."""

import re
from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage

from paywall.articles.pictures import LARGEST
from tests.articles.files import png
from tests.articles.test_darkroom import PAYLOAD, drawn
from tests.office.newsroom.desk import NEW, STORY, filled, press, save, wrong
from tests.staffing import Staff

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def test_a_picture_comes_into_the_text_where_the_cursor_stood(
    app: Flask, client: FlaskClient, staff: Staff
) -> None:
    vera = staff("editor")
    file = FileStorage(BytesIO(drawn(comment=PAYLOAD)), "Tram [1].php.jpg")
    sent = {**STORY, "gate": "public", "body": "Before 🚋.\r\n\r\nAfter.", "caret": "9"}
    page = press(vera, NEW, "upload", **sent, upload=file, upload_alt="A [tram]\nin snow")
    assert page.status_code == 200
    said = filled(page.text)
    shown = r"!\[A \\\[tram\\\] in snow\]\(/pictures/(tram-1-php-[0-9a-f]{8}\.1200x600\.jpg)\)"
    body = str(said["body"]).replace("\r\n", "\n")
    found = re.fullmatch(rf"Before 🚋\.\n\n{shown}\n\nAfter\.\n", body)
    assert found, said["body"]
    assert (said["title"], said["upload_alt"]) == (STORY["title"], "")
    save(vera, NEW, "publish", **said)
    app.extensions["door"].forget()
    article = client.get("/article/the-house").text
    assert 'alt="A [tram] in snow"' in article
    for name in (found[1], found[1].replace(".jpg", ".w480.jpg"), found[1].replace(".jpg", ".w960.jpg")):
        assert f"/pictures/{name}" in article
        with client.get(f"/pictures/{name}") as answer:
            assert (answer.status_code, answer.mimetype) == (200, "image/jpeg")
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert b"php" not in answer.data


def test_a_picture_over_the_article(app: Flask, client: FlaskClient, staff: Staff) -> None:
    vera = staff("editor")
    page = press(
        vera,
        NEW,
        "upload",
        **STORY,
        upload=FileStorage(BytesIO(png(500, 300)), "x.png"),
        upload_alt="A tram",
        upload_place="lead",
    )
    said = filled(page.text)
    assert said["picture_alt"] == "A tram"
    save(vera, NEW, "publish", **said)
    app.extensions["door"].forget()
    article = client.get("/article/the-house").text
    assert f'/pictures/{said["picture"]}" alt="A tram" srcset="' in article
    # Of a picture that came from elsewhere without its smaller ones the whole is given.
    small = (
        app.extensions["settings"].data_dir / "pictures" / str(said["picture"]).replace(".png", ".w480.png")
    )
    small.unlink()
    with client.get(f"/pictures/{small.name}") as answer:
        assert answer.status_code == 200


def test_what_is_no_picture_is_told_beside_the_field_and_the_text_stays(app: Flask, staff: Staff) -> None:
    vera = staff("editor")
    svg = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"
    for data, alt, field, says in (
        (svg, "A tram", "upload", "The file is no JPEG, PNG or WebP picture."),
        (png(), "", "upload_alt", "Say what it shows"),
        (b"x" * (LARGEST + 1), "A tram", "upload", "is larger than 8 MiB"),
        (None, "A tram", "upload", "Choose a file first."),
    ):
        file = {"upload": FileStorage(BytesIO(data), "tram.jpg")} if data is not None else {}
        page = press(vera, NEW, "upload", **STORY, **file, upload_alt=alt)
        assert page.status_code == 200
        assert says in wrong(page)[field]
        assert filled(page.text)["body"] == STORY["body"]
    assert not (app.extensions["settings"].data_dir / "pictures").exists()


def test_an_article_can_be_as_long_as_an_imported_one(app: Flask, staff: Staff) -> None:
    here = save(staff("editor"), body="Снегът падаше. " * 20_000)
    assert len(str(filled(staff("editor").get(here).text)["body"])) > 250_000
