"""The guard: WSGI middleware before a site that knows nothing of us; it cuts what is not to be shown."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit

from werkzeug.test import run_wsgi_app

from paywall import clock, metrics
from paywall.access import variants
from paywall.access.answers import Answer, TooLarge, Unreadable
from paywall.access.arrivals import Arrival
from paywall.access.decision import Decision, Gate, Level, Show
from paywall.access.errand import Errand
from paywall.access.marked import Marks, Said, cut, said
from paywall.access.middleware import ARRIVAL, ask_again
from paywall.access.pages import Page, PageStore
from paywall.access.patterns import Asked, Rules

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Prices stand in an offer: for so long they may be yesterday's.
FRESH = timedelta(minutes=5)
PAGES = frozenset({"text/html", ""})
# What a page is dressed with; no article is in it.
DRESS = re.compile(r"(?:image|font)/|(?:text/css|(?:text|application)/(?:x-)?javascript)$")
COPY_KINDS = re.compile(r"application/(?:(?:.*\+)?json|(?:rss|atom|rdf|xhtml)\+xml)$")
NOTHING = Said(gate="", canonical="", title="", is_marked=False, is_amp=False)

Decider = Callable[["WSGIEnvironment", Gate, str], Arrival]
Noted = Callable[["WSGIEnvironment", Arrival, str], Arrival]


@dataclass(frozen=True, slots=True)
class Denied:
    """What is denied, for the offer in its place: `here` leads back to it; words are 0 if not known."""

    gate: Gate
    decision: Decision
    here: str
    title: str = ""
    words: int = 0
    words_left: int = 0


class Faces(Protocol):
    """What we show of ourselves in front of a site."""

    def offer(self, environ: "WSGIEnvironment", denied: Denied) -> str:
        """The offer as a piece of HTML for another's page."""

    def locked(self, environ: "WSGIEnvironment", denied: Denied, status: int) -> "WSGIApplication":
        """A page of ours in place of one that we cannot cut."""

    def error(self, environ: "WSGIEnvironment", status: int) -> "WSGIApplication":
        """A page that says what went wrong."""


class Guard:
    """Asks `site` for each request, and `decider` (environ, gate, key) once for each page that has a gate.

    `noted` (environ, arrival, key) is told who came to such a page, and may add to the answer's headers.

    A path that the rules call public is not looked at. Else a page's gate is what its own head says, or that
    of the first pattern for its path or its canonical address, or `rules.marked` if a part of it is marked or
    if it cannot be read. `limit`: so many bytes of a page are looked at.
    """

    def __init__(
        self,
        site: "WSGIApplication",
        *,
        rules: Rules,
        marks: Marks,
        decider: Decider,
        noted: Noted,
        faces: Faces,
        store: PageStore,
        limit: int,
    ) -> None:
        self._site, self._rules, self._marks = site, rules, marks
        self._decider, self._noted = decider, noted
        self._faces, self._store, self._limit = faces, store, limit

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        environ[metrics.ENDPOINT] = "site"
        errand = Errand.of(environ)
        if not errand.is_plain:
            return self._faces.error(environ, 400)(environ, start_response)
        listed = self._rules.gate(errand.asked)
        if self._rules.is_copy(errand.asked):
            return self._copy(errand, listed or self._rules.marked, start_response)
        is_free = listed is not None and listed.level is Level.PUBLIC
        answer = self._ask(errand, as_given=is_free or (listed is None and errand.is_file))
        try:
            if is_free or variants.is_bodiless(answer):
                return variants.untouched(errand, answer, start_response)
            return self._judge(errand, answer, listed, start_response)
        except BaseException:
            answer.close()
            raise

    def _ask(self, errand: Errand, *, as_given: bool) -> Answer:
        chunks, status, headers = run_wsgi_app(self._site, errand.for_site(as_given=as_given))
        return Answer(status, headers, chunks, limit=self._limit)

    def _copy(self, errand: Errand, gate: Gate, start_response: "StartResponse") -> Iterable[bytes]:
        """A feed, JSON or AMP: whole or not at all, never as a free read, and not asked for if it is not."""
        arrival = self._decide(errand, replace(gate, is_metered=False), errand.key())
        if arrival.decision.show is Show.TEASER:
            return self._withheld(errand, Denied(gate, arrival.decision, errand.here), start_response)
        return variants.full(errand, self._ask(errand, as_given=False), arrival, start_response)

    def _judge(
        self, errand: Errand, answer: Answer, listed: Gate | None, start_response: "StartResponse"
    ) -> Iterable[bytes]:
        gate, about = self._gate(errand.asked, answer, listed)
        if gate is None:
            return variants.untouched(errand, answer, start_response)
        key = errand.key(_canonical(about))
        arrival = self._decide(errand, gate, key)
        if answer.code < 300:
            arrival = self._noted(errand.environ, arrival, key)
        if arrival.decision.show is Show.FULL and not arrival.must_ask_again:
            return variants.full(errand, answer, arrival, start_response)
        try:
            if arrival.must_ask_again:
                return ask_again(start_response)
            denied = Denied(gate, arrival.decision, errand.here, about.title)
            return self._teaser(errand, answer, denied, arrival, start_response)
        finally:
            answer.close()

    def _gate(self, asked: Asked, answer: Answer, listed: Gate | None) -> tuple[Gate | None, Said]:
        """The gate of an answer, read no further than its head if that is enough; doubt is a gate."""
        if answer.kind not in PAGES:
            return self._gate_of_file(answer.kind, asked, listed), NOTHING
        about = NOTHING
        try:
            about = said(answer.beginning(), self._marks)
            gate = self._stated(about, listed)
            if gate is not None:
                return gate, about
            about = said(answer.text(), self._marks)
        except (Unreadable, TooLarge):
            return listed or self._rules.marked, about
        is_copy = about.is_amp and _canonical(about) not in {None, Asked(asked.path)}
        return self._stated(about, None) or (
            self._rules.marked if about.is_marked or is_copy else None
        ), about

    def _gate_of_file(self, kind: str, asked: Asked, listed: Gate | None) -> Gate | None:
        if DRESS.match(kind):
            return None
        is_copy = COPY_KINDS.match(kind) and not self._rules.is_opened(asked)
        return listed or (self._rules.marked if is_copy else None)

    def _stated(self, about: Said, listed: Gate | None) -> Gate | None:
        if about.gate:
            return Gate.parse(about.gate)
        canonical = _canonical(about)
        return listed or (self._rules.gate(canonical) if canonical else None)

    def _decide(self, errand: Errand, gate: Gate, key: str) -> Arrival:
        arrival = self._decider(errand.environ, gate, key)
        errand.environ[ARRIVAL] = arrival
        metrics.decided(arrival.decision.show, arrival.decision.reason)
        return arrival

    def _teaser(
        self,
        errand: Errand,
        answer: Answer,
        denied: Denied,
        arrival: Arrival,
        start_response: "StartResponse",
    ) -> Iterable[bytes]:
        if answer.kind not in PAGES:
            return self._withheld(errand, denied, start_response)
        status = answer.code if answer.code >= 400 else 200
        try:
            page = self._cut(errand, answer.text(), denied, signed_in=arrival.signed_in)
        except TooLarge:
            page = None
        except Unreadable:
            page, status = None, 502
        if page is None:
            return self._faces.locked(errand.environ, denied, status)(errand.environ, start_response)
        return variants.teaser(errand, answer, page, arrival, start_response)

    def _cut(self, errand: Errand, text: str, denied: Denied, *, signed_in: bool) -> Page | None:
        """The page without its gated part, from the store if the site still sends the very same one."""
        slot = clock.now().timestamp() // FRESH.total_seconds()
        key = (blake2b(text.encode()).digest(), denied, signed_in, slot)
        if (page := self._store.get(key)) is not None:
            return page
        found = cut(text, self._marks)
        if found is None:
            return None
        counted = Denied(
            denied.gate, denied.decision, denied.here, denied.title, found.words, found.words_left
        )
        html = found.before + self._faces.offer(errand.environ, counted) + found.after
        page = Page.of("200 OK", (), html.encode())
        # Even if it is personal: only who is sent the very same page by the site is given it.
        self._store.put(key, page)
        return page

    def _withheld(self, errand: Errand, denied: Denied, start_response: "StartResponse") -> Iterable[bytes]:
        """What cannot be shown in part: a person is told why, a program that there is nothing."""
        if errand.wants_page:
            return self._faces.locked(errand.environ, denied, 200)(errand.environ, start_response)
        return self._faces.error(errand.environ, 404)(errand.environ, start_response)


def _canonical(about: Said) -> Asked | None:
    try:
        parts = urlsplit(about.canonical)
    except ValueError:
        return None
    return Asked.of(unquote(parts.path) or "/", parts.query) if about.canonical else None
