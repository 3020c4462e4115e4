"""`flask paywall reconcile`: the books compared from a shell."""

import json
import signal
import sys
from dataclasses import asdict

import click
from flask.cli import with_appcontext

from paywall.billing.reconcile.drift import Drift, Kind
from paywall.billing.reconcile.walk import Walk, begin
from paywall.errors import Unavailable


@click.command("reconcile")
@with_appcontext
@click.option("--dry-run", "dry", is_flag=True, help="Only look; write nothing.")
@click.option("--restart", is_flag=True, help="Begin anew, and do not go on where one broke off.")
@click.option("--verbose", is_flag=True, help="Tell foreign subscriptions, too.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for each drift, and one at the end.")
def reconcile(*, dry: bool, restart: bool, verbose: bool, as_json: bool) -> None:
    """Compare every subscription at Stripe with every row here, and sync what differs.

    Can be stopped (Ctrl-C, SIGTERM) and goes on when it is run again. Exit code 0: nothing that differs was
    left; 1: something was, or was found by --dry-run; 2: it did not come to its end.
    """
    walk = begin(dry=dry, restart=restart)
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: walk.stop())
    if walk.run.is_resumed and not as_json:
        click.echo(f"Going on with the run that was broken off in the part {walk.run.part}.")
    try:
        for found in walk.drifts():
            if verbose or found.kind is not Kind.FOREIGN:
                click.echo(json.dumps(asdict(found)) if as_json else _line(found))
    except Unavailable as silence:
        click.echo(f"{silence.message} Run it again to go on.", err=True)
        sys.exit(2)
    click.echo(_summary(walk) if as_json else _words(walk))
    if walk.is_stopped or not walk.is_clean:
        sys.exit(2 if walk.is_stopped else 1)


def _summary(walk: Walk) -> str:
    """What a walk has counted, as JSON."""
    return json.dumps({"finished": not walk.is_stopped, "clean": walk.is_clean, "counts": dict(walk.counts)})


def _line(drift: Drift) -> str:
    """A drift in words, for a shell."""
    outcome = "" if drift.kind is Kind.FOREIGN else f"{drift.outcome:<9}"
    return f"{drift.kind:<14}{outcome}{drift.subscription} of {drift.customer}: {drift.here} > {drift.there}"


def _words(walk: Walk) -> str:
    """What a walk has counted, for a shell."""
    counted = ", ".join(f"{name} {count}" for name, count in walk.counts.items()) or "nothing to look at"
    if walk.is_stopped:
        return f"Stopped; run it again to go on. So far: {counted}."
    return f"{'The books agree' if walk.is_clean else 'The books differ'}: {counted}."
