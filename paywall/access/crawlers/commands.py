"""`flask paywall crawler`: why a search engine does, or does not, see the whole text."""

import click
from flask import current_app
from flask.cli import with_appcontext

from paywall import clock
from paywall.access.crawlers import FULL, lists
from paywall.access.crawlers.engines import ENGINES, Address, Engine, read
from paywall.access.crawlers.names import look_up
from paywall.config import Settings
from paywall.errors import BadInput


@click.command("crawler")
@click.argument("address")
@with_appcontext
def crawler(address: str) -> None:
    """Whose crawler an ADDRESS is: by the lists that we keep, and by the DNS, which is asked now."""
    found = read(address)
    if found is None:
        raise BadInput(f"{address!r} is no address: give one like 66.249.66.1 or 2001:4860:4801:10::1")
    settings: Settings = current_app.extensions["settings"]
    verified = []
    for engine in ENGINES:
        is_listed, by_list = _by_list(settings, found, engine)
        is_named, by_name = _by_name(found, engine)
        click.echo(f"{engine.name}\n  list  {by_list}\n  DNS   {by_name}")
        verified += [engine.name] if is_listed or is_named else []
    click.echo(_so(settings, verified))


def _by_list(settings: Settings, address: Address, engine: Engine) -> tuple[bool, str]:
    if engine.name not in lists.wanted(settings.crawler_lists):
        return False, "none is set (PAYWALL_CRAWLER_LISTS)"
    now = clock.wall()
    held = lists.kept(lists.folder(settings), engine.name, now)
    if held is None:
        return False, "not here yet: the worker fetches it within an hour if PAYWALL_CRAWLERS is full"
    is_listed = address in held.ranges
    which = f"{held.ranges.networks} networks of {held.fetched_at:%Y-%m-%d %H:%M} UTC"
    return is_listed, f"{'yes,' if is_listed else 'no, not'} among {which}"


def _by_name(address: Address, engine: Engine) -> tuple[bool, str]:
    if not engine.domains:
        return False, "it gives its crawler no names"
    finding = look_up(address, engine)
    match finding.is_theirs:
        case True:
            said = f"yes, {finding.host} is theirs and leads back to {address}"
        case False:
            said = f"no, {address} {f'is {finding.host}' if finding.host else 'has no name'}"
        case None:
            said = "no answer: try again"
    return bool(finding.is_theirs), said


def _so(settings: Settings, verified: list[str]) -> str:
    if not verified:
        return "So: an ordinary visitor, whatever it says that it is."
    if settings.crawlers == FULL:
        return f"So: the whole text, if its User-Agent names the crawler of {verified[0]}."
    return f"So: {verified[0]}, and the teaser like every visitor (PAYWALL_CRAWLERS is teaser)."
