"""`flask paywall ...`: what operators and staff do from a shell."""

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup

from paywall import jobs, watch
from paywall.accounts import staff as accounts_staff
from paywall.accounts.models import StaffRole
from paywall.articles.importers.markdown import import_markdown
from paywall.billing import coupon_commands, setup
from paywall.config import Settings
from paywall.db import db
from paywall.errors import PaywallError
from paywall.membership import plans
from paywall.membership.models import PlanState
from paywall.membership.rules import Interval
from paywall.money import Money

commands = AppGroup("paywall", help="Run and look after the paywall.")


def _plainly(command: Callable[..., None]) -> Callable[..., None]:
    """An error of ours is one line and exit code 1, never a traceback."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except PaywallError as error:
            raise click.ClickException(error.message) from None

    return run


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings


@commands.command("worker")
@_plainly
def worker() -> None:
    """Run background and periodic jobs until stopped."""
    watch.beat()
    jobs.run_worker(current_app._get_current_object())  # type: ignore[attr-defined]  # the app behind the proxy


@commands.command("staff")
@click.argument("email")
@click.option(
    "--role", "roles", multiple=True, required=True, type=click.Choice([role.value for role in StaffRole])
)
@_plainly
def staff(email: str, roles: tuple[str, ...]) -> None:
    """Give a reader staff roles; who has no account gets one, and a letter to sign in with."""
    for role in roles:
        done = accounts_staff.appoint(email, StaffRole(role))
        db.session.commit()
        click.echo(f"{done.email} {'is now' if done.is_new_role else 'was already'} {done.role}.")


@commands.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@_plainly
def import_articles(paths: tuple[Path, ...]) -> None:
    """Import articles from Markdown files with front matter; a bad file changes nothing."""
    report = import_markdown(paths)
    for line in report.lines():
        click.echo(line, err=bool(report.problems))
    if report.problems:
        sys.exit(1)
    db.session.commit()


@commands.command("plan")
@click.argument("slug")
@click.option("--name", required=True, help="As readers see it.")
@click.option("--description", default="", help="One sentence under the name.")
@click.option("--month", help="Price a month, like 5 or 5.50.")
@click.option("--year", help="Price a year.")
@click.option("--currency", help="Three letters; else the setting's.")
@click.option("--trial-days", default=0, type=click.IntRange(0, 730))
@click.option("--position", default=0, help="Order on the join page.")
@click.option("--state", default="open", type=click.Choice([state.value for state in PlanState]))
@_plainly
def plan(
    slug: str, month: str | None, year: str | None, currency: str | None, state: str, **text: Any
) -> None:
    """Create a plan, or change it; a new price is for newcomers. Then run stripe-setup."""
    currency = (currency or _settings().currency).lower()
    given = {Interval.MONTH: month, Interval.YEAR: year}
    prices = {interval: Money.read(amount, currency) for interval, amount in given.items() if amount}
    plans.write(plans.PlanText(slug=slug, prices=prices, state=PlanState(state), **text))
    db.session.commit()
    click.echo(f"Plan {slug} is written down. Run `flask paywall stripe-setup` to make it at Stripe.")


@commands.command("stripe-setup")
@_plainly
def stripe_setup() -> None:
    """Make products, prices, portal and webhook endpoint in the Stripe account; safe to run again."""
    for done in setup.setup(_settings().site_url):
        click.echo(f"{'made ' if done.is_new else 'found'}  {done.what}  ({done.stripe_id})")
        if done.secret:
            click.echo(
                "\nPut this into the settings, Stripe shows it only now:\n"
                f"PAYWALL_STRIPE_WEBHOOK_SECRETS={done.secret}\n"
            )


for group in (coupon_commands.coupon,):
    for command in group.commands.values():
        assert command.callback is not None  # each was made from a function
        command.callback = _plainly(command.callback)
    commands.add_command(group)
