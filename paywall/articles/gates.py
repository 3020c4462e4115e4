"""Which gate an article has, read from the tables, and what the door asks."""

from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import Connection, bindparam, or_, select

from paywall.access.decision import Gate
from paywall.access.middleware import Gated, Lookup
from paywall.articles import terms
from paywall.articles.models import Article, GateRule, Section, Unlock
from paywall.articles.terms import About, House, Rule, Terms
from paywall.config import Settings
from paywall.db import UTCDateTime, db
from paywall.questions import Question, Reading

ARTICLE_PATH = "/article/"
# Prices and neighbours stand on an article's page too: for so many seconds they may be yesterday's.
FRESH = 300
# PostgreSQL refuses to compare a text with it, so no page can be named by it.
NUL = "\0"
# What `of` needs of an article's row.
COLUMNS = (
    Article.id.label("article_id"),
    Section.slug.label("gate_section"),
    Article.tags,
    Article.published_at.label("out_at"),
    Article.gate,
    Article.free_until,
    Article.free_from,
    Article.first_hours,
    Article.archive_days,
    Article.is_metered,
)

# The door asks them for each article, once a second.
_now = bindparam("now", type_=UTCDateTime())
_published = Question(
    select(*COLUMNS, Article.version)
    .join(Section, Article.section_id == Section.id)
    .where(Article.slug == bindparam("slug"), Article.published_at <= _now)
)
_rules = Question(
    select(
        Section.slug,
        GateRule.tag,
        GateRule.gate,
        GateRule.first_hours,
        GateRule.archive_days,
        GateRule.is_metered,
    )
    .outerjoin(Section, GateRule.section_id == Section.id)
    .order_by(GateRule.position, GateRule.id)
)
_unlocks = Question(
    select(Unlock.since, Unlock.until, Unlock.article_id, Unlock.tag)
    .where(Unlock.until > _now, or_(Unlock.closed_at.is_(None), Unlock.closed_at > _now))
    .order_by(Unlock.id)
)


def lookup(settings: Settings) -> Lookup:
    """What the door asks: the gate of the article at a path that is out at an instant, or None."""

    def gated(connection: Connection, path: str, now: datetime) -> Gated | None:
        slug = path.removeprefix(ARTICLE_PATH)
        if NUL in slug:
            return None
        rows = _published.ask(connection, {"slug": slug, "now": now})
        if not rows:
            return None
        row = rows[0]
        gate = of(row, house(connection, settings.default_gate, now))
        version = f"{row.version}-{int(now.timestamp()) // FRESH}-{gate.open_until(now)}"
        return Gated(gate, version, str(row.article_id))

    return gated


def of(row: Any, house: House) -> Gate:
    """The gate, with its windows, of the article in a row that has COLUMNS."""
    own = Terms(row.gate, row.free_until, row.free_from, row.first_hours, row.archive_days, row.is_metered)
    return terms.gate(own, about(row), house)


def about(row: Any) -> About:
    """What rules ask of the article in a row that has COLUMNS."""
    return About(row.article_id, row.gate_section, frozenset(row.tags.split()), row.out_at)


def house(reading: Reading, default: str, now: datetime) -> House:
    """What stands for the whole paper: rules, and the unlocks that are open at `now` or will be."""
    return House(
        default,
        tuple(
            Rule(
                Terms(
                    row.gate,
                    first_hours=row.first_hours,
                    archive_days=row.archive_days,
                    is_metered=row.is_metered,
                ),
                row.slug,
                row.tag,
            )
            for row in _rules.ask(reading, {})
        ),
        tuple(terms.Unlock(*row) for row in _unlocks.ask(reading, {"now": now})),
    )


def house_now(now: datetime) -> House:
    """The same in a view, by the session and the settings of the app."""
    settings: Settings = current_app.extensions["settings"]
    return house(db.session, settings.default_gate, now)
