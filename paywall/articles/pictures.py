"""Which files are pictures that we show, how large they are, and how one is put in its place.

A picture that was uploaded says its size in its name (tram-1a2b3c4d.1600x900.jpg), and has smaller ones
beside it (tram-1a2b3c4d.1600x900.w480.jpg): who prints it need not look at the file.
"""

import os
import re
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,120}\.(?:jpe?g|png|webp)")
LARGEST = 8 * 1024 * 1024
TOO_LARGE = "is larger than 8 MiB: save it smaller, 1600 pixels wide are enough"
SIDE = 10_000
# JPEG's frame headers; the other C-codes are tables.
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
NARROW = (480, 960)
SIZED = re.compile(r"[a-z0-9-]+\.(?P<width>[1-9]\d{0,4})x(?P<height>[1-9]\d{0,4})\.(?P<kind>jpg|png|webp)")
SMALL = re.compile(rf"(.+)\.w(?:{'|'.join(map(str, NARROW))})(\.(?:jpg|png|webp))")
SUFFIXES = {"jpeg": (".jpg", ".jpeg"), "png": (".png",), "webp": (".webp",)}


class NotAPicture(ValueError):
    """The bytes are not a picture that we show; the message says why."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture's bytes, checked, with its size in pixels."""

    name: str
    data: bytes
    width: int
    height: int


def find(name: str, beside: Path) -> Path | None:
    """The file called `name` beside an article's file, or in a folder `pictures` there or one level up."""
    folders = (beside.parent, beside.parent / "pictures", beside.parent.parent / "pictures")
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


def read(path: Path) -> Picture:
    """The picture in a file; raises NotAPicture for what browsers would not show or should not get."""
    if path.stat().st_size > LARGEST:
        raise NotAPicture(TOO_LARGE)
    return check(path.name, path.read_bytes())


def check(name: str, data: bytes) -> Picture:
    """The picture called `name` with these bytes; raises NotAPicture as `read` does."""
    if len(data) > LARGEST:
        raise NotAPicture(TOO_LARGE)
    kind, size = measure(data)
    stem, dot, suffix = name.rpartition(".")
    if dot + suffix not in SUFFIXES[kind]:
        raise NotAPicture(f"is a {kind.upper()} by its content: name it {stem}{SUFFIXES[kind][0]}")
    if not (0 < size[0] <= SIDE and 0 < size[1] <= SIDE):
        raise NotAPicture(f"measures {size[0]} × {size[1]} pixels: {SIDE} a side is the most")
    return Picture(name, data, *size)


def measure(data: bytes) -> tuple[str, tuple[int, int]]:
    """The kind ("jpeg", "png", "webp") of a picture, and its width and height in pixels, from its header."""
    try:
        if data.startswith(b"\xff\xd8\xff"):
            return "jpeg", _jpeg(data)
        if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR":
            return "png", struct.unpack(">II", data[16:24])
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return "webp", _webp(data)
    except (struct.error, IndexError):
        raise NotAPicture("is a broken picture: its header ends too early") from None
    raise NotAPicture("is no JPEG, PNG or WebP picture")


def sized(name: str) -> tuple[int, int] | None:
    """Width and height of a picture, if its name says them."""
    found = SIZED.fullmatch(name)
    return (int(found["width"]), int(found["height"])) if found else None


def smaller(name: str) -> list[tuple[int, str]]:
    """The smaller ones beside a picture, each by its width and name."""
    size, (stem, dot, suffix) = sized(name), name.rpartition(".")
    return [(width, f"{stem}.w{width}{dot}{suffix}") for width in NARROW if size and width < size[0]]


def whole(name: str) -> str:
    """The name of the picture that one of this name is a smaller one of; its own if it is none."""
    found = SMALL.fullmatch(name)
    return found[1] + found[2] if found and sized(found[1] + found[2]) else name


def srcset(name: str, folder: str = "/pictures/") -> str:
    """A picture and its smaller ones as a browser chooses among them; "" if it has none."""
    size, narrow = sized(name), smaller(name)
    all_of_it = [*narrow, (size[0], name)] if size and narrow else []
    return ", ".join(f"{folder}{called} {width}w" for width, called in all_of_it)


def put(picture: Picture, folder: Path) -> None:
    """Write the picture into the folder; who reads meanwhile gets the old or the new one, never a half."""
    target = folder / picture.name
    if target.is_file() and target.read_bytes() == picture.data:
        return
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=folder, prefix=".new-")
    with os.fdopen(handle, "wb") as file:
        file.write(picture.data)
    Path(name).chmod(0o644)
    Path(name).replace(target)


def _jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    while data[at] == 0xFF:
        code = data[at + 1]
        if code in FRAMES:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    raise NotAPicture("is a broken JPEG: it has no frame")


def _webp(data: bytes) -> tuple[int, int]:
    if len(data) < 30:
        raise IndexError
    match data[12:16]:
        case b"VP8X":
            return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
        case b"VP8L":
            bits = struct.unpack("<I", data[21:25])[0]
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            width, height = struct.unpack("<HH", data[26:30])
            return width & 0x3FFF, height & 0x3FFF
    raise NotAPicture("is a broken WebP: its first part is unknown")
