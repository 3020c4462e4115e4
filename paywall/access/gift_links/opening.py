"""A gift link at the door: the token in an address, what it is worth, what is counted, and what is sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from flask import Flask
from sqlalchemy import Connection, bindparam, select, update

from paywall.access import tokens
from paywall.access.gift_links import rules
from paywall.access.gift_links.models import GiftLink
from paywall.access.gift_links.rules import State
from paywall.access.tally import Tally, is_read_by_someone
from paywall.access.tokens import Purpose
from paywall.config import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

PARAMETER = "gift"
# An address with a token in it is kept by no cache, listed by no search engine and told to no other site.
HEADERS = (
    ("Cache-Control", "private, no-store"),
    ("X-Robots-Tag", "noindex"),
    ("Referrer-Policy", "no-referrer"),
)
_REPLACED = frozenset(name.lower() for name, _value in HEADERS)
_query = select(GiftLink.key, GiftLink.giver_id, GiftLink.nonce, GiftLink.until, GiftLink.revoked_at).where(
    GiftLink.id == bindparam("link_id")
)


@dataclass(frozen=True, slots=True)
class Opening:
    """What the token in an address is worth; the rest is known of a good one only."""

    state: State
    link_id: int | None = None
    giver_id: int | None = None
    until: datetime | None = None

    @property
    def is_good(self) -> bool:
        """Whether it opens the article."""
        return self.state is State.GOOD


UNCHECKED = Opening(State.UNCHECKED)


class GiftLinks:
    """Makes the tokens and looks at them; one for each app."""

    def __init__(self, secret: str, tally: Tally) -> None:
        self._secret = secret
        self._tally = tally

    def token(self, link: GiftLink) -> str:
        """The token of a link, the same each time."""
        return tokens.make(self._secret, Purpose.GIFT, link.id, link.nonce)

    def look(self, connection: Connection, token: str, key: str, now: datetime) -> Opening:
        """What a token is worth for the article with this key: one query by primary key, none for no token.

        Raises SQLAlchemyError if the database does not answer.
        """
        link_id = tokens.read(token)
        if link_id is None:
            return Opening(State.UNKNOWN)
        row = connection.execute(_query, {"link_id": link_id}).first()
        if row is None or row.key != key:
            return Opening(State.UNKNOWN)
        if not tokens.fits(token, self._secret, Purpose.GIFT, link_id, row.nonce):
            return Opening(State.UNKNOWN)
        found = rules.state(row.until, row.revoked_at, now)
        return Opening(found, link_id, row.giver_id, row.until) if found is State.GOOD else Opening(found)

    def opened(self, opening: Opening, environ: Mapping[str, Any], reader_id: int | None) -> None:
        """Count that somebody other than the giver came by a good link. Asks no database, never raises."""
        is_giver = reader_id is not None and reader_id == opening.giver_id
        if opening.is_good and not is_giver and is_read_by_someone(environ):
            self._tally.add(opening.link_id)


def token_in(environ: Mapping[str, Any]) -> str | None:
    """The token in a request's address, perhaps an empty one; None if nothing is said of a gift."""
    query = environ.get("QUERY_STRING", "")
    if PARAMETER not in query:
        return None
    found = parse_qs(query, keep_blank_values=True).get(PARAMETER)
    return found[0] if found else None


def unshared(start_response: "StartResponse") -> "StartResponse":
    """The same with HEADERS in place of what the page says there; for any request that names a gift."""

    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        others = [(name, value) for name, value in headers if name.lower() not in _REPLACED]
        return start_response(status, [*others, *HEADERS], exc_info)

    return start


def init_app(app: Flask, settings: Settings) -> None:
    """Let app.extensions["gift_links"] know them."""
    tally = Tally(app, add_openings)
    app.extensions["gift_links"] = GiftLinks(settings.secret_key.get_secret_value(), tally)


def add_openings(connection: Connection, counts: Mapping[int, int]) -> None:
    """Write down how often links were opened."""
    query = update(GiftLink).where(GiftLink.id == bindparam("link_id"))
    query = query.values(opened=GiftLink.opened + bindparam("more"))
    rows = [{"link_id": link_id, "more": more} for link_id, more in sorted(counts.items())]
    connection.execute(query, rows)
