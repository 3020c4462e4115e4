"""Who comes with a request, what the door says to them, and what the answer must carry."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.http import dump_cookie

from paywall import clock
from paywall.access import free_reads, meter, tally
from paywall.access.crawlers import Crawlers
from paywall.access.decision import TEASER_IN_DOUBT, Decision, Gate, Level, Reason, Visitor, decide
from paywall.access.gift_links import opening
from paywall.access.gift_links.opening import GiftLinks, Opening
from paywall.access.institutions.reading import Institutions, Reading
from paywall.access.meter import Allowance, Cookies, Read
from paywall.access.visitors import NOBODY, Known, Readers
from paywall.accounts.sessions import SessionFacts, cookie_in
from paywall.questions import Lines

# Stands for a cookie's value in a header that is made once.
VALUE = "VALUE"

Sessions = Callable[[Mapping[str, Any]], SessionFacts]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Passes:
    """What may open a page besides a membership."""

    gift_links: GiftLinks
    institutions: Institutions
    crawlers: Crawlers


@dataclass(frozen=True, slots=True)
class Arrival:
    """The decision for one request, and how its answer goes out.

    `gate` is the one that stood. `is_shared`: any visitor would get the same, so a cache may hold it for all.
    `has_flashes`: a message waits for this reader. `gift`: what the gift link in the address is worth. With
    either of them the page is nobody else's. `headers` belong to this answer alone. `must_ask_again`: a
    browser that looks ahead; nothing was spent, and it gets nothing.
    """

    decision: Decision
    gate: Gate
    signed_in: bool
    has_flashes: bool = False
    gift: Opening | None = None
    is_shared: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    must_ask_again: bool = False

    @property
    def said(self) -> str:
        """The decision in words, as the answer's X-Paywall."""
        return self.decision.show + "; reason=" + self.decision.reason

    @property
    def is_personal(self) -> bool:
        """Whether the page says something that is for this reader alone."""
        return self.has_flashes or self.gift is not None


class Arrivals:
    """Finds out who is there, asks `decide`, and counts a free read where that is what opens the page."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        lines: Lines,
        writing: Callable[[], Engine],
        allowance: Allowance,
        cookies: Cookies,
        passes: Passes,
        secure: bool,
    ) -> None:
        self._sessions = sessions
        self._lines = lines
        self._writing = writing
        self._allowance = allowance
        self._cookies = cookies
        self._passes = passes
        self._newcomer = Visitor(meter=meter.count((), "", allowed=allowance.visitor, since=meter.EPOCH))
        self._set_cookie = dump_cookie(
            meter.COOKIE,
            VALUE,
            max_age=allowance.longest,
            httponly=True,
            secure=secure,
            samesite="Lax",
            sync_expires=False,
        )
        self._readers = Readers(allowance)

    def decide(self, environ: Mapping[str, Any], gate: Gate, key: str, now: datetime) -> Arrival:
        """What is shown of the page named `key` behind `gate` to whoever sent this request."""
        session, stands = self._sessions(environ), gate.at(now)
        known = self._known(session.uniquifier, key, now) if session.uniquifier is not None else None
        gift = self._gift(environ, key, now)
        through = self._through(environ, stands, known, now)
        reads = self._reads(environ, stands) if known is None else ()
        visitor = known.visitor if known else self._stranger(environ, stands, key, reads, now)
        if known is None and not (gift or through or session.has_flashes):
            # Most of all who come bring nothing, or a count of free reads alone.
            return self._spend(_said(stands, visitor), environ, visitor, key, reads or (), now)
        if gift or through:
            visitor = replace(
                visitor,
                has_gift=gift is not None and gift.is_good,
                institution=through.holding if through else None,
            )
        decision = decide(gate, visitor, now)
        self._count(environ, decision, visitor, gift, through, key, now)
        arrival = Arrival(
            decision,
            stands,
            signed_in=known is not None,
            has_flashes=session.has_flashes,
            gift=gift,
            is_shared=known is None and visitor == NOBODY,
        )
        return self._spend(arrival, environ, visitor, key, reads or (), now)

    def _known(self, uniquifier: str, key: str, now: datetime) -> Known | None:
        try:
            return self._lines.ask(lambda line: self._readers.by_session(line, uniquifier, key, now))
        except SQLAlchemyError:
            log.exception("visitor_unknown")
            return None

    def _gift(self, environ: Mapping[str, Any], key: str, now: datetime) -> Opening | None:
        token = opening.token_in(environ)
        if token is None:
            return None
        try:
            return self._lines.ask(lambda line: self._passes.gift_links.look(line, token, key, now))
        except SQLAlchemyError:
            log.exception("gift_link_unchecked")
            return opening.UNCHECKED

    def _through(
        self, environ: Mapping[str, Any], gate: Gate, known: Known | None, now: datetime
    ) -> Reading | None:
        if gate.level is Level.PUBLIC:
            return None
        address = environ.get("REMOTE_ADDR", "")
        return self._passes.institutions.holding(address, known.email if known else None, now)

    def _reads(self, environ: Mapping[str, Any], gate: Gate) -> tuple[Read, ...] | None:
        if not (self._allowance.visitor and gate.takes_free_reads):
            return ()
        return self._cookies.read(cookie_in(environ, meter.COOKIE))

    def _stranger(
        self,
        environ: Mapping[str, Any],
        gate: Gate,
        key: str,
        reads: tuple[Read, ...] | None,
        now: datetime,
    ) -> Visitor:
        """A visitor with their free reads; of who calls itself a search engine nothing is counted."""
        if gate.level is Level.PUBLIC:
            return NOBODY
        agent = environ.get("HTTP_USER_AGENT", "")
        if self._passes.crawlers.claims(agent):
            is_one = self._passes.crawlers.is_verified(environ.get("REMOTE_ADDR", ""), agent)
            return Visitor(is_crawler=is_one)
        allowed = self._allowance.visitor
        if not allowed or not gate.takes_free_reads:
            return NOBODY
        if reads is None:
            return Visitor(meter=meter.SPENT)
        if not reads:
            return self._newcomer
        since = self._allowance.since(now)
        return Visitor(meter=meter.count(reads, key, allowed=allowed, since=since))

    def _count(
        self,
        environ: Mapping[str, Any],
        decision: Decision,
        visitor: Visitor,
        gift: Opening | None,
        through: Reading | None,
        key: str,
        now: datetime,
    ) -> None:
        if gift:
            self._passes.gift_links.opened(gift, environ, visitor.reader_id)
        if through and decision.reason is Reason.INSTITUTION:
            self._passes.institutions.count(through, key, environ, now)

    def _spend(
        self,
        arrival: Arrival,
        environ: Mapping[str, Any],
        visitor: Visitor,
        key: str,
        reads: tuple[Read, ...],
        now: datetime,
    ) -> Arrival:
        """The same, with a free read counted if it is one that opens the page, and was not before."""
        is_free = arrival.decision.reason is Reason.METERED
        if not is_free or not visitor.meter or visitor.meter.has_read or environ["REQUEST_METHOD"] == "HEAD":
            return arrival
        if tally.is_fetched_ahead(environ):
            return replace(arrival, must_ask_again=True)
        if visitor.reader_id is None:
            return replace(arrival, headers=(("Set-Cookie", self._cookie(reads, key, now)),))
        try:
            with self._writing().begin() as connection:
                is_noted = free_reads.spend(connection, visitor.reader_id, key, self._allowance, now)
        except SQLAlchemyError:
            log.exception("free_read_not_counted")
            return replace(arrival, decision=TEASER_IN_DOUBT)
        if is_noted:
            return arrival
        return replace(arrival, decision=decide(arrival.gate, replace(visitor, meter=meter.SPENT), now))

    def _cookie(self, reads: tuple[Read, ...], key: str, now: datetime) -> str:
        others = (read for read in reads if read.key != key)
        # The first read of all cannot be too old.
        since = self._allowance.since(now) if reads else now
        value = self._cookies.write((*others, Read(key, now)), since)
        return self._set_cookie.replace(VALUE, value)


@lru_cache(maxsize=1000)
def _said(stands: Gate, visitor: Visitor) -> Arrival:
    """To who is not signed in: once it is known what stands and what they hold, time has no more to say."""
    decision = decide(replace(stands, windows=()), visitor, clock.now())
    return Arrival(decision, stands, signed_in=False, is_shared=visitor == NOBODY)
