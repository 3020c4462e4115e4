"""Who reads through which institution at an instant: a table for one term, searched by bisection. Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from paywall.access.institutions import ranges
from paywall.access.institutions.domains import parents
from paywall.access.institutions.ranges import Range
from paywall.membership.rules import Holding


@dataclass(frozen=True, slots=True)
class Term:
    """An institution (its id), what it holds for its readers, and from when."""

    institution: int
    holding: Holding
    since: datetime


@dataclass(frozen=True, slots=True)
class DomainRow:
    """A domain of a term."""

    term: Term
    domain: str
    with_subdomains: bool


@dataclass(frozen=True, slots=True)
class RangeRow:
    """A range of a term."""

    term: Term
    range: Range


class Table:
    """What is in force at an instant, and from `since` to just before `until` (None: without an end)."""

    def __init__(self, domains: Sequence[DomainRow], spans: Sequence[RangeRow], now: datetime) -> None:
        terms = {row.term for row in domains} | {row.term for row in spans}
        turns = sorted({turn for term in terms for turn in (term.since, term.holding.until)})
        self.since = max((turn for turn in turns if turn <= now), default=None)
        self.until = min((turn for turn in turns if turn > now), default=None)
        in_force = {term for term in terms if term.since <= now < term.holding.until}
        named = [row for row in domains if row.term in in_force]
        self._exact = {row.domain: row.term for row in named}
        self._below = {row.domain: row.term for row in named if row.with_subdomains}
        self._spans = _disjoint(row for row in spans if row.term in in_force)
        self._firsts = [(span.version, span.first) for span, _term in self._spans]

    def is_for(self, now: datetime) -> bool:
        """Whether it says what is in force at `now`."""
        return (self.since is None or self.since <= now) and (self.until is None or now < self.until)

    def by_email(self, email: str) -> Term | None:
        """The term that a confirmed address reads by: that of its domain, else of the nearest above."""
        domain = email.rpartition("@")[2]
        above = (self._below[one] for one in parents(domain) if one in self._below)
        return self._exact.get(domain) or next(above, None)

    def by_address(self, address: str) -> Term | None:
        """The term that a network address reads by."""
        known = ranges.number(address) if self._spans else None
        if known is None:
            return None
        place = bisect_right(self._firsts, known) - 1
        if place < 0:
            return None
        span, term = self._spans[place]
        return term if span.version == known[0] and known[1] <= span.last else None


def _disjoint(rows: Iterable[RangeRow]) -> list[tuple[Range, Term]]:
    """Each institution's ranges merged, and all in order: those of two never overlap within a term."""
    of: dict[Term, list[Range]] = {}
    for row in rows:
        of.setdefault(row.term, []).append(row.range)
    return sorted(
        ((span, term) for term, spans in of.items() for span in ranges.merged(spans)), key=lambda one: one[0]
    )
