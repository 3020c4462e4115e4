"""Which gate an article has, by its own word, the newsroom's rules and what is unlocked: pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from paywall.access.decision import Gate, Level, Window

SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
PUBLIC = Gate(Level.PUBLIC)
UNLOCKED = Gate(Level.PUBLIC, is_unlock=True)
PATRONS_ALONE = Gate(Level.PATRONS, is_metered=False)


@dataclass(frozen=True, slots=True)
class Terms:
    """What an article, or a rule, says of its gate; "" and None say nothing. Instants are aware UTC.

    For `first_hours` after publication it is for patrons, and `archive_days` after it is for patrons again.
    """

    gate: str = ""
    free_until: datetime | None = None
    free_from: datetime | None = None
    first_hours: int | None = None
    archive_days: int | None = None
    is_metered: bool | None = None


@dataclass(frozen=True, slots=True)
class About:
    """What rules and unlocks ask of an article; `published_at` None is not out yet."""

    article_id: int | None
    section: str
    tags: frozenset[str]
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class Rule:
    """Terms for the articles of a section or with a tag (their slugs); with neither for every article."""

    terms: Terms
    section: str | None = None
    tag: str | None = None

    def is_for(self, about: About) -> bool:
        """Whether this article is among them."""
        return (self.section is None or self.section == about.section) and (
            self.tag is None or self.tag in about.tags
        )


@dataclass(frozen=True, slots=True)
class Unlock:
    """An article, or all with a tag, is open to everyone from `since` to just before `until`."""

    since: datetime
    until: datetime
    article_id: int | None = None
    tag: str | None = None

    def is_for(self, about: About) -> bool:
        """Whether this article is meant."""
        return self.tag in about.tags if self.tag is not None else self.article_id == about.article_id


@dataclass(frozen=True, slots=True)
class House:
    """What stands for the whole paper: rules in their order, what is unlocked, and the gate of all else."""

    default: str
    rules: tuple[Rule, ...] = ()
    unlocks: tuple[Unlock, ...] = ()

    def rule(self, about: About) -> Rule | None:
        """The first rule for this article."""
        return next((rule for rule in self.rules if rule.is_for(about)), None)


def gate(own: Terms, about: About, house: House) -> Gate:
    """The gate of an article, with its windows.

    The article's own word comes first, then the first rule for it, then the default. A rule whose gate was
    overruled has no say in windows either. Of windows an unlock comes first, then
    the article's, then the rule's.
    """
    rule = house.rule(about)
    others = rule.terms if rule and not own.gate else Terms()
    is_metered = next((said for said in (own.is_metered, others.is_metered) if said is not None), True)
    usual = replace(Gate.parse(own.gate or others.gate or house.default), is_metered=is_metered)
    unlocked = (Window(UNLOCKED, one.since, one.until) for one in house.unlocks if one.is_for(about))
    windows = (*unlocked, *_windows(own, usual, about), *_windows(others, usual, about))
    return replace(usual, windows=windows)


def _windows(terms: Terms, usual: Gate, about: About) -> Iterator[Window]:
    if terms.free_until:
        yield Window(PUBLIC, until=terms.free_until)
    if terms.free_from:
        yield Window(PUBLIC, since=terms.free_from)
    out = about.published_at
    # What only some patrons may read is never loosened by being for patrons first.
    if out is None or usual.level in {Level.PLAN, Level.UNKNOWN}:
        return
    if terms.first_hours:
        yield Window(PATRONS_ALONE, until=out + timedelta(hours=terms.first_hours))
    if terms.archive_days is not None:
        archived = Gate(Level.PATRONS, is_metered=usual.is_metered)
        yield Window(archived, since=out + timedelta(days=terms.archive_days))
