"""`flask paywall gate ...` and `flask paywall unlock ...`: who may read what, decided from a shell."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import click
from flask import current_app
from flask.cli import AppGroup

from paywall.accounts.reasons import WHY
from paywall.articles import gatekeeping
from paywall.articles.models import GateRule, Unlock
from paywall.articles.terms import Terms
from paywall.config import Settings
from paywall.db import db
from paywall.errors import BadInput

gate = AppGroup("gate", help="Which gate articles have that state none: rules, in their order.")
unlock = AppGroup("unlock", help="Articles that are open to everyone for a time.")


@gate.command("list")
def show_rules() -> None:
    """The rules in their order: an article's own gate comes before them, the setting's after them."""
    for rule in gatekeeping.rules():
        click.echo(_rule(rule))
    click.echo(f"      all other articles: {_settings().default_gate}")


@gate.command("rule")
@click.argument("gate_text", metavar="GATE")
@click.option("--section", help="For the articles of this section (its slug).")
@click.option("--tag", help="For the articles with this tag.")
@click.option("--first-hours", type=click.IntRange(1, 8760), help="For patrons first, for so many hours.")
@click.option("--archive-days", type=click.IntRange(1, 18250), help="For patrons again after so many days.")
@click.option(
    "--metered/--not-metered", default=None, help="Whether free reads open them; they do by default."
)
@click.option("--position", type=click.IntRange(1), help="Place in the order; the first that fits holds.")
@click.option("--why", default="", help=WHY)
def set_rule(
    gate_text: str,
    *,
    section: str | None,
    tag: str | None,
    first_hours: int | None,
    archive_days: int | None,
    metered: bool | None,
    position: int | None,
    why: str,
) -> None:
    """Set the gate of a section or a tag; with neither, of every article that states none.

    GATE is public, registered, patrons, or plan:<slug>[,<slug>].
    """
    terms = Terms(gate_text, first_hours=first_hours, archive_days=archive_days, is_metered=metered)
    rule = gatekeeping.set_rule(terms, section=section, tag=tag, position=position, reason=why)
    db.session.commit()
    click.echo(_rule(rule))


@gate.command("drop")
@click.argument("number", type=int)
@click.option("--why", default="", help=WHY)
def drop_rule(number: int, *, why: str) -> None:
    """Delete rule NUMBER of the list."""
    gatekeeping.drop_rule(number, reason=why)
    db.session.commit()
    click.echo(f"Rule {number} is gone.")


@unlock.command("open")
@click.argument("article", required=False)
@click.option("--tag", help="Instead of an article: all with this tag.")
@click.option("--until", required=True, help='Like "2026-11-27 18:00", in the time of the site.')
@click.option("--since", help="From then on; by default from now on.")
@click.option("--why", required=True, help=WHY)
@click.option("--by", required=True, help="Who decided it.")
def open_unlock(
    article: str | None, *, tag: str | None, until: str, since: str | None, why: str, by: str
) -> None:
    """Open ARTICLE (its slug), or all with a tag, to everyone. It closes by itself."""
    new = gatekeeping.unlock(
        article=article,
        tag=tag,
        until=_instant(until),
        since=_instant(since) if since else None,
        why=why,
        by=by,
    )
    db.session.commit()
    click.echo(_unlock(new))


@unlock.command("list")
@click.option("--all", "past", is_flag=True, help="Those that are over too.")
def show_unlocks(*, past: bool) -> None:
    """What is unlocked now or will be."""
    found = gatekeeping.unlocks(past=past)
    for one in found:
        click.echo(_unlock(one))
    if not found:
        click.echo("Nothing is unlocked.")


@unlock.command("close")
@click.argument("number", type=int)
@click.option("--by", required=True, help="Who decided it.")
@click.option("--why", default="", help=WHY)
def close_unlock(number: int, *, by: str, why: str) -> None:
    """Close unlock NUMBER before its time."""
    gatekeeping.close(number, by=by, reason=why)
    db.session.commit()
    click.echo(f"Unlock {number} is closed.")


def _rule(rule: GateRule) -> str:
    what = (
        f"section {rule.section.slug}" if rule.section else f"tag {rule.tag}" if rule.tag else "all articles"
    )
    more = (
        f"for patrons first for {rule.first_hours} h" if rule.first_hours else "",
        f"for patrons again after {rule.archive_days} days" if rule.archive_days else "",
        "not metered" if rule.is_metered is False else "",
    )
    return f"{rule.position:>4}  {', '.join([f'{what}: {rule.gate}', *filter(None, more)])}"


def _unlock(one: Unlock) -> str:
    what = one.article.slug if one.article else f"tag {one.tag}"
    closed = f", closed {_local(one.closed_at)} by {one.closed_by}" if one.closed_at else ""
    span = f"{_local(one.since)} to {_local(one.until)}"
    return f"{one.id:>4}  {what}: {span}, by {one.opened_by}: {one.why}{closed}"


def _local(instant: datetime) -> str:
    return f"{instant.astimezone(ZoneInfo(_settings().timezone)):%Y-%m-%d %H:%M}"


def _instant(text: str) -> datetime:
    """An instant as a person writes it; without a zone in the time of the site."""
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f'{text!r} is no date: write "2026-11-27 18:00".') from None
    if given.tzinfo is None:
        given = given.replace(tzinfo=ZoneInfo(_settings().timezone))
    return given.astimezone(UTC)


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings
