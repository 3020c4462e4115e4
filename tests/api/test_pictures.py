"""Pictures that a CMS hands in are developed as those of the editor are: only pixels survive."""

from io import BytesIO

import pytest
from flask.testing import FlaskClient
from PIL import Image

from paywall.config import Settings
from tests.api.conftest import Program, problem, wrong_fields
from tests.articles.files import png
from tests.articles.test_darkroom import PLACE, bomb, from_camera

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
JPEG, PNG = {"Content-Type": "image/jpeg"}, {"Content-Type": "image/png"}
TRAM, SITE = "/pictures?name=tram.jpg", "http://127.0.0.1:8000"


def test_no_camera_and_no_place_are_served(cms: Program, client: FlaskClient) -> None:
    taken = from_camera((2000, 1000))
    assert PLACE in taken
    answer = cms.ask("POST", TRAM, data=taken, headers=JPEG)
    assert (answer.status_code, answer.json["width"], answer.json["height"]) == (201, 1600, 800)
    with client.get(answer.json["url"].removeprefix(SITE)) as file:
        shown = file.data
    assert PLACE not in shown
    assert b"Ana" not in shown
    image = Image.open(BytesIO(shown))
    assert not image.getexif()
    assert not image.info.keys() & {"exif", "icc_profile", "comment"}
    assert cms.ask("POST", TRAM, data=taken, headers=JPEG).status_code == 200
    problem(cms.ask("POST", TRAM, data=from_camera(), headers=JPEG), 409)


def test_one_that_was_kept_as_it_came_is_developed_when_it_comes_again(
    cms: Program, settings: Settings
) -> None:
    place, taken = settings.data_dir / "pictures" / "tram.jpg", from_camera()
    place.parent.mkdir()
    place.write_bytes(taken)
    assert cms.ask("POST", TRAM, data=taken, headers=JPEG).status_code == 200
    assert PLACE not in place.read_bytes()


NO_GOOD = (
    ("a.png", bomb(), "has more than 40 million pixels"),
    ("a.jpg", from_camera()[:-900], "is broken: it cannot be decoded"),
    ("a.png", png()[:45], "is broken: it cannot be decoded"),
    ("a.9x9.png", png(), "its name says otherwise"),
)


def test_what_cannot_be_developed_is_refused_and_not_kept(cms: Program, settings: Settings) -> None:
    for name, data, said in NO_GOOD:
        answer = cms.ask("POST", f"/pictures?name={name}", data=data, headers=PNG)
        assert wrong_fields(answer) == {"#"}
        assert said in answer.json["errors"][0]["detail"]
    assert not (settings.data_dir / "pictures").exists()


def test_a_name_for_smaller_ones_has_them(cms: Program, settings: Settings) -> None:
    answer = cms.ask("POST", "/pictures?name=tram.1000x500.jpg", data=from_camera((1000, 500)), headers=JPEG)
    assert answer.status_code == 201
    kept = sorted(file.name for file in (settings.data_dir / "pictures").iterdir())
    assert kept == ["tram.1000x500.jpg", "tram.1000x500.w480.jpg", "tram.1000x500.w960.jpg"]
