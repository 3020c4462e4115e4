"""How the newsroom sets the rules of gates, and opens articles to everyone for a time."""

from datetime import datetime

from sqlalchemy import or_, select

from paywall import clock
from paywall.access.decision import Gate, Level
from paywall.accounts import trail
from paywall.articles.models import Article, GateRule, Section, Unlock
from paywall.articles.terms import SLUG, Terms
from paywall.db import db
from paywall.errors import BadInput, Conflict, NotFound
from paywall.membership.models import Plan

TERMS = ("gate", "first_hours", "archive_days", "is_metered")


def rules() -> list[GateRule]:
    """The rules in their order: the first one for an article holds."""
    return list(db.session.scalars(select(GateRule).order_by(GateRule.position, GateRule.id)))


def set_rule(
    terms: Terms,
    *,
    section: str | None = None,
    tag: str | None = None,
    position: int | None = None,
    reason: str = "",
) -> GateRule:
    """Write the rule of a section or a tag (slugs; neither: of all articles), in the place of an earlier one.

    `position` 1 is the first; without it an old rule keeps its place and a new one comes last.
    """
    if section and tag:
        raise BadInput("A rule is for a section or for a tag: give one of them.")
    known = _section(section) if section else None
    rule = _rule_for(known, _tag(tag) if tag else None)
    _check(terms.gate)
    before = _said(rule) if rule.id else None
    for name in TERMS:
        setattr(rule, name, getattr(terms, name))
    _put(rule, position)
    db.session.add(rule)
    db.session.flush()
    trail.note("gate rule set", _covered(rule), before=before, after=_said(rule), reason=reason)
    return rule


def drop_rule(position: int, *, reason: str = "") -> None:
    """Delete a rule: what it was for falls under the rules after it."""
    others = rules()
    if not 1 <= position <= len(others):
        raise NotFound(f"There is no rule {position}.")
    gone = others.pop(position - 1)
    trail.note("gate rule dropped", _covered(gone), before=_said(gone), reason=reason)
    db.session.delete(gone)
    _number(others)


def unlock(
    *,
    until: datetime,
    why: str,
    by: str,
    article: str | None = None,
    tag: str | None = None,
    since: datetime | None = None,
) -> Unlock:
    """Open an article, or all with a tag (slugs), to everyone until an instant (aware UTC)."""
    now = clock.now()
    if bool(article) == bool(tag):
        raise BadInput("Give an article or a tag to unlock.")
    if until <= max(now, since or now):
        raise BadInput("The end must lie ahead, and after the beginning.")
    if not why.strip():
        raise BadInput("Say why: it is shown to the staff beside the unlock.")
    found = _article(article) if article else None
    new = Unlock(
        article=found,
        tag=_tag(tag) if tag else None,
        since=since or now,
        until=until,
        why=why.strip(),
        opened_by=by,
    )
    db.session.add(new)
    db.session.flush()
    trail.note("unlock opened", _opened(new), after={"since": new.since, "until": until}, reason=new.why)
    return new


def unlocks(*, past: bool = False) -> list[Unlock]:
    """Those that are open or will be, and with `past` the others too; the newest first."""
    query = select(Unlock).order_by(Unlock.id.desc())
    if not past:
        now = clock.now()
        query = query.where(Unlock.until > now, or_(Unlock.closed_at.is_(None), Unlock.closed_at > now))
    return list(db.session.scalars(query))


def close(unlock_id: int, *, by: str, reason: str = "") -> Unlock:
    """End an unlock before its time."""
    found = db.session.get(Unlock, unlock_id)
    if found is None:
        raise NotFound(f"There is no unlock {unlock_id}.")
    if found.closed_at or found.until <= clock.now():
        raise Conflict(f"Unlock {unlock_id} is over already.")
    found.closed_at, found.closed_by = clock.now(), by
    trail.note(
        "unlock closed",
        _opened(found),
        before={"until": found.until},
        after={"until": found.closed_at},
        reason=reason,
    )
    return found


def _said(rule: GateRule) -> dict[str, object]:
    return {name: getattr(rule, name) for name in (*TERMS, "position")}


def _covered(rule: GateRule) -> str:
    """What a rule is for."""
    if rule.section is not None:
        return f"section {rule.section.slug}"
    return f"tag {rule.tag}" if rule.tag else "all articles"


def _opened(one: Unlock) -> str:
    return f"article {one.article.slug}" if one.article else f"tag {one.tag}"


def _rule_for(section: Section | None, tag: str | None) -> GateRule:
    section_id = section.id if section else None
    same = GateRule.section_id.is_not_distinct_from(section_id), GateRule.tag.is_not_distinct_from(tag)
    found = db.session.scalar(select(GateRule).where(*same))
    return found or GateRule(section_id=section_id, tag=tag)


def _put(rule: GateRule, position: int | None) -> None:
    """Give the rules the numbers of their order, with this one at `position`."""
    others = [other for other in rules() if other is not rule]
    if position is None:
        position = rule.position or len(others) + 1
    others.insert(position - 1, rule)
    _number(others)


def _number(ordered: list[GateRule]) -> None:
    for number, each in enumerate(ordered, start=1):
        each.position = number


def _check(gate: str) -> None:
    read = Gate.parse(gate or "public")
    if read.level is Level.UNKNOWN:
        raise BadInput(
            f"Gate {gate!r} is unknown: give public, registered, patrons, or plan:<slug>[,<slug>]."
        )
    unknown = read.plans - set(db.session.scalars(select(Plan.slug)))
    if unknown or (read.level is Level.PLAN and not read.plans):
        raise BadInput(f"There is no plan {', '.join(sorted(unknown)) or 'in this gate'}.")


def _section(slug: str) -> Section:
    found = db.session.scalar(select(Section).where(Section.slug == slug))
    if found is None:
        known = ", ".join(db.session.scalars(select(Section.slug).order_by(Section.slug))) or "none yet"
        raise NotFound(f"There is no section {slug!r}; there are: {known}.")
    return found


def _article(slug: str) -> Article:
    found = db.session.scalar(select(Article).where(Article.slug == slug))
    if found is None:
        raise NotFound(f"There is no article {slug!r}.")
    return found


def _tag(tag: str) -> str:
    if not SLUG.fullmatch(tag) or len(tag) > 60:
        raise BadInput(f"{tag!r} is no tag: use a-z, 0-9 and single hyphens.")
    return tag
