"""`flask paywall why`, `simulate`, `leaktest` and `cachetest`: its reasons and its proofs, from a shell."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from paywall import clock
from paywall.access.words import tried
from paywall.config import ROOT
from paywall.errors import BadInput
from paywall.membership.models import Subscription
from paywall.office import asking, simulator, why, words
from paywall.office.caches import moments, proxies, site
from paywall.office.caches.turns import Turns
from paywall.office.leaks import askers, hunt
from paywall.office.why import Explained
from paywall.reports import rollup


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
    with askers.planted() as people:
        send = asking.over_http(base.rstrip("/")) if base else asking.in_process(app)
        leaks = list(hunt.hunt(people, asking.rules_of(app), send, count))
    for leak in leaks:
        click.echo(f"LEAK  {leak}", err=True)
    if count.unproven:
        who = "; ".join(count.unproven)
        raise BadInput(
            f"Some could not read what is theirs ({who}), so nothing is proven: is --base this site?"
        )
    if count.limited:
        click.echo(
            f"{count.limited} requests met a rate limit: switch PAYWALL_RATE_LIMITS off to try them too."
        )
    click.echo(f"{count.asked} requests for {len(people.planted.canaries)} articles, {len(leaks)} leaks.")
    if leaks:
        sys.exit(1)


@click.command("cachetest")
@click.option("--base", help="A running site, like http://127.0.0.1:8000; else a demo is started for it.")
@click.option("--proxy", default="nginx", type=click.Choice(sorted(proxies.KINDS)), show_default=True)
@click.option("--program", help="Where the proxy's program is, if not where programs are.")
@with_appcontext
def cachetest_command(base: str | None, proxy: str, program: str | None) -> None:
    """Let readers take turns at a real caching proxy; exit code 1 if one gets what is another's.

    The proxy runs on this machine for the test alone, with the configuration of docs/caches.md. Plants and
    takes away what `leaktest` does. With --base it must run with the settings of that site.
    """
    with TemporaryDirectory() as name:
        if base:
            _cachetest(base.rstrip("/"), proxy, program, Path(name))
        else:
            sys.exit(_cachetest_of_a_demo(proxy, program, Path(name)))


def _cachetest(base: str, proxy: str, program: str | None, folder: Path) -> None:
    address = urlsplit(base)
    if address.scheme != "http" or not address.hostname:
        raise BadInput("--base is the site as a proxy asks it: http:// with host and port.")
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # the app behind the proxy
    running = proxies.running(proxy, program, address.netloc, folder)
    with running as cache, moments.planted() as (ready, people):
        turns = Turns(people, direct=asking.over_http(base), through=asking.over_http(cache))
        faults = list(moments.test(app, ready, turns))
    for fault in faults:
        click.echo(f"FAULT  {fault}", err=True)
    seen = turns.seen
    missing = () if faults else tuple(moments.unproven(ready, seen))
    for line in missing:
        click.echo(f"UNPROVEN  {line}", err=True)
    click.echo(
        f"{seen.asked} requests with {proxies.KINDS[proxy].name}: {len(seen.kept)} addresses kept, "
        f"{seen.revalidated} answers asked for again, {len(faults)} faults."
    )
    if faults or missing:
        sys.exit(1)


def _cachetest_of_a_demo(proxy: str, program: str | None, folder: Path) -> int:
    """The same in a process that has the demo's settings; its exit code."""
    with site.running(folder) as (url, environ):
        words = [sys.executable, "-m", "flask", "paywall", "cachetest", "--base", url, "--proxy", proxy]
        words += ["--program", program] if program else []
        return subprocess.run(words, cwd=ROOT, env=environ, check=False).returncode


def _lines(found: Explained) -> Iterator[str]:
    article, zone = found.article, rollup.zone()
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
