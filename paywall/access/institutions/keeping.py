"""Institutions written down: their terms, domains and ranges, none of which two may have at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from paywall.access.institutions import domains as known_domains
from paywall.access.institutions.models import Institution, InstitutionDomain, InstitutionRange
from paywall.access.institutions.ranges import Range
from paywall.access.institutions.reading import MOST
from paywall.accounts import addresses, trail
from paywall.db import db
from paywall.errors import BadInput, Conflict, NotFound
from paywall.membership.models import Plan


@dataclass(frozen=True, slots=True)
class Term:
    """From when, and until just before when, an institution reads (aware UTC)."""

    since: datetime
    until: datetime


def add(slug: str, name: str, term: Term, plan: str | None, *, reason: str = "") -> Institution:
    """Write down a new institution; the caller commits. Raises BadInput, Conflict, NotFound."""
    if db.session.scalar(select(Institution.id).where(Institution.slug == slug)):
        raise Conflict(f"There is an institution {slug} already: change it.")
    one = Institution(slug=slug, name=name, plan_id=_plan_id(plan))
    _set_term(one, term)
    db.session.add(one)
    db.session.flush()
    _note("institution added", one, None, reason)
    return one


def change(
    slug: str, *, name: str | None, term: Term | None, plan: str | None, reason: str = ""
) -> Institution:
    """Change what is not None; a plan "" takes the plan away. The caller commits."""
    one = _changing(slug)
    before = _said(one)
    one.name = name or one.name
    if plan is not None:
        one.plan_id = _plan_id(plan or None)
    if term:
        _set_term(one, term)
        for row in one.ranges:
            _refuse_taken_range(one, row.range)
        for domain in one.domains:
            _refuse_taken_domain(one, domain.domain)
    _note("institution changed", one, before, reason)
    return one


def end(slug: str, at: datetime, *, reason: str = "") -> Institution:
    """End an institution at an instant, if it does not end before; the caller commits."""
    one = _changing(slug)
    before = _said(one)
    one.ends_at = min(one.ends_at, at)
    one.starts_at = min(one.starts_at, one.ends_at)
    _note("institution ended", one, before, reason)
    return one


def add_ranges(
    slug: str, texts: Iterable[str], *, may_be_private: bool = False, reason: str = ""
) -> Institution:
    """Let an institution read from some networks; the caller commits. Raises BadInput, Conflict."""
    one = _changing(slug)
    before = _said(one)
    for text in texts:
        new = Range.read(text)
        if new.is_private and not may_be_private:
            raise BadInput(f"{new} is private: behind a proxy every visitor may seem to come from it.")
        if any(row.range.holds(new) for row in one.ranges):
            continue
        _refuse_taken_range(one, new)
        first, last = new.ends
        one.ranges.append(InstitutionRange(first=str(first), last=str(last)))
        _refuse_too_many(InstitutionRange)
    _note("institution changed", one, before, reason)
    return one


def remove_ranges(slug: str, texts: Iterable[str], *, reason: str = "") -> Institution:
    """Take ranges back, as they were added; the caller commits. Raises BadInput, NotFound."""
    one = _changing(slug)
    before = _said(one)
    for text in texts:
        gone = [row for row in one.ranges if row.range == Range.read(text)]
        if not gone:
            raise NotFound(f"{one.name} has no range {text}.")
        one.ranges.remove(gone[0])
    _note("institution changed", one, before, reason)
    return one


def add_domains(
    slug: str, names: Iterable[str], *, with_subdomains: bool = False, reason: str = ""
) -> Institution:
    """Let who has an address at some domains read; the caller commits. Raises BadInput, Conflict."""
    one = _changing(slug)
    before = _said(one)
    for name in names:
        domain = _spelled(name)
        known_domains.refuse_public(domain)
        _refuse_taken_domain(one, domain)
        row = next((row for row in one.domains if row.domain == domain), None)
        if row is None:
            one.domains.append(row := InstitutionDomain(domain=domain))
        row.with_subdomains = with_subdomains
        _refuse_too_many(InstitutionDomain)
    _note("institution changed", one, before, reason)
    return one


def remove_domains(slug: str, names: Iterable[str], *, reason: str = "") -> Institution:
    """Take domains back; the caller commits. Raises BadInput, NotFound."""
    one = _changing(slug)
    before = _said(one)
    for name in names:
        gone = [row for row in one.domains if row.domain == _spelled(name)]
        if not gone:
            raise NotFound(f"{one.name} has no domain {name}.")
        one.domains.remove(gone[0])
    _note("institution changed", one, before, reason)
    return one


def find(slug: str) -> Institution:
    """The institution; raises NotFound."""
    found = db.session.scalar(select(Institution).where(Institution.slug == slug))
    if found is None:
        raise NotFound(f"There is no institution {slug}.")
    return found


def _note(act: str, one: Institution, before: dict[str, object] | None, reason: str) -> None:
    trail.note(act, f"institution {one.slug}", before=before, after=_said(one), reason=reason)


def _said(one: Institution) -> dict[str, object]:
    """What staff say of an institution."""
    return {
        "name": one.name,
        "from": one.starts_at,
        "until": one.ends_at,
        "plan": one.plan_id,
        "networks": ", ".join(sorted(str(row.range) for row in one.ranges)),
        "domains": ", ".join(
            sorted(f"{row.domain}{' and below' if row.with_subdomains else ''}" for row in one.domains)
        ),
    }


def _changing(slug: str) -> Institution:
    """The same, with all institutions held until the commit: of two changes at once one sees the other."""
    db.session.execute(select(Institution.id).order_by(Institution.id).with_for_update())
    one = find(slug)
    one.changes += 1
    return one


def _set_term(one: Institution, term: Term) -> None:
    if term.until <= term.since:
        raise BadInput("The last day must not be before the first.")
    one.starts_at, one.ends_at = term.since, term.until


def _plan_id(slug: str | None) -> int | None:
    if slug is None:
        return None
    found = db.session.scalar(select(Plan.id).where(Plan.slug == slug))
    if found is None:
        raise NotFound(f"There is no plan {slug}.")
    return found


def _refuse_taken_range(one: Institution, new: Range) -> None:
    for other in _others(one):
        for row in other.ranges:
            if row.range.overlaps(new):
                raise Conflict(f"{new} overlaps {row.range} of {other.name} ({other.slug}).")


def _refuse_taken_domain(one: Institution, domain: str) -> None:
    for other in _others(one):
        if any(row.domain == domain for row in other.domains):
            raise Conflict(f"{domain} belongs to {other.name} ({other.slug}).")


def _others(one: Institution) -> list[Institution]:
    found = db.session.scalars(select(Institution).where(Institution.id != one.id))
    return [other for other in found if other.overlaps(one)]


def _refuse_too_many(kind: type[InstitutionDomain | InstitutionRange]) -> None:
    db.session.flush()
    if (db.session.scalar(select(func.count()).select_from(kind)) or 0) > MOST:
        raise Conflict(f"There are {MOST} already: take back those of institutions that have ended.")


def _spelled(name: str) -> str:
    whole = addresses.normalise(f"x@{name.strip().removeprefix('@')}")
    if whole is None:
        raise BadInput(f"{name!r} is no domain: write it like library.example.org.")
    return whole.rpartition("@")[2]
