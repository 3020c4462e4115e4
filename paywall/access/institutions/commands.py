"""`flask paywall institution ...`: who reads through which institution, written down from a shell."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy import select

from paywall import clock
from paywall.access.institutions import keeping
from paywall.access.institutions.keeping import Term
from paywall.access.institutions.models import Institution
from paywall.accounts.reasons import WHY
from paywall.config import Settings
from paywall.db import db

DAY = click.DateTime(["%Y-%m-%d"])
BECAUSE = click.option("--why", default="", help=WHY)

institution = AppGroup("institution", help="Libraries and companies whose readers need not pay.")


@institution.command("add")
@click.argument("slug")
@click.option("--name", required=True, help="As its readers see it.")
@click.option("--from", "first", type=DAY, help="The first day; else today.")
@click.option("--until", "last", type=DAY, required=True, help="The last day.")
@click.option("--plan", help="A plan whose articles it opens, too; else those for patrons and for accounts.")
@BECAUSE
def add(slug: str, name: str, first: datetime | None, last: datetime, plan: str | None, why: str) -> None:
    """Write down a new institution. Then say who belongs to it: `domain` or `range`."""
    since = start_of(first.date()) if first else start_of(today())
    one = keeping.add(slug, name, Term(since, end_of(last.date())), plan, reason=why)
    db.session.commit()
    click.echo(f"{_line(one)}\nNow say who belongs to it: `institution domain` or `institution range`.")


@institution.command("change")
@click.argument("slug")
@click.option("--name", help="Another name.")
@click.option("--from", "first", type=DAY, help="Another first day.")
@click.option("--until", "last", type=DAY, help="Another last day.")
@click.option("--plan", help='Another plan, or "" for none.')
@BECAUSE
def change(
    slug: str, name: str | None, first: datetime | None, last: datetime | None, plan: str | None, why: str
) -> None:
    """Change an institution's name, days or plan: what is not given stays."""
    one = keeping.find(slug)
    since = start_of(first.date()) if first else one.starts_at
    term = Term(since, end_of(last.date()) if last else one.ends_at) if first or last else None
    one = keeping.change(slug, name=name, term=term, plan=plan, reason=why)
    db.session.commit()
    click.echo(_line(one))


@institution.command("end")
@click.argument("slug")
@click.option("--on", "last", type=DAY, help="The last day; else it ends now.")
@BECAUSE
def end(slug: str, last: datetime | None, why: str) -> None:
    """End an institution: its readers are visitors again within a second."""
    one = keeping.end(slug, end_of(last.date()) if last else clock.now(), reason=why)
    db.session.commit()
    click.echo(_line(one))


@institution.command("domain")
@click.argument("slug")
@click.argument("domains", nargs=-1, required=True)
@click.option("--subdomains", is_flag=True, help="Those below it, too.")
@click.option("--remove", is_flag=True, help="Take them back.")
@BECAUSE
def domain(slug: str, domains: tuple[str, ...], why: str, *, subdomains: bool, remove: bool) -> None:
    """Let who has a confirmed e-mail address at a domain read through an institution."""
    if remove:
        one = keeping.remove_domains(slug, domains, reason=why)
    else:
        one = keeping.add_domains(slug, domains, with_subdomains=subdomains, reason=why)
    db.session.commit()
    _show(one)


@institution.command("range")
@click.argument("slug")
@click.argument("ranges", nargs=-1, required=True)
@click.option("--private", is_flag=True, help="Even if private: every proxy in front is declared.")
@click.option("--remove", is_flag=True, help="Take them back.")
@BECAUSE
def range_(slug: str, ranges: tuple[str, ...], why: str, *, private: bool, remove: bool) -> None:
    """Let who sits in a network read: 192.0.2.0/24, 192.0.2.10-192.0.2.20, 2001:db8::/48."""
    if remove:
        one = keeping.remove_ranges(slug, ranges, reason=why)
    else:
        one = keeping.add_ranges(slug, ranges, may_be_private=private, reason=why)
    db.session.commit()
    _show(one)


@institution.command("list")
@click.option("--ended", is_flag=True, help="Those that are over, too.")
def show_all(*, ended: bool) -> None:
    """All institutions, by name."""
    query = select(Institution).order_by(Institution.name)
    if not ended:
        query = query.where(Institution.ends_at > clock.now())
    found = list(db.session.scalars(query))
    for one in found:
        click.echo(_line(one))
    if not found:
        click.echo("There are no institutions.")


@institution.command("show")
@click.argument("slug")
def show(slug: str) -> None:
    """All that is known of one institution."""
    _show(keeping.find(slug))


def today() -> date:
    """The day in the paper's zone."""
    return clock.now().astimezone(zone()).date()


def start_of(day: date) -> datetime:
    """When a day of the paper's zone begins, in UTC."""
    return datetime.combine(day, time(), zone()).astimezone(UTC)


def end_of(day: date) -> datetime:
    """When it is over: the first instant of the next."""
    return start_of(day + timedelta(days=1))


def zone() -> ZoneInfo:
    """The zone in which the paper's days begin."""
    settings: Settings = current_app.extensions["settings"]
    return ZoneInfo(settings.timezone)


def _show(one: Institution) -> None:
    click.echo(_line(one))
    for domain in one.domains:
        click.echo(f"  domain  {domain.domain}{' and below' if domain.with_subdomains else ''}")
    for row in one.ranges:
        click.echo(f"  range   {row.range}")
    if not (one.domains or one.ranges):
        click.echo("  Nobody belongs to it yet.")


def _line(one: Institution) -> str:
    last = one.ends_at - timedelta(seconds=1)
    days = f"{one.starts_at.astimezone(zone()):%Y-%m-%d} to {last.astimezone(zone()):%Y-%m-%d}"
    opens = f"plan {one.plan.slug}" if one.plan else "articles for patrons"
    return f"{one.slug:<20}{_standing(one):<9}{days}  {one.name} ({opens})"


def _standing(one: Institution) -> str:
    if one.ends_at <= clock.now():
        return "ended"
    return "reads" if one.starts_at <= clock.now() else "to come"
