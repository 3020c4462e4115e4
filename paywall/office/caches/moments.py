"""What the cache test asks for, by whom, and what happens meanwhile: articles change, access ends."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, current_app
from sqlalchemy import Select, select, update

from paywall import clock
from paywall.access import free_reads, meter
from paywall.access.meter import Cookies, Read
from paywall.access.middleware import GATE_AGE
from paywall.accounts.models import Reader, new_uniquifier
from paywall.articles import personal
from paywall.articles.models import Article
from paywall.config import Settings
from paywall.db import db
from paywall.membership.models import Subscription
from paywall.office import canaries
from paywall.office.asking import Ask, filled, rules_of
from paywall.office.caches.turns import Fault, Order, Seen, Turns
from paywall.office.canaries import KINDS, PATRON, READER, STAFF, STRANGER, Canary, Planted

UNPUBLISHED, SHUT, OPENED, METERED = "unpublished", "shut", "opened", "metered"
ASKED: canaries.Kinds = {
    "registered": KINDS["registered"],
    "patrons": KINDS["patrons"],
    UNPUBLISHED: {"gate": "public"},
    SHUT: {"gate": "public"},
    OPENED: {"gate": "patrons"},
    METERED: {"gate": "patrons", "is_metered": True},
}
CUT_OFF = "patron who is cut off"
READ_ONE, READ_ALL = "stranger who has read it", "stranger without free reads"
SOME = (STRANGER, READER, PATRON, STAFF)
BOTH = (Order.FORWARD, Order.BACKWARD)
AT_FIRST, CHANGED, ENDED = "at first", "articles have changed", "access has ended"
# It answers by where a request comes from, and a proxy is somewhere else.
NOT_FOR_ALL = {"/metrics"}
# How long a web process may go by what it knows of a gate, and a little more.
A_MOMENT = GATE_AGE + 0.2


@contextmanager
def planted() -> Iterator[tuple[Planted, dict[str, str]]]:
    """What is asked for, and the cookies of all who ask. Commits."""
    with canaries.planted(ASKED, patrons=(PATRON, CUT_OFF)) as ready:
        yield ready, ready.cookies | _strangers(ready)


def test(app: Flask, ready: Planted, turns: Turns) -> Iterator[Fault]:
    """Let everybody take turns at every route and each article, before and after all that changes them."""
    pages = [Ask("", canary.path) for canary in ready.canaries]
    asked = _the(OPENED, ready).asked
    lists = [Ask("", path) for path in ("/", f"/section/{ready.section}", "/feed.atom", f"/search?q={asked}")]
    own = [Ask("", _own_feed(ready))]
    yield from turns.play(AT_FIRST, (*_routes(app, ready), *lists[-1:]), BOTH, SOME)
    yield from turns.play(AT_FIRST, own, BOTH, (PATRON,))
    yield from turns.play(AT_FIRST, pages, tuple(Order))
    yield from turns.with_tags(AT_FIRST, pages)
    yield from turns.play(AT_FIRST, _otherwise(pages), (Order.FORWARD,), SOME)
    _change(ready)
    yield from turns.play(CHANGED, pages, BOTH)
    yield from turns.play(CHANGED, lists, BOTH, SOME)
    yield from turns.play(CHANGED, own, BOTH, (PATRON,))
    yield from turns.with_tags(CHANGED, pages)
    _end(ready)
    yield from turns.play(ENDED, pages, BOTH)
    yield from turns.play(ENDED, lists, BOTH, SOME)
    yield from turns.play(ENDED, own, BOTH, (PATRON,))
    yield from turns.with_tags(ENDED, pages)


def unproven(ready: Planted, seen: Seen) -> Iterator[str]:
    """Why the test has proven nothing: what it did was not seen, or the cache has kept nothing."""
    words = {canary.kind: canary.word for canary in ready.canaries}
    for moment, who, kind, can_read in EXPECTED:
        if (words[kind] in seen.words[moment, who]) is not can_read:
            done = "could not read" if can_read else "could read"
            yield f"{moment}, the {who} {done} the article of the kind {kind}: is --base this site?"
    if not seen.may_be_kept:
        yield "The site lets a cache keep nothing."
    for path in sorted(seen.may_be_kept - seen.kept):
        yield f"The cache has not kept {path}."


# When, who, of which kind, and whether they read it directly.
EXPECTED = (
    (AT_FIRST, STRANGER, UNPUBLISHED, True),
    (CHANGED, STRANGER, UNPUBLISHED, False),
    (AT_FIRST, STRANGER, SHUT, True),
    (CHANGED, STRANGER, SHUT, False),
    (AT_FIRST, STRANGER, OPENED, False),
    (CHANGED, STRANGER, OPENED, True),
    (CHANGED, PATRON, "patrons", True),
    (ENDED, PATRON, "patrons", False),
    (CHANGED, CUT_OFF, "patrons", True),
    (ENDED, CUT_OFF, "patrons", False),
    (CHANGED, READER, "registered", True),
    (ENDED, READER, "registered", False),
    (ENDED, STAFF, "patrons", True),
)


def _routes(app: Flask, ready: Planted) -> Sequence[Ask]:
    """Every route that can be read, and files that are there."""
    slug = ready.canaries[0].slug
    paths = {filled(rule, slug, ready.section) for rule, methods in rules_of(app) if "GET" in methods}
    picture = _read(select(Article.picture).where(Article.picture.is_not(None)).limit(1))
    files = {"/static/paper.css"} | ({f"/pictures/{picture}"} if picture else set())
    return [Ask("", path) for path in sorted((paths | files) - NOT_FOR_ALL)]


def _own_feed(ready: Planted) -> str:
    """A patron's feed, to which the address alone is the key. Commits."""
    reader_id = ready.readers[PATRON]
    personal.renew(reader_id)
    db.session.commit()
    with current_app.test_request_context():
        address = personal.address(reader_id)
    db.session.rollback()
    return urlsplit(address or "").path


def _otherwise(pages: Iterable[Ask]) -> Iterator[Ask]:
    for page in pages:
        yield replace(page, method="HEAD")
        yield page.plus("Range", "bytes=0-199")
        yield page.plus("Range", "bytes=-900")


def _change(ready: Planted) -> None:
    """One article is unpublished, one shut and one opened: commits, and returns when it is in force."""
    slugs = {canary.kind: canary.slug for canary in ready.canaries}
    for kind, values in (
        (UNPUBLISHED, {"published_at": None}),
        (SHUT, {"gate": "patrons"}),
        (OPENED, {"gate": "public"}),
    ):
        db.session.execute(update(Article).where(Article.slug == slugs[kind]).values(values))
    db.session.commit()
    time.sleep(A_MOMENT)


def _end(ready: Planted) -> None:
    """A plan runs out by itself, another is taken back, and a reader is signed out everywhere. Commits."""
    now = clock.now()
    for who, until in ((PATRON, now + timedelta(seconds=A_MOMENT / 2)), (CUT_OFF, now)):
        held = Subscription.reader_id == ready.readers[who]
        db.session.execute(update(Subscription).where(held).values(access_until=until))
    reader = Reader.id == ready.readers[READER]
    db.session.execute(update(Reader).where(reader).values(fs_uniquifier=new_uniquifier()))
    db.session.commit()
    time.sleep(A_MOMENT)


def _strangers(ready: Planted) -> dict[str, str]:
    """Two visitors with different counts of free reads."""
    settings: Settings = current_app.extensions["settings"]
    now = clock.now()
    since = free_reads.allowed(settings).since(now)
    cookies = Cookies(settings.secret_key.get_secret_value(), broken_is_spent=True)
    others = [Read(f"leaktest-{number}", now) for number in range(settings.meter_visitor_reads)]
    return {
        READ_ONE: f"{meter.COOKIE}={cookies.write([Read(_key(_the(METERED, ready)), now)], since)}",
        READ_ALL: f"{meter.COOKIE}={cookies.write(others, since)}",
    }


def _the(kind: str, ready: Planted) -> Canary:
    return next(canary for canary in ready.canaries if canary.kind == kind)


def _key(canary: Canary) -> str:
    """By what the door knows the article."""
    return str(_read(select(Article.id).where(Article.slug == canary.slug)))


def _read(query: Select[Any]) -> Any:
    """One value, in a transaction that ends with it: while one is open here, the site waits to write."""
    with db.engine.connect() as connection:
        return connection.scalar(query)
