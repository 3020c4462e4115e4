"""Requests to the site as they are written, and their answers as they come."""

import gzip
import html
import http.client
import re
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.test import Client

TIMEOUT = 30
PARAMETER = re.compile(r"<(?:(?P<kind>\w+)(?:\([^)]*\))?:)?(?P<name>\w+)>")


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: its path is sent as it stands, with its query. `what` names the trick for the report."""

    what: str
    path: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = field(default=())
    body: bytes = b""

    def plus(self, name: str, value: str) -> "Ask":
        """The same request with one more header."""
        return replace(self, headers=(*self.headers, (name, value)))

    def by(self, cookie: str) -> "Ask":
        """The same request from whoever has this cookie; "" is nobody. One that has a cookie keeps it."""
        return self if self.has_cookie or not cookie else self.plus("Cookie", cookie)

    @property
    def has_cookie(self) -> bool:
        """Whether it brings one already."""
        return any(name == "Cookie" for name, _ in self.headers)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response: its status, its headers and its body as they came."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """A header's value; "" if it has none."""
        return next((value for known, value in self.headers if known.lower() == name.lower()), "")


Send = Callable[[Ask], Answer]


def in_process(app: Flask) -> Send:
    """Ask the app itself, without a server: in another thread, where no context of ours is at hand."""
    client = Client(app, use_cookies=False)
    thread = ThreadPoolExecutor(1)

    def ask_app(ask: Ask) -> Answer:
        path, _, query = ask.path.partition("?")
        answer = client.open(
            path=path,
            query_string=query,
            method=ask.method,
            headers=list(ask.headers),
            data=ask.body,
            base_url=_base(app),
        )
        with answer:
            return Answer(answer.status_code, tuple(answer.headers.items()), answer.get_data())

    return lambda ask: thread.submit(ask_app, ask).result()


def over_http(base: str) -> Send:
    """Ask a running site at `base` (scheme and host), with paths as they are written."""
    address = urlsplit(base)
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection

    def send(ask: Ask) -> Answer:
        line = kind(address.netloc, timeout=TIMEOUT)
        try:
            line.putrequest(ask.method, ask.path, skip_accept_encoding=True)
            for name, value in ask.headers:
                line.putheader(name, value)
            if ask.body:
                line.putheader("Content-Length", str(len(ask.body)))
            line.endheaders(ask.body or None)
            answer = line.getresponse()
            return Answer(answer.status, tuple(answer.getheaders()), answer.read())
        finally:
            line.close()

    return send


def rules_of(app: Flask) -> list[tuple[str, frozenset[str]]]:
    """Every route of the app with its methods."""
    return [(rule.rule, frozenset(rule.methods or ())) for rule in app.url_map.iter_rules()]


def filled(rule: str, slug: str, section: str) -> str:
    """A rule's path, with the article wherever a word fits."""

    def value(found: re.Match[str]) -> str:
        if found["kind"] in {"int", "float"}:
            return "1"
        return section if "/section" in rule and found["name"] == "slug" else slug

    return PARAMETER.sub(value, rule)


def holds(answer: Answer, word: str) -> bool:
    """Whether the word is anywhere in the answer, packed or not."""
    said = "\n".join(f"{name}: {value}" for name, value in answer.headers)
    return any(word in text for text in (said, *_texts(answer.body)))


def _texts(body: bytes) -> Iterator[str]:
    for unpack in (bytes, gzip.decompress, zlib.decompress, _deflated):
        try:
            text = unpack(body).decode("utf-8", "replace")
        except (OSError, EOFError, zlib.error):
            continue
        yield text
        yield html.unescape(text)


def _deflated(body: bytes) -> bytes:
    return zlib.decompress(body, -zlib.MAX_WBITS)


def _base(app: Flask) -> str:
    return str(app.extensions["settings"].site_url)
