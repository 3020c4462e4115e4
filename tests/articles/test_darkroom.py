"""Uploaded pictures: only pixels survive, and what is no picture, or far too much of one, is refused."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image, ImageCms

from paywall.articles import pictures, render
from paywall.articles.darkroom import develop
from paywall.articles.pictures import NotAPicture
from tests.articles.files import png

PLACE = b"42.6977 N, 23.3219 E"
PAYLOAD = b"<?php system($_GET['c']); ?><script>alert(document.domain)</script>"


def drawn(size: tuple[int, int] = (1200, 600), **how: object) -> bytes:
    """A JPEG, green on its left and red on its right."""
    image = Image.new("RGB", size, "red")
    image.paste("green", (0, 0, size[0] // 2, size[1]))
    file = BytesIO()
    image.save(file, "JPEG", **how)
    return file.getvalue()


def from_camera(size: tuple[int, int] = (1200, 600)) -> bytes:
    """A JPEG that says where it was taken, with what, and whose it is."""
    exif = Image.Exif()
    exif[0x010E], exif[0x0110], exif[0x8298] = PLACE.decode(), "Camera of Ana", "Ana"
    exif.get_ifd(0x8825)[1], exif.get_ifd(0x8825)[2] = "N", (42.0, 41.0, 51.7)
    return drawn(size, exif=exif, comment=PLACE)


def part(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb() -> bytes:
    """A PNG of a few kilobytes that takes gigabytes once it is decoded."""
    head = part(b"IHDR", struct.pack(">IIBBBBB", 9999, 9999, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + part(b"IDAT", zlib.compress(b"\0" * 1000)) + part(b"IEND", b"")


def test_only_pixels_survive() -> None:
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "42.6977 N, 23.3219 E", 6
    data = (
        drawn(
            exif=exif,
            comment=PAYLOAD,
            icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        )
        + PAYLOAD
    )
    assert PAYLOAD in data
    whole, *smaller = develop("IMG 0042.JPG", data)
    assert [one.width for one in (whole, *smaller)] == [600, 480]
    # Taken upright, with the camera on its side: what was left is above.
    image = Image.open(BytesIO(whole.data))
    assert image.size == (600, 1200)
    above = image.getpixel((300, 100))
    assert isinstance(above, tuple)
    assert above[1] > 100
    for one in (whole, *smaller):
        assert b"php" not in one.data
        assert b"42.6977" not in one.data
        assert not Image.open(BytesIO(one.data)).info.keys() & {"exif", "icc_profile", "comment"}
        assert pictures.check(one.name, one.data) == one


@pytest.mark.parametrize(
    ("kind", "suffix", "mode"),
    [
        ("JPEG", "jpg", "RGB"),
        ("JPEG", "jpg", "CMYK"),
        ("JPEG", "jpg", "L"),
        ("PNG", "png", "RGBA"),
        ("PNG", "png", "P"),
        ("PNG", "png", "1"),
        ("WEBP", "webp", "RGBA"),
    ],
)
def test_each_kind_stays_what_it_is(kind: str, suffix: str, mode: str) -> None:
    image, file = Image.new(mode, (1200, 600)), BytesIO()
    image.save(file, kind)
    found = develop("tram.gif", file.getvalue())
    assert [one.name.rpartition(".")[2] for one in found] == [suffix] * 3
    assert [one.width for one in found] == [1200, 480, 960]
    assert develop("tram.gif", file.getvalue()) == found


def test_a_name_is_made_of_what_it_was_and_tells_the_size() -> None:
    names = [one.name for one in develop("../../Снимка №5 Ünder.PNG", png(500, 20))]
    assert names[0].startswith("no5-under-")
    assert names[0].endswith(".500x20.png")
    assert names[1] == names[0].replace(".png", ".w480.png")
    assert develop("....", png())[0].name.startswith("picture-")
    assert all(pictures.NAME.fullmatch(name) for name in names)
    assert pictures.whole(names[1]) == names[0]
    assert pictures.srcset(names[0]) == f"/pictures/{names[1]} 480w, /pictures/{names[0]} 500w"
    assert pictures.srcset("tram.jpg") == pictures.srcset("tram.300x200.jpg") == ""
    assert pictures.whole("tram.w480.jpg") == "tram.w480.jpg"


def test_the_text_gives_a_phone_the_smaller_one() -> None:
    text = '![a > b](/pictures/a.1600x900.jpg) ![c](/pictures/old.jpg)\n\nsrc="/pictures/b.1600x900.jpg"'
    html = render.to_html(text).full
    assert html.count("srcset=") == 1
    assert "/pictures/a.1600x900.w480.jpg 480w" in html
    assert 'width="1600" height="900"' in html
    assert '<img src="/pictures/old.jpg" alt="c" loading="lazy">' in html


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (lambda: b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "is no JPEG, PNG or WebP"),
        (lambda: b"GIF89a" + PAYLOAD, "is no JPEG, PNG or WebP"),
        (lambda: PAYLOAD, "is no JPEG, PNG or WebP"),
        (lambda: b"", "is no JPEG, PNG or WebP"),
        (bomb, "more than 40 million pixels"),
        (lambda: png(10_001, 1), "10000 a side is the most"),
        (lambda: drawn()[:200], "is broken"),
        (lambda: png()[:40] + PAYLOAD, "is broken"),
        (lambda: b"\xff\xd8\xff" + PAYLOAD, "is a broken picture"),
        (lambda: b"x" * (pictures.LARGEST + 1), "is larger than 8 MiB"),
    ],
)
def test_what_is_no_picture_is_refused(data: Callable[[], bytes], says: str) -> None:
    with pytest.raises(NotAPicture, match=says):
        develop("tram.jpg", data())
