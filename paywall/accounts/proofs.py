"""Proofs of an address: a six-digit code and a link in one letter, kept as hashes, good once.

Flask-Security has codes and links too, but its code can be used again while it is valid and its link works on
GET, so a mail scanner that opens it would use it up. Here a GET changes nothing.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta

from flask import current_app
from sqlalchemy import delete, select, update

from paywall import clock, jobs
from paywall.accounts.models import Proof, Purpose
from paywall.db import db

CODE_FOR = timedelta(minutes=15)
TRIES = 5


@dataclass(frozen=True)
class Begun:
    """A proof that waits: what the letter says, and the id by which this browser may enter the code."""

    id: int
    code: str
    token: str


@dataclass(frozen=True)
class Proven:
    """An address was proven, for this purpose; `password` is a hash, `next` a path of ours."""

    id: int
    purpose: Purpose
    email: str
    reader_id: int | None
    password: str | None
    next: str | None


def begin(
    email: str,
    purpose: Purpose = Purpose.ENTER,
    *,
    link_for: timedelta = CODE_FOR,
    reader_id: int | None = None,
    password: str | None = None,
    next_path: str | None = None,
) -> Begun:
    """Start a proof of a normalised address; `password` is a hash. The caller writes the letter."""
    code, token, now = f"{secrets.randbelow(10**6):06}", secrets.token_urlsafe(32), clock.now()
    proof = Proof(
        purpose=purpose,
        email=email,
        reader_id=reader_id,
        password=password,
        next=next_path,
        code_hash=_code_hash(token_hash := _token_hash(token), code),
        token_hash=token_hash,
        code_until=now + CODE_FOR,
        link_until=now + link_for,
    )
    db.session.add(proof)
    db.session.flush()
    return Begun(proof.id, code, token)


def by_link(token: str, purpose: Purpose = Purpose.ENTER) -> Proven | None:
    """What this link would prove, changing nothing; None once it is spent, expired or made up."""
    mine = select(Proof).where(Proof.token_hash == _token_hash(token), Proof.purpose == purpose)
    proof = db.session.scalar(mine.where(Proof.link_until > clock.now()))
    return _facts(proof) if proof else None


def spend_link(token: str, purpose: Purpose = Purpose.ENTER) -> Proven | None:
    """Prove by the link; only the first caller gets an answer."""
    proven = by_link(token, purpose)
    return proven if proven and _take(proven.id) else None


def spend_code(proof_id: int, code: str) -> Proven | None:
    """Prove by the code, in the browser that asked for it. Each call is one of TRIES, right or wrong."""
    counted = (
        update(Proof)
        .where(Proof.id == proof_id, Proof.tries < TRIES, Proof.code_until > clock.now())
        .values(tries=Proof.tries + 1)
        .returning(Proof)
    )
    proof = db.session.scalars(counted).one_or_none()
    if proof is None or not hmac.compare_digest(proof.code_hash, _code_hash(proof.token_hash, code)):
        return None
    proven = _facts(proof)
    return proven if _take(proof_id) else None


def void(email: str) -> None:
    """Void whatever is under way for an address."""
    db.session.execute(delete(Proof).where(Proof.email == email))


@jobs.every(minute="17")
def forget_expired() -> None:
    """Delete the proofs that can no longer be spent."""
    db.session.execute(delete(Proof).where(Proof.link_until <= clock.now(), Proof.code_until <= clock.now()))
    db.session.commit()


def _take(proof_id: int) -> bool:
    taken = db.session.execute(delete(Proof).where(Proof.id == proof_id))
    return bool(taken.rowcount)  # type: ignore[attr-defined]  # a DELETE gives a CursorResult


def _facts(proof: Proof) -> Proven:
    return Proven(proof.id, proof.purpose, proof.email, proof.reader_id, proof.password, proof.next)


def _token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _code_hash(token_hash: str, code: str) -> str:
    # Six digits are soon guessed by whoever copies the table; without our key the guess cannot be checked.
    key = str(current_app.config["SECRET_KEY"]).encode()
    return hmac.new(key, f"{token_hash}:{code}".encode(), hashlib.sha256).hexdigest()
