"""Who asks in the leak test: those who lack just what an article asks for, and have all else there is."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import select, update

from paywall import clock
from paywall.access import free_reads, meter
from paywall.access.gift_links import giving
from paywall.access.gift_links.opening import GiftLinks
from paywall.access.gift_links.rules import Terms
from paywall.access.meter import Allowance, Cookies, Read
from paywall.access.models import MeterRead
from paywall.api import tokens
from paywall.api.models import ApiToken, Scope
from paywall.articles.models import Article
from paywall.config import Settings
from paywall.db import db
from paywall.membership.models import Subscription
from paywall.membership.rules import Status
from paywall.office import canaries
from paywall.office.canaries import (
    KINDS,
    NOT_OUT,
    PATRON,
    PREFIX,
    READER,
    STAFF,
    STRANGER,
    Canary,
    Planted,
)

ENDED, ALL_READ, ALL_SEEN = "patron of once", "reader without free reads", "stranger without free reads"
OWN_TOKEN, OTHER_TOKEN = "a reader's own token", "a token to ask about access"
METERED, GIVEN = "metered", "given away"
ASKED: canaries.Kinds = {
    **KINDS,
    METERED: {"gate": "patrons", "is_metered": True},
    GIVEN: {"gate": "patrons"},
}
SIGNED_IN = (READER, ENDED, ALL_READ, OWN_TOKEN)
# Which articles are asked for in every way by whom: those that lack the one thing that opens them.
TRICKY: Mapping[str, str] = {PATRON: "plan", ENDED: "patrons", ALL_READ: METERED}
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Askers:
    """What is asked for, and by whom: the cookie of each, a gift token for GIVEN, and tokens of the API.

    `tokens`: by what lets them not read an article, or write one.
    """

    planted: Planted
    cookies: Mapping[str, str]
    gift: str
    tokens: Mapping[str, str]
    allowance: Allowance

    def may_read(self, who: str, canary: Canary) -> bool:
        """Whether this article is for whoever this is."""
        if who == STAFF:
            return True
        if canary.kind in {*NOT_OUT, "plan", "unknown gate"}:
            return False
        if who == PATRON or (canary.kind == "registered" and who in SIGNED_IN):
            return True
        free = {STRANGER: self.allowance.visitor, READER: self.allowance.reader, ENDED: self.allowance.reader}
        return canary.kind == METERED and free.get(who, 0) > 0


@contextmanager
def planted() -> Iterator[Askers]:
    """Plant all of it; it is gone afterwards. Commits."""
    settings: Settings = current_app.extensions["settings"]
    allowance = free_reads.allowed(settings)
    with canaries.planted(ASKED, patrons=(PATRON, ENDED), readers=(ALL_READ,)) as ready:
        _end(ready.readers[ENDED])
        _spend(ready.readers[ALL_READ], allowance)
        cookies = ready.cookies | {ALL_SEEN: _spent(settings, allowance)}
        done = Askers(ready, cookies, _gift(ready), _tokens(ready), allowance)
        db.session.commit()
        yield done


def _end(reader_id: int) -> None:
    now = clock.now()
    ended = {"status": Status.CANCELED, "started_at": now - 9 * HOUR, "access_until": now - HOUR}
    db.session.execute(update(Subscription).where(Subscription.reader_id == reader_id).values(ended))


def _spend(reader_id: int, allowance: Allowance) -> None:
    for read in _reads(allowance.reader):
        db.session.add(MeterRead(reader_id=reader_id, key=read.key, read_at=read.at))


def _spent(settings: Settings, allowance: Allowance) -> str:
    cookies = Cookies(settings.secret_key.get_secret_value(), broken_is_spent=True)
    written = cookies.write(_reads(allowance.visitor), allowance.since(clock.now()))
    return f"{meter.COOKIE}={written}"


def _reads(number: int) -> list[Read]:
    return [Read(f"{PREFIX}{each}", clock.now()) for each in range(number)]


def _gift(ready: Planted) -> str:
    """The token of a link that opens GIVEN, and nothing else."""
    slug = next(one.slug for one in ready.canaries if one.kind == GIVEN)
    key = str(db.session.scalars(select(Article.id).where(Article.slug == slug)).one())
    terms = Terms(a_month=0, good_for=HOUR, zone=ZoneInfo("UTC"))
    link = giving.give(ready.readers[STAFF], key, terms, clock.now(), by_staff=True)
    known: GiftLinks = current_app.extensions["gift_links"]
    return known.token(link)


def _tokens(ready: Planted) -> dict[str, str]:
    own = ApiToken(name=OWN_TOKEN, reader_id=ready.readers[READER])
    return {
        OWN_TOKEN: _secret(own),
        OTHER_TOKEN: _secret(ApiToken(name=OTHER_TOKEN, scopes=Scope.ACCESS_READ)),
    }


def _secret(token: ApiToken) -> str:
    """Keep a token, without a line in the trail, which nobody could take out again."""
    secret = tokens.BEGINNING + secrets.token_urlsafe(32)
    token.name, token.made_by = f"{PREFIX}{token.name}", PREFIX
    token.prefix, token.secret_hash = secret[: tokens.SHOWN], tokens.hashed(secret)
    token.expires_at = clock.now() + HOUR
    db.session.add(token)
    return secret
