"""`flask paywall plan-price`: a new price for newcomers at once, and for present patrons after notice."""

from datetime import datetime
from zoneinfo import ZoneInfo

import click
from flask import current_app
from flask.cli import with_appcontext

from paywall.accounts.reasons import WHY
from paywall.billing.repricing import announcing, planning
from paywall.billing.repricing.planning import Wanted
from paywall.config import Settings
from paywall.db import db
from paywall.membership.rules import Interval
from paywall.money import Money

LEAST_NOTICE = 7
DAY = click.DateTime(["%Y-%m-%d"])


@click.command("plan-price")
@with_appcontext
@click.argument("slug")
@click.option("--interval", required=True, type=click.Choice([one.value for one in Interval]))
@click.option("--amount", required=True, help="The new price, like 6 or 6.50.")
@click.option("--currency", help="Three letters; else the setting's.")
@click.option("--from", "day", required=True, type=DAY, help="The first day on which patrons pay it.")
@click.option("--notice-days", default=30, type=click.IntRange(LEAST_NOTICE, 365), show_default=True)
@click.option("--why", default="", help=f"{WHY} Needed, but for a look.")
@click.option("--dry-run", "dry", is_flag=True, help="Only say what would be done.")
def plan_price(
    slug: str,
    interval: str,
    amount: str,
    currency: str | None,
    day: datetime,
    notice_days: int,
    why: str,
    *,
    dry: bool,
) -> None:
    """Set a new price: newcomers pay it at once, present patrons after a letter and at a later renewal.

    Each patron is written to now, and moved at the first renewal on or after the day, never in the middle of
    a period. It can be broken off and run again; a later one takes the place of this one.
    """
    settings: Settings = current_app.extensions["settings"]
    money = Money.read(amount, (currency or settings.currency).lower())
    from_at = day.replace(tzinfo=ZoneInfo(settings.timezone))
    wanted = Wanted(slug, Interval(interval), money, from_at, notice_days)
    change = planning.begun(wanted)
    if change is None and not dry:
        change = planning.begin(wanted, why)
    plan_id = planning.plan_of(wanted).id
    waiting = announcing.concerned(plan_id, wanted.interval, money, but=change.id if change else None)
    if change and not dry:
        announcing.announce(change, waiting)
    db.session.commit()
    told = "would be written to" if dry else "are written to"
    click.echo(f"{money.text()} a {interval}. Patrons who {told}: {len(waiting)}. From: {day:%Y-%m-%d}.")
