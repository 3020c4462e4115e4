"""`flask paywall token ...`: who may use the API beyond what any visitor sees."""

import click
from flask.cli import AppGroup

from paywall import clock
from paywall.accounts.reasons import WHY
from paywall.api import tokens
from paywall.api.models import ApiToken, Scope
from paywall.db import db

token = AppGroup("token", help="Tokens of the API: for the newsroom's own programs, and for readers.")


@token.command("make")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, type=click.Choice([scope.value for scope in Scope]))
@click.option("--reader", help="Instead of scopes: the address of the reader whom it stands for.")
@click.option("--days", type=click.IntRange(1, 3650), help="So many days it is good; by default for ever.")
@click.option("--by", required=True, help="Who asked for it.")
@click.option("--why", default="", help=WHY)
def make(
    name: str, *, scopes: tuple[str, ...], reader: str | None, days: int | None, by: str, why: str
) -> None:
    """Make a token called NAME and print it: nobody can print it again."""
    made, secret = tokens.make(
        name, by=by, scopes=tuple(map(Scope, scopes)), reader=reader, days=days, reason=why
    )
    db.session.commit()
    click.echo(f"{_line(made)}\nKeep it where only the program finds it; it is shown only now:\n{secret}")


@token.command("list")
def show_all() -> None:
    """All tokens, the newest first, each by how its secret begins."""
    found = tokens.every()
    for one in found:
        click.echo(_line(one))
    if not found:
        click.echo("There is no token.")


@token.command("revoke")
@click.argument("number", type=int)
@click.option("--why", default="", help=WHY)
def revoke(number: int, *, why: str) -> None:
    """End token NUMBER of the list at once."""
    ended = tokens.revoke(number, reason=why)
    db.session.commit()
    click.echo(f"Token {number} ({ended.name}) opens nothing any more.")


def _line(one: ApiToken) -> str:
    what = f"reads as {one.reader.email}" if one.reader else one.scopes.replace(" ", ", ")
    used = f"used {one.used_on}" if one.used_on else "never used"
    return f"{one.id:>4}  {one.prefix}…  {one.name}: {what}; by {one.made_by}, {used}, {_state(one)}"


def _state(one: ApiToken) -> str:
    if one.revoked_at:
        return f"revoked {one.revoked_at:%Y-%m-%d}"
    if one.expires_at is None:
        return "good"
    return f"{'good until' if tokens.holds(one, clock.now()) else 'expired'} {one.expires_at:%Y-%m-%d}"
