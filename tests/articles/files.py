"""Articles as files and as rows, for tests."""

import struct
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from paywall import clock
from paywall.articles.models import Article, Section
from paywall.articles.render import render
from paywall.db import db

SECRET = "The pearl lies under the third stair."
TEASER = "Everybody knows the house."
BODY = f"{TEASER}\n\n<!-- more -->\n\n{SECRET}\n"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
USUAL = {
    "slug": "the-house",
    "title": "The house",
    "standfirst": "On a hill.",
    "byline": "Ada Writer",
    "section": "City",
    "gate": "patrons",
    "published_at": "2026-11-20T06:00:00Z",
}


def write(folder: Path, name: str = "house.md", body: str = "", **keys: Any) -> Path:
    """An article's file: the usual keys, changed or (with None) left out."""
    front = "".join(f"{key}: {value}\n" for key, value in (USUAL | keys).items() if value is not None)
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"---\n{front}---\n{body or BODY}", encoding="utf-8")
    return path


def publish(slug: str = "the-house", *, gate: str = "patrons", section: str = "City", **given: Any) -> None:
    """An article's row, rendered and committed; inside an application context."""
    found = db.session.scalar(select(Section).where(Section.name == section))
    known = found or Section(slug=section.lower(), name=section, position=1)
    usual = {
        "title": f"Title of {slug}",
        "standfirst": f"Standfirst of {slug}.",
        "byline": "Ada Writer",
        "body": BODY,
        "published_at": clock.now() - timedelta(hours=1),
    }
    article = Article(slug=slug, gate=gate, section=known, **(usual | given))
    render(article, words=80)
    db.session.add(article)
    db.session.commit()


def png(width: int = 3, height: int = 2) -> bytes:
    """A whole PNG picture."""

    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(b"".join(b"\0" + b"\x80" * width for _ in range(height)))
    head = part(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + part(b"IDAT", rows) + part(b"IEND", b"")
