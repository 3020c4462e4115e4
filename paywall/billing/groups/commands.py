"""`flask paywall group ...`: what staff look up about groups from a shell."""

import click
from flask.cli import AppGroup
from sqlalchemy import select

from paywall.billing.groups import inviting, seats
from paywall.billing.groups.models import Group
from paywall.db import db
from paywall.errors import NotFound
from paywall.membership.models import Subscription
from paywall.membership.rules import LIVE

group = AppGroup("group", help="Groups: who pays for how many seats, and who has them.")


@group.command("list")
@click.option("--ended", is_flag=True, help="Those that are over, too.")
@click.option("--most", default=50, type=click.IntRange(1), help="So many of the newest.")
def show_all(*, ended: bool, most: int) -> None:
    """The newest groups, with their seats."""
    query = select(Group).join(Subscription).order_by(Group.id.desc()).limit(most)
    if not ended:
        query = query.where(Subscription.status.in_(LIVE))
    for one in db.session.scalars(query):
        full, held = inviting.room(one), one.subscription
        counts = f"{full.taken:>4} of {full.paid} seats taken, {full.waiting} invited"
        click.echo(f"{one.id:>6} {held.status.value:<9}{counts}: {one.owner.email} ({held.plan.slug})")


@group.command("show")
@click.argument("number", type=int)
def show(number: int) -> None:
    """All that is known of one group: what is paid, who has a seat, who is invited."""
    one = db.session.get(Group, number)
    if one is None:
        raise NotFound(f"There is no group {number}.")
    held, full = one.subscription, inviting.room(one)
    facts = {
        "owner": one.owner.email,
        "at Stripe": f"{held.external_id} ({held.status.value})",
        "pays": f"{held.price.text()} a {held.interval.value} for {held.seats} seats of {held.plan.slug}",
        "open until": held.access_until or "-",
        "ends": held.cancel_at or held.ended_at or "-",
        "seats": f"{full.taken} taken, {full.waiting} invited, {full.free} free",
        "too many": f"must go by {one.surplus_until}" if one.surplus_until else "-",
    }
    for name, value in facts.items():
        click.echo(f"{name:<11} {value}")
    for seat in seats.taken(one.id):
        click.echo(f"member      {seat.reader.email} since {seat.joined_at:%Y-%m-%d}")
    for invitation in inviting.waiting(one.id):
        click.echo(f"invited     {invitation.email} until {invitation.until:%Y-%m-%d}")
