"""The engines' lists of addresses: fetched once a day, checked, and kept; the last good one stays."""

import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests
import structlog
from flask import current_app

from paywall import clock, jobs
from paywall.access.crawlers.engines import BY_NAME
from paywall.access.crawlers.ranges import BrokenList, Ranges, parse
from paywall.config import Settings
from paywall.errors import WrongSetting

FOLDER = "crawlers"
DAY = timedelta(days=1)
# An engine gives addresses back in time: one that was theirs a season ago may be anybody's today.
OLDEST = timedelta(days=60)
SECONDS = 20.0
SILENCE = 5.0
SIZE = 1_000_000
PIECE = 16_384

Fetch = Callable[[str], bytes]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Kept:
    """A list that we hold, and when it was fetched."""

    ranges: Ranges
    fetched_at: datetime


def wanted(setting: str) -> dict[str, str]:
    """The addresses of the lists by engine, out of "google=https://...,bing=https://..."; empty is none."""
    pairs = (part.partition("=") for part in re.split(r"[,\s]+", setting) if part)
    found = {name: url for name, _, url in pairs}
    if unknown := sorted(found.keys() - BY_NAME.keys()):
        raise WrongSetting(
            f"PAYWALL_CRAWLER_LISTS: {unknown[0]} is no engine that we know: {', '.join(BY_NAME)}"
        )
    return found


def folder(settings: Settings) -> Path:
    """Where the lists are kept."""
    return settings.data_dir / FOLDER


def kept(place: Path, name: str, now: datetime) -> Kept | None:
    """The list of an engine that is kept in a folder; None if there is none, or none to rely on any more."""
    path = place / f"{name}.json"
    try:
        fetched_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        return Kept(parse(path.read_bytes()), fetched_at) if now - fetched_at < OLDEST else None
    except FileNotFoundError:
        return None
    except (OSError, BrokenList) as failure:
        log.warning("crawler_list_unreadable", list=name, why=str(failure))
        return None


def fetch(url: str, *, seconds: float = SECONDS, silence: float = SILENCE, size: int = SIZE) -> bytes:
    """What is at an address, within a time and a size; raises BrokenList. Redirects are not followed."""
    try:
        return _download(url, time.monotonic() + seconds, silence, size)
    except BrokenList:
        raise
    except Exception as failure:
        # Whatever a network or a stranger's server can do wrong comes to the same.
        raise BrokenList(f"it did not come ({type(failure).__name__})") from None


def refresh(place: Path, urls: dict[str, str], now: datetime, fetch: Fetch = fetch) -> list[str]:
    """Fetch the lists that are not of today, and put each in its place if it is one; the names of the new."""
    done = []
    for name, url in urls.items():
        held = kept(place, name, now)
        if held is not None and now - held.fetched_at < DAY:
            continue
        try:
            text = fetch(url)
            parse(text)
        except BrokenList as failure:
            log.warning("crawler_list_refused", list=name, why=str(failure))
            continue
        _put(place / f"{name}.json", text)
        done.append(name)
    return done


@jobs.every(minute="41")
def keep_fresh() -> None:
    """Hourly, so that a list that did not come is asked for again soon; one that came, on the next day."""
    settings: Settings = current_app.extensions["settings"]
    if settings.crawlers == "full":
        refresh(folder(settings), wanted(settings.crawler_lists), clock.wall())


def _download(url: str, ends: float, silence: float, size: int) -> bytes:
    plain = {"Accept-Encoding": "identity"}
    with requests.get(url, stream=True, timeout=silence, allow_redirects=False, headers=plain) as answer:
        if answer.status_code != requests.codes.ok:
            raise BrokenList(f"it was answered {answer.status_code}")
        body = b""
        # read1 gives what is there: who sends a byte a second cannot hold us for longer than we want.
        while piece := answer.raw.read1(PIECE):
            body += piece
            if len(body) > size:
                raise BrokenList(f"it is longer than {size} bytes")
            if time.monotonic() > ends:
                raise BrokenList("it took too long")
        return body


def _put(path: Path, text: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new-", delete=False) as new:
        new.write(text)
    # The web processes read it, and may run under another account than the worker.
    Path(new.name).chmod(0o644)
    Path(new.name).replace(path)
