"""`flask paywall trail`, and the question behind it: who did what, to whom, when and why."""

import json
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import click
from flask.cli import with_appcontext
from sqlalchemy import Select, select

from paywall.accounts import addresses, readers
from paywall.accounts.trail import StaffAct
from paywall.db import db, read_only
from paywall.errors import BadInput, NotFound
from paywall.reports import rollup


@dataclass(frozen=True, slots=True)
class Asked:
    """Which lines of the trail: by exact actor and act, about one reader, from and before an instant."""

    actor: str | None = None
    act: str | None = None
    reader_id: int | None = None
    since: datetime | None = None
    before: datetime | None = None


def lines(asked: Asked) -> Select[StaffAct]:
    """The query for these lines, the newest first."""
    names = ("actor", "act", "reader_id")
    exactly = {name: value for name in names if (value := getattr(asked, name)) is not None}
    query = select(StaffAct).filter_by(**exactly).order_by(StaffAct.id.desc())
    if asked.since:
        query = query.where(StaffAct.at >= asked.since)
    return query.where(StaffAct.at < asked.before) if asked.before else query


def changes(line: StaffAct) -> list[tuple[str, object, object]]:
    """What a line says changed: name, before, after."""
    names = dict.fromkeys([*line.before, *line.after])
    return [(name, line.before.get(name), line.after.get(name)) for name in names]


@click.command("trail")
@click.option("--reader", "email", help="Only what concerns the reader with this address.")
@click.option("--by", "actor", help="Only what this member of staff did (their address).")
@click.option("--act", help='Only acts of this name, like "role given".')
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="From this day on.")
@click.option("--most", default=50, type=click.IntRange(1), show_default=True, help="So many of the newest.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@with_appcontext
def trail(
    email: str | None,
    actor: str | None,
    act: str | None,
    since: datetime | None,
    most: int,
    *,
    as_json: bool,
) -> None:
    """What staff did, on the pages or in a shell: the newest first."""
    zone = rollup.zone()
    read_only()
    asked = Asked(
        actor=actor,
        act=act,
        reader_id=_reader_id(email) if email else None,
        since=since.replace(tzinfo=zone) if since else None,
    )
    for line in db.session.scalars(lines(asked).limit(most)):
        click.echo(_json(line) if as_json else _words(line, zone))
    db.session.rollback()


def _reader_id(email: str) -> int:
    address = addresses.normalise(email)
    if address is None:
        raise BadInput(f"{email!r} is not an address.")
    found = readers.find(address)
    if found is None:
        raise NotFound(f"There is no reader {address}.")
    return found.id


def _words(line: StaffAct, zone: ZoneInfo) -> str:
    told = [f"{name}: {was or '-'} -> {became or '-'}" for name, was, became in changes(line)]
    why = [f"because {line.reason}"] if line.reason else []
    first = f"{line.at.astimezone(zone):%Y-%m-%d %H:%M}  {line.actor}: {line.act}, {line.about}"
    return "\n                  ".join([first, *told, *why])


def _json(line: StaffAct) -> str:
    names = ("id", "actor", "act", "about", "reader_id", "before", "after", "reason")
    return json.dumps({"at": line.at.isoformat(), **{name: getattr(line, name) for name in names}})
