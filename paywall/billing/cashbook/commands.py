"""`flask paywall money ...`: the cash book from a shell."""

import json
import signal
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime

import click
from flask.cli import AppGroup

from paywall import clock
from paywall.billing.cashbook import months
from paywall.billing.cashbook.sums import Sums
from paywall.billing.cashbook.walk import Walk, begin
from paywall.db import db
from paywall.errors import BadInput, Unavailable
from paywall.money import Money

COLUMNS = ("invoices", "payments", "refunds", "disputes", "fees", "other", "net", "payouts")

money = AppGroup("money", help="The cash book: what money moved at Stripe, and whether it ties out.")


@money.command("fetch")
@click.option("--restart", is_flag=True, help="Look at everything again, from the first cent on.")
@click.option("--json", "as_json", is_flag=True, help="What was counted, as one line of JSON.")
def fetch(*, restart: bool, as_json: bool) -> None:
    """Read each line of the account's balance, its payouts, and what is still open.

    The hourly job does the same. Can be stopped (Ctrl-C, SIGTERM) and goes on when it is run again. Exit code
    2: it did not come to its end.
    """
    walk = begin(restart=restart)
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: walk.stop())
    try:
        walk.run()
    except Unavailable as silence:
        click.echo(f"{silence.message} Run it again to go on.", err=True)
        sys.exit(2)
    click.echo(_counted(walk, as_json=as_json))
    if walk.is_stopped:
        sys.exit(2)


@money.command("show")
@click.option("--month", "name", help="Like 2026-10; else the present one. Months are in UTC.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for each currency, in minor units.")
def show(name: str | None, *, as_json: bool) -> None:
    """What was paid, given back, charged and paid out in a month, and what does not tie out.

    Exit code 1: something does not.
    """
    found = months.sums(_month(name))
    db.session.rollback()
    for one in found:
        click.echo(json.dumps(_plain(one)) if as_json else "\n".join(_table(one)))
    if not found and not as_json:
        click.echo("No money moved in that month.")
    if not all(one.ties_out for one in found):
        sys.exit(1)


def _month(name: str | None) -> datetime:
    try:
        return months.month(name or f"{clock.now():%Y-%m}")
    except ValueError:
        raise BadInput(f"{name!r} is no month: write it like 2026-10.") from None


def _counted(walk: Walk, *, as_json: bool) -> str:
    if as_json:
        return json.dumps({"finished": not walk.is_stopped, "counts": dict(walk.counts)})
    counted = ", ".join(f"{name} {count}" for name, count in walk.counts.items() if count) or "nothing new"
    return f"Stopped; run it again to go on. So far: {counted}." if walk.is_stopped else f"Read: {counted}."


def _plain(one: Sums) -> dict[str, object]:
    return {**asdict(one), "difference": one.difference, "ties_out": one.ties_out}


def _table(one: Sums) -> Iterator[str]:
    yield f"{one.month}  {one.currency.upper()}"
    for name in COLUMNS:
        yield f"  {name:<12}{_major(getattr(one, name), one.currency):>16}"
    yield f"  {'difference':<12}{_major(one.difference, one.currency):>16}"
    for found in [*one.differences, *one.misfits]:
        yield f"  ! {found.stripe_id}  {_major(found.amount, one.currency)}  {found.why}"


def _major(amount: int, currency: str) -> str:
    return str(Money(amount, currency).major())
