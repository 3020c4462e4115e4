"""`flask paywall gift-link ...`: articles that were given away, seen and taken back from a shell."""

import click
from flask.cli import AppGroup
from sqlalchemy import select

from paywall import clock
from paywall.access.gift_links import giving
from paywall.access.gift_links.giving import Given
from paywall.access.gift_links.models import GiftLink
from paywall.accounts import addresses, readers
from paywall.accounts.reasons import WHY
from paywall.articles.models import Article
from paywall.db import db
from paywall.errors import NotFound

gift_link = AppGroup("gift-link", help="Articles that patrons and staff give away.")


@gift_link.command("list")
@click.option("--by", "email", help="Only those that this reader has given.")
@click.option("--article", "slug", help="Only those to this article.")
@click.option("--most", default=50, type=click.IntRange(1), help="So many of the newest.")
def show_all(email: str | None, slug: str | None, most: int) -> None:
    """The newest links: who gave what, and what came of it; at the end of all, forgotten ones too."""
    which = []
    if email:
        which.append(GiftLink.giver_id == _reader_id(email))
    key = _key(slug) if slug else None
    if key:
        which.append(GiftLink.key == key)
    found = giving.given(*which, most=most)
    for one in found:
        click.echo(_line(one))
    if not found:
        click.echo("There are no such gift links.")
    if not email:
        all_of = giving.in_all(key)
        came = _came(all_of.opened, all_of.signed_up, all_of.paid)
        click.echo(f"In all, since the first one: {all_of.links} given, {came}")


@gift_link.command("revoke")
@click.argument("number", type=click.IntRange(1, 2**31 - 1))
@click.option("--why", default="", help=WHY)
def revoke(number: int, *, why: str) -> None:
    """Take a link back, whoever has given it: it opens nothing from the next request on."""
    link = giving.revoke(number, clock.now(), reason=why)
    db.session.commit()
    click.echo(f"Gift link {number} of {link.giver.email} is taken back.")


def _reader_id(email: str) -> int:
    found = readers.find(addresses.normalise(email) or "")
    if found is None:
        raise NotFound(f"There is no reader {email}.")
    return found.id


def _key(slug: str) -> str:
    found = db.session.scalar(select(Article.id).where(Article.slug == slug))
    if found is None:
        raise NotFound(f"There is no article {slug}.")
    return str(found)


def _line(one: Given) -> str:
    link = one.link
    slug = db.session.scalar(select(Article.slug).where(Article.id == int(link.key))) or link.key
    came = _came(link.opened, one.signed_up, one.paid)
    state = link.state(clock.now()).value
    who = f"{link.giver.email}{' (staff)' if link.by_staff else ''}"
    return f"{link.id:>6} {state:<8} {link.made_at:%Y-%m-%d}  {slug}  {came}: {who}"


def _came(opened: int, signed_up: int, paid: int) -> str:
    return f"opened {opened}, signed up {signed_up}, paid {paid}"
