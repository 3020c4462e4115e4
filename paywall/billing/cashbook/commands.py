"""`flask paywall money ...`: the cash book from a shell."""

import json
import signal
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta

import click
from flask.cli import AppGroup

from paywall import clock
from paywall.billing.cashbook import months, statement
from paywall.billing.cashbook.statement import Month, Statement
from paywall.billing.cashbook.walk import Walk, begin
from paywall.db import db, read_much
from paywall.errors import BadInput, Unavailable
from paywall.money import Money

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


@click.command("tieout")
@click.option("--month", "name", help="Like 2026-10; else the last one. Months are in UTC.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for each currency, in minor units.")
def tieout(name: str | None, *, as_json: bool) -> None:
    """Whether invoices, less refunds, disputes and fees, are what the balance says, and what was paid out.

    To the cent, for each currency by itself; every difference is named with its objects. Exit code 1:
    something does not tie out, or the month was not read to its end.
    """
    start = _month(name or _last_month())
    read_much()
    found = statement.of(start)
    db.session.rollback()
    for one in found.statements:
        click.echo(json.dumps(_plain(found, one)) if as_json else "\n".join(_table(one)))
    if not found.statements and not as_json:
        click.echo("No money moved in that month.")
    if not found.is_whole:
        click.echo("The account's balance was not read up to there: flask paywall money fetch", err=True)
    if not found.ties_out:
        sys.exit(1)


def _last_month() -> str:
    return f"{clock.now().replace(day=1) - timedelta(days=1):%Y-%m}"


def _month(name: str) -> datetime:
    try:
        return months.month(name)
    except ValueError:
        raise BadInput(f"{name!r} is no month: write it like 2026-10.") from None


def _counted(walk: Walk, *, as_json: bool) -> str:
    if as_json:
        return json.dumps({"finished": not walk.is_stopped, "counts": dict(walk.counts)})
    counted = ", ".join(f"{name} {count}" for name, count in walk.counts.items() if count) or "nothing new"
    return f"Stopped; run it again to go on. So far: {counted}." if walk.is_stopped else f"Read: {counted}."


def _plain(month: Month, one: Statement) -> dict[str, object]:
    return {
        **asdict(one.sums),
        "opening": one.opening,
        "closing": one.closing,
        "difference": one.sums.difference,
        "read_until": month.read_until.isoformat() if month.read_until else None,
        "ties_out": one.sums.ties_out and month.is_whole,
    }


def _table(one: Statement) -> Iterator[str]:
    currency = one.sums.currency
    yield f"{one.sums.month}  {currency.upper()}"
    for words, amount in [
        ("Held by Stripe before", one.opening),
        *one.steps,
        ("Net, as the balance has it", one.sums.net),
        ("Paid out", one.sums.payouts),
        ("Held by Stripe after", one.closing),
    ]:
        yield f"  {words:<28}{_major(amount, currency):>16}"
    for found in one.found:
        yield f"  ! {found.stripe_id}  {_major(found.amount, currency)}  {found.why}"
        if found.parts:
            yield f"      held against {', '.join(found.parts)}"
    yield "  It ties out." if one.sums.ties_out else "  It does not tie out."


def _major(amount: int, currency: str) -> str:
    return str(Money(amount, currency).major())
