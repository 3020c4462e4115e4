"""Tokens: made once and shown once, found by their hash, good until they expire or are revoked."""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from paywall import clock
from paywall.accounts import addresses, trail
from paywall.accounts.models import Reader
from paywall.api.models import ApiToken, Scope
from paywall.db import db, read_only
from paywall.errors import BadInput, NotFound

BEGINNING = "pw_"
SHOWN = 8


@dataclass(frozen=True, slots=True)
class Good:
    """A token that holds: of the newsroom with `scopes`, or of the reader with `email`."""

    id: int
    scopes: frozenset[Scope]
    email: str | None


def make(
    name: str,
    *,
    by: str,
    scopes: Collection[Scope] = (),
    reader: str | None = None,
    days: int | None = None,
    reason: str = "",
) -> tuple[ApiToken, str]:
    """A new token and its secret, which nobody can ask for again; the caller commits.

    Give scopes, or the address of the `reader` whom it stands for. Raises BadInput and NotFound.
    """
    if bool(scopes) == bool(reader):
        raise BadInput("Give scopes for a token of the newsroom, or a reader for a reader's own.")
    secret = BEGINNING + secrets.token_urlsafe(32)
    token = ApiToken(
        name=name,
        scopes=" ".join(sorted(scopes)),
        reader=_reader(reader) if reader else None,
        prefix=secret[:SHOWN],
        secret_hash=hashed(secret),
        made_by=by,
        expires_at=clock.now() + timedelta(days=days) if days else None,
    )
    db.session.add(token)
    db.session.flush()
    trail.note(
        "token made",
        f"token {token.id} {name}",
        reader_id=token.reader_id,
        after={"scopes": token.scopes, "expires": token.expires_at, "made by": by},
        reason=reason,
    )
    return token, secret


def every() -> list[ApiToken]:
    """All tokens there ever were, the newest first."""
    return list(db.session.scalars(select(ApiToken).order_by(ApiToken.id.desc())))


def revoke(number: int, *, reason: str = "") -> ApiToken:
    """End a token now; one that was revoked before keeps its date. The caller commits."""
    token = db.session.get(ApiToken, number)
    if token is None:
        raise NotFound(f"There is no token {number}.")
    if token.revoked_at is None:
        token.revoked_at = clock.now()
        trail.note("token revoked", f"token {number} {token.name}", reader_id=token.reader_id, reason=reason)
    return token


def holds(token: ApiToken, now: datetime) -> bool:
    """Whether it is good at `now` (aware UTC); that of a reader's account which was closed is not."""
    if token.revoked_at is not None or (token.reader and not token.reader.active):
        return False
    return token.expires_at is None or now < token.expires_at


def find(secret: str) -> Good | None:
    """The good token with this secret, noted as used today, or None; no transaction stays open."""
    now = clock.now()
    read_only()
    token = db.session.scalar(select(ApiToken).where(ApiToken.secret_hash == hashed(secret)))
    good = _good(token) if token and holds(token, now) else None
    is_first_today = token is not None and token.used_on != now.date()
    db.session.rollback()
    if good and is_first_today:
        db.session.execute(update(ApiToken).where(ApiToken.id == good.id).values(used_on=now.date()))
        db.session.commit()
    return good


def hashed(secret: str) -> str:
    """What is kept of a secret."""
    # It is 256 bits of chance: there is nothing to guess that a slow hash would make dearer.
    return hashlib.sha256(secret.encode()).hexdigest()


def _good(token: ApiToken) -> Good:
    email = token.reader.email if token.reader else None
    return Good(token.id, frozenset(map(Scope, token.scopes.split())), email)


def _reader(email: str) -> Reader:
    found = db.session.scalar(select(Reader).where(Reader.email == addresses.normalise(email)))
    if found is None:
        raise NotFound(f"There is no reader {email}.")
    return found
