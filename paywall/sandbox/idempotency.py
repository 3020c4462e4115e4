"""Idempotency keys: the first answer is kept for 24 hours (https://docs.stripe.com/api/idempotent_requests)."""

import hashlib
import os
import sqlite3
import time
from dataclasses import dataclass

from paywall.sandbox.errors import ErrorType, SandboxError
from paywall.sandbox.store import Store

KEEP = 24 * 3600
_LEASE = 120.0


@dataclass(frozen=True)
class Kept:
    """An answer from before."""

    status: int
    body: str


def fingerprint(method: str, path: str, form: bytes) -> str:
    """What must be the same when a key is used again."""
    return hashlib.sha256(b"\n".join((method.encode(), path.encode(), form))).hexdigest()


def claim(store: Store, key: str, print_: str, now: int) -> Kept | None:
    """Reserve a key, or give the answer that it already has.

    Raises `SandboxError`: idempotency_error (400) for other parameters, 409 while the first use still runs.
    """
    with store.write() as db:
        db.execute("DELETE FROM keys WHERE created <= ?", (now - KEEP,))
        row = db.execute("SELECT * FROM keys WHERE key = ?", (key,)).fetchone()
        if row is None or (row["status"] is None and _abandoned(row)):
            values = (key, print_, now, os.getpid(), time.time() + _LEASE)
            db.execute("INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?, ?, NULL, NULL)", values)
            return None
        return _known(row, print_)


def keep(db: sqlite3.Connection, key: str | None, status: int, body: str) -> None:
    """Store the answer, in the transaction that made it."""
    if key:
        db.execute("UPDATE keys SET status = ?, body = ? WHERE key = ?", (status, body, key))


def release(store: Store, key: str | None) -> None:
    """Forget a key whose request was not carried out."""
    if key:
        with store.write() as db:
            db.execute("DELETE FROM keys WHERE key = ? AND status IS NULL", (key,))


def _known(row: sqlite3.Row, print_: str) -> Kept:
    if row["fingerprint"] != print_:
        raise SandboxError(
            "Keys for idempotent requests can only be used with the same parameters they were first used "
            f"with. Try using a key other than '{row['key']}' if you meant to execute a different request.",
            type=ErrorType.IDEMPOTENCY,
        )
    if row["status"] is None:
        raise SandboxError(
            f"There is currently another in-progress request using this Idempotent Key: {row['key']}.",
            status=409,
            type=ErrorType.IDEMPOTENCY,
            code="idempotency_key_in_use",
        )
    return Kept(row["status"], row["body"])


def _abandoned(row: sqlite3.Row) -> bool:
    """Was the process that took the key killed?"""
    if row["leased_until"] < time.time():
        return True
    try:
        os.kill(row["pid"], 0)
    except ProcessLookupError:
        return True
    return False
