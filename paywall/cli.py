"""`flask paywall ...`: what operators and staff do from a shell."""

import json
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup

from paywall import config, jobs, server, watch
from paywall.access.crawlers.commands import crawler
from paywall.access.institutions.commands import institution
from paywall.accounts import addresses, readers
from paywall.accounts import staff as accounts_staff
from paywall.accounts.models import StaffRole
from paywall.accounts.reasons import WHY
from paywall.api import token_commands
from paywall.articles import gate_commands, search
from paywall.articles.gift_commands import gift_link
from paywall.articles.importers.markdown import import_markdown
from paywall.billing import coupon_commands, inbox_commands, setup
from paywall.billing.cashbook import commands as cash_commands
from paywall.billing.gateway import gateway
from paywall.billing.gifts import commands as gift_commands
from paywall.billing.groups import commands as group_commands
from paywall.billing.reconcile import commands as reconcile_commands
from paywall.billing.remote import Mode
from paywall.billing.repricing import commands as repricing_commands
from paywall.config import Settings
from paywall.db import db
from paywall.errors import BadInput, NotFound, PaywallError
from paywall.membership import applied, plans, policy_words
from paywall.membership.models import PlanState
from paywall.membership.rules import Interval
from paywall.membership.seats import SeatRange
from paywall.money import Money
from paywall.office import commands as office_commands
from paywall.office.acts import trail
from paywall.reports import institution_use, rollup
from paywall.sandbox import rehearsal
from paywall.sandbox.scenarios import SCENARIOS


class PlainGroup(AppGroup):
    """Commands whose errors of ours are one line and exit code 1, never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command, or a command of a group within."""
        try:
            return super().invoke(ctx)
        except PaywallError as error:
            raise click.ClickException(error.message) from None


commands = PlainGroup("paywall", help="Run and look after the paywall.")


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings


@commands.command("worker")
def worker() -> None:
    """Run background and periodic jobs until stopped."""
    # The queue's own handlers come only once all is started; to be stopped before then is no failure.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    watch.beat()
    jobs.run_worker(current_app._get_current_object())  # type: ignore[attr-defined]  # the app behind the proxy


@commands.command("staff")
@click.argument("email")
@click.option(
    "--role", "roles", multiple=True, required=True, type=click.Choice([role.value for role in StaffRole])
)
@click.option("--why", required=True, help=WHY)
def staff(email: str, roles: tuple[str, ...], why: str) -> None:
    """Give a reader staff roles; who has no account gets one, and a letter to sign in with."""
    for role in roles:
        done = accounts_staff.appoint(email, StaffRole(role), why)
        db.session.commit()
        click.echo(f"{done.email} {'is now' if done.is_new_role else 'was already'} {done.role}.")


@commands.command("staff-factor-reset")
@click.argument("email")
@click.option("--why", required=True, help=WHY)
def staff_factor_reset(email: str, why: str) -> None:
    """Let staff who lost phone and recovery codes set up anew; ends their sessions."""
    address = addresses.normalise(email)
    reader = readers.find(address) if address else None
    if reader is None:
        raise NotFound(f"There is no reader {email}.")
    has_had_one = accounts_staff.reset_factor(reader, why)
    db.session.commit()
    click.echo(
        "They set it up at their next sign-in." if has_had_one else "There was none; they are signed out."
    )


@commands.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--why", default="", help=WHY)
def import_articles(paths: tuple[Path, ...], why: str) -> None:
    """Import articles from Markdown files with front matter; a bad file changes nothing."""
    report = import_markdown(paths, reason=why)
    for line in report.lines():
        click.echo(line, err=bool(report.problems))
    if report.problems:
        sys.exit(1)
    db.session.commit()


@commands.command("search-rebuild")
def search_rebuild() -> None:
    """Make the index of words anew, if search finds what is not there or misses what is."""
    count = 0
    for done in search.rebuild():
        db.session.commit()
        count += done
    click.echo(f"The words of {count} articles are indexed anew.")


@commands.command("plan")
@click.argument("slug")
@click.option("--name", required=True, help="As readers see it.")
@click.option("--description", default="", help="One sentence under the name.")
@click.option("--month", help="Price a month, like 5 or 5.50.")
@click.option("--year", help="Price a year.")
@click.option("--currency", help="Three letters; else the setting's.")
@click.option("--trial-days", default=0, type=click.IntRange(0, 730))
@click.option("--seats", help="Sell it to groups, at that price a seat: from 5 to 50 seats is 5-50.")
@click.option("--position", default=0, help="Order on the join page.")
@click.option("--state", default="open", type=click.Choice([state.value for state in PlanState]))
@click.option("--why", required=True, help=WHY)
def plan(
    slug: str,
    why: str,
    month: str | None,
    year: str | None,
    currency: str | None,
    state: str,
    seats: str | None,
    **text: Any,
) -> None:
    """Create a plan, or change it; a new price is for newcomers. Then run stripe-setup."""
    currency = (currency or _settings().currency).lower()
    given = {Interval.MONTH: month, Interval.YEAR: year}
    prices = {interval: Money.read(amount, currency) for interval, amount in given.items() if amount}
    sold = SeatRange.read(seats) if seats else None
    text |= {"slug": slug, "prices": prices, "state": PlanState(state), "seats": sold}
    plans.write(plans.PlanText(**text), why)
    db.session.commit()
    click.echo(f"Plan {slug} is written down. Run `flask paywall stripe-setup` to make it at Stripe.")


@commands.command("policy")
@click.option("--apply", "applies", is_flag=True, help="Reckon every date anew now, and do not wait.")
def policy(*, applies: bool) -> None:
    """Show when access ends, and why; the worker applies changed settings within five minutes."""
    for row in policy_words.rows(applied.in_force()):
        click.echo(f"{row.name}\n    full:  {row.full}\n    grace: {row.grace}")
    if applies:
        click.echo(f"Dates that moved: {applied.apply()}.")


@commands.command("roll-up")
@click.option("--anew", is_flag=True, help="From the first line on, as after a mistake of ours.")
def roll_up(*, anew: bool) -> None:
    """Count what is new in the ledger for the reports, as the worker does each hour."""
    lines = rollup.roll_up(anew=anew)
    click.echo(f"Lines counted: {lines}." if lines else "Nothing is new, or somebody else is counting it.")


@commands.command("stripe-setup")
def stripe_setup() -> None:
    """Make products, prices, portal and webhook endpoint in the Stripe account; safe to run again."""
    for done in setup.setup(_settings().site_url):
        click.echo(f"{'made ' if done.is_new else 'found'}  {done.what}  ({done.stripe_id})")
        if done.secret:
            click.echo(
                "\nPut this into the settings, Stripe shows it only now:\n"
                f"PAYWALL_STRIPE_WEBHOOK_SECRETS={done.secret}\n"
            )


@commands.command("rehearse")
@click.option("--only", multiple=True, help="Only the scenarios whose name has these words in it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a scenario, one a line.")
def rehearse(*, only: tuple[str, ...], as_json: bool) -> None:
    """Play the main scenarios in your Stripe test account and compare them with the stand-in.

    Needs a test key and takes some minutes, because test clocks take their time. What it makes there, it
    takes away again. Exit code 1 if Stripe does otherwise than the stand-in.
    """
    if gateway().mode is not Mode.TEST:
        raise BadInput("Rehearsals need a test key: give PAYWALL_STRIPE_SECRET_KEY one with _test_ in it.")
    chosen = [one for one in SCENARIOS if not only or any(word in one.name for word in only)]
    if not chosen:
        raise BadInput("No scenario has such a name: " + "; ".join(one.name for one in SCENARIOS))
    agree = True
    for outcome in rehearsal.rehearse(gateway().client, setup.EVENTS, scenarios=chosen):
        click.echo(json.dumps(asdict(outcome)) if as_json else rehearsal.report(outcome))
        agree &= outcome.agrees
    if not agree:
        sys.exit(1)


@commands.command("proxy")
@click.option("--upstream", required=True, help="The site that keeps its pages, like http://127.0.0.1:8080.")
@click.option("--port", default=8000, type=click.IntRange(1, 65535))
@click.option("--workers", default=server.PROCESSES, type=click.IntRange(1, 64))
def proxy(upstream: str, port: int, workers: int) -> None:
    """Serve an existing site behind the door, with our pages beside it (docs/any-site.md)."""
    os.environ["PAYWALL_UPSTREAM"] = upstream
    if "site_url" not in _settings().model_fields_set:
        os.environ["PAYWALL_SITE_URL"] = f"http://{server.HOST}:{port}"
    config.load()
    click.echo(f"{upstream} is open behind the door at http://{server.HOST}:{port}. Ctrl-C stops it.")
    server.serve(port, processes=workers)


commands.add_command(gate_commands.gate)
commands.add_command(gate_commands.unlock)
commands.add_command(office_commands.why_command)
commands.add_command(office_commands.simulate_command)
commands.add_command(office_commands.leaktest_command)
commands.add_command(office_commands.cachetest_command)
commands.add_command(trail)
commands.add_command(crawler)
commands.add_command(token_commands.token)
commands.add_command(cash_commands.money)
commands.add_command(cash_commands.tieout)
commands.add_command(inbox_commands.inbox)
commands.add_command(coupon_commands.coupon)
commands.add_command(gift_commands.gift)
commands.add_command(gift_link)
commands.add_command(group_commands.group)
commands.add_command(institution)
commands.add_command(reconcile_commands.reconcile)
commands.add_command(repricing_commands.plan_price)
institution.add_command(institution_use.report)
