"""Asks for every canary in every way and by everyone, and says where one came out."""

import gzip
import html
import http.client
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.test import Client

from paywall.office.leaks import tricks
from paywall.office.leaks.canaries import READER, STAFF, STRANGER, Canary, Planted
from paywall.office.leaks.tricks import Ask

TIMEOUT = 30
DEEP = ("patrons", "draft")
STAFFS_TAG = "the tag of staff's page"


@dataclass(frozen=True, slots=True)
class Answer:
    """A response: its status, its headers and its body as they came."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """A header's value; "" if it has none."""
        return next((value for known, value in self.headers if known.lower() == name.lower()), "")


@dataclass(frozen=True, slots=True)
class Leak:
    """What came out, to whom, and by which request."""

    canary: Canary
    who: str
    ask: Ask

    def __str__(self) -> str:
        headers = "".join(f" [{name}: {value}]" for name, value in self.ask.headers)
        return f"{self.canary.kind}: {self.ask.what}: {self.who} {self.ask.method} {self.ask.path}{headers}"


@dataclass(slots=True)
class Count:
    """How much was asked, and how many canaries staff could read: of others nothing is proven.

    Neither is it of requests that the rate limits refused, `limited`.
    """

    asked: int = 0
    limited: int = 0
    open_to_staff: int = 0


Send = Callable[[Ask], Answer]


def hunt(
    planted: Planted, rules: Sequence[tuple[str, frozenset[str]]], send: Send, count: Count
) -> Iterator[Leak]:
    """Ask for every canary plainly; for one that is out and one that is not in every way and by every route.

    Staff have seen each page before, so that what is kept for them could go astray.
    """
    for canary in planted.canaries:
        asks = [Ask("plainly", canary.path)]
        if tag := _fill_caches(planted, canary, send, count):
            asks.append(Ask(STAFFS_TAG, canary.path, headers=(("If-None-Match", tag),)))
        if canary.kind in DEEP:
            asks += tricks.article(canary.path, canary.slug, canary.asked)
            asks += tricks.routes(rules, canary.slug, planted.section, canary.asked)
        for who in (STRANGER, READER):
            for ask in asks:
                answer = send(_as(planted, who, ask))
                count.asked += 1
                count.limited += answer.status == 429
                if not canary.is_for(who) and _comes_out(canary, ask, answer):
                    yield Leak(canary, who, ask)


def in_process(app: Flask) -> Send:
    """Ask the app itself, without a server: in another thread, where no context of ours is at hand."""
    client = Client(app, use_cookies=False)
    thread = ThreadPoolExecutor(1)

    def ask_app(ask: Ask) -> Answer:
        path, _, query = ask.path.partition("?")
        answer = client.open(
            path=path, query_string=query, method=ask.method, headers=list(ask.headers), base_url=_base(app)
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
            line.endheaders()
            answer = line.getresponse()
            return Answer(answer.status, tuple(answer.getheaders()), answer.read())
        finally:
            line.close()

    return send


def rules_of(app: Flask) -> list[tuple[str, frozenset[str]]]:
    """Every route of the app with its methods."""
    return [(rule.rule, frozenset(rule.methods or ())) for rule in app.url_map.iter_rules()]


def _fill_caches(planted: Planted, canary: Canary, send: Send, count: Count) -> str:
    """Let staff read the page; its tag."""
    answer = send(_as(planted, STAFF, Ask("staff", canary.path)))
    count.open_to_staff += _holds(answer, canary.word)
    return answer.header("ETag")


def _comes_out(canary: Canary, ask: Ask, answer: Answer) -> bool:
    is_staffs = answer.status == 304 and ask.what == STAFFS_TAG
    return is_staffs or _holds(answer, canary.word)


def _as(planted: Planted, who: str, ask: Ask) -> Ask:
    cookie = planted.cookies[who]
    if not cookie or any(name == "Cookie" for name, _ in ask.headers):
        return ask
    return Ask(ask.what, ask.path, ask.method, (*ask.headers, ("Cookie", cookie)))


def _holds(answer: Answer, word: str) -> bool:
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
