"""Who comes with a request, what the door says to them, and what the answer must carry."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.http import dump_cookie, parse_cookie

from paywall.access import free_reads, meter
from paywall.access.decision import TEASER_IN_DOUBT, Decision, Gate, Reason, Visitor, decide
from paywall.access.meter import Allowance, Cookies, Read
from paywall.access.visitors import NOBODY, Known, Readers
from paywall.accounts.sessions import SessionFacts

Sessions = Callable[[Mapping[str, Any]], SessionFacts]
PREFETCH = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_MOZ")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Arrival:
    """The decision for one request, and how its answer goes out.

    `gate` is the one that stood. `is_shared`: any visitor would get the same, so a cache may hold it for all.
    `headers` belong to this answer alone. `must_ask_again`: a browser that looks
    ahead; nothing was spent, and it gets nothing.
    """

    decision: Decision
    gate: Gate
    signed_in: bool
    has_flashes: bool = False
    is_shared: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    must_ask_again: bool = False


class Arrivals:
    """Finds out who is there, asks `decide`, and counts a free read where that is what opens the page."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        reading: Callable[[], Engine],
        writing: Callable[[], Engine],
        allowance: Allowance,
        cookies: Cookies,
        secure: bool,
    ) -> None:
        self._sessions = sessions
        self._reading = reading
        self._writing = writing
        self._allowance = allowance
        self._cookies = cookies
        self._secure = secure
        self._readers = Readers(allowance)

    def decide(self, environ: Mapping[str, Any], gate: Gate, key: str, now: datetime) -> Arrival:
        """What is shown of the page named `key` behind `gate` to whoever sent this request."""
        session = self._sessions(environ)
        stands = gate.at(now)
        known = self._known(session, key, now) if session.uniquifier is not None else None
        reads: tuple[Read, ...] | None = ()
        if known is None and self._allowance.visitor and stands.takes_free_reads:
            reads = self._cookies.read(parse_cookie(environ.get("HTTP_COOKIE")).get(meter.COOKIE))
        visitor = known.visitor if known else self._stranger(stands, key, reads, now)
        decision = decide(gate, visitor, now)
        arrival = Arrival(
            decision,
            stands,
            signed_in=known is not None,
            has_flashes=session.has_flashes,
            is_shared=known is None and visitor == NOBODY,
        )
        if decision.reason is Reason.METERED and visitor.meter and not visitor.meter.has_read:
            return self._spend(arrival, environ, visitor, key, reads or (), now)
        return arrival

    def _known(self, session: SessionFacts, key: str, now: datetime) -> Known | None:
        assert session.uniquifier is not None
        try:
            with self._reading().connect() as connection:
                return self._readers.by_session(connection, session.uniquifier, key, now)
        except SQLAlchemyError:
            log.exception("visitor_unknown")
            return None

    def _stranger(self, gate: Gate, key: str, reads: tuple[Read, ...] | None, now: datetime) -> Visitor:
        allowed = self._allowance.visitor
        if not allowed or not gate.takes_free_reads:
            return NOBODY
        if reads is None:
            return replace(NOBODY, meter=meter.SPENT)
        since = self._allowance.since(now)
        return replace(NOBODY, meter=meter.count(reads, key, allowed=allowed, since=since))

    def _spend(
        self,
        arrival: Arrival,
        environ: Mapping[str, Any],
        visitor: Visitor,
        key: str,
        reads: tuple[Read, ...],
        now: datetime,
    ) -> Arrival:
        if environ["REQUEST_METHOD"] == "HEAD":
            return arrival
        if any("prefetch" in environ.get(name, "") for name in PREFETCH):
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
        value = self._cookies.write((*others, Read(key, now)), self._allowance.since(now))
        return dump_cookie(
            meter.COOKIE,
            value,
            max_age=self._allowance.longest,
            httponly=True,
            secure=self._secure,
            samesite="Lax",
        )
