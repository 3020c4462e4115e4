"""`flask paywall why` and `flask paywall simulate`: the door's reasons, from a shell."""

import sys
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from paywall import clock
from paywall.access.words import tried
from paywall.config import Settings
from paywall.errors import BadInput
from paywall.membership.models import Subscription
from paywall.office import simulator, why, words
from paywall.office.leaks import canaries, hunt
from paywall.office.why import Explained


@click.command("why")
@click.argument("email")
@click.argument("slug")
@with_appcontext
def why_command(email: str, slug: str) -> None:
    """Why the reader EMAIL (or "visitor") can, or cannot, read the article SLUG."""
    found = why.explain(None if email == "visitor" else email, slug, clock.now())
    for line in _lines(found):
        click.echo(line)


@click.command("simulate")
@click.argument("slug")
@with_appcontext
def simulate_command(slug: str) -> None:
    """What the article SLUG shows to sample readers now; it need not be published."""
    now = clock.now()
    article = why.before(slug, now)
    click.echo(f"{article.title}: {words.gate(article.gate.at(now))}")
    for sample in simulator.simulate(article.gate, why.newsroom(), now):
        click.echo(f"  {sample.who:<52}{words.decision(sample.decision)}")


@click.command("leaktest")
@click.option("--base", help="A running site, like https://news.example.org; else this app without a server.")
@with_appcontext
def leaktest_command(base: str | None) -> None:
    """Try to read what is gated, in every way and through every route; exit code 1 if a word comes out.

    Plants articles and readers of its own at the far end of the archive, and takes them away again. With
    --base it must run with the settings of that site.
    """
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # the app behind the proxy
    count = hunt.Count()
    with canaries.planted() as planted:
        send = hunt.over_http(base.rstrip("/")) if base else hunt.in_process(app)
        leaks = list(hunt.hunt(planted, hunt.rules_of(app), send, count))
    for leak in leaks:
        click.echo(f"LEAK  {leak}", err=True)
    if count.open_to_staff < len(planted.canaries) - len(canaries.NOT_OUT):
        raise BadInput("Staff could not read the canaries either, so nothing is proven: is --base this site?")
    if count.limited:
        click.echo(
            f"{count.limited} requests met a rate limit: switch PAYWALL_RATE_LIMITS off to try them too."
        )
    click.echo(f"{count.asked} requests for {len(planted.canaries)} articles, {len(leaks)} leaks.")
    if leaks:
        sys.exit(1)


def _lines(found: Explained) -> Iterator[str]:
    article, zone = found.article, _zone()
    yield f"Article  {article.slug}: {words.gate(article.gate.at(found.now))}"
    yield f"         {words.gate(article.gate)}: {words.origin(article.own_gate, article.rule)}"
    for window in article.gate.windows:
        is_open = "open now" if window.is_open(found.now) else "shut now"
        yield f"         {words.window(window, zone)} ({is_open})"
    if not article.published_at or article.published_at > found.now:
        yield f"         not out yet: {words.local(article.published_at, zone)}"
    yield f"Reader   {words.reader(found.reader)}"
    for held in found.held:
        yield f"         {_held(held, zone)}"
    for one in found.tried:
        yield f"  {one.rule:<14}{tried(one)}"
    yield f"Decision {words.decision(found.decision)}"


def _held(held: Subscription, zone: ZoneInfo) -> str:
    until = words.local(held.access_until, zone)
    what = f"{held.plan.slug} by {held.source} ({held.external_id}), {held.status}"
    return f"{what}: reads until {until}, {words.cause(held.access_cause)}"


def _zone() -> ZoneInfo:
    settings: Settings = current_app.extensions["settings"]
    return ZoneInfo(settings.timezone)
