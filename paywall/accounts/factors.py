"""The second factor of staff: six digits that an app shows (TOTP, RFC 6238), and recovery codes on paper.

What the app shares with us is made anew from the row's salt and our key whenever it is needed: nothing in the
database, nor in a session, is enough to show a code.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime

from flask import current_app
from passlib.exc import TokenError
from passlib.totp import TOTP
from sqlalchemy import delete, func, select, update

from paywall import clock, mail
from paywall.accounts import letters, trail
from paywall.accounts.models import Factor, Reader, RecoveryCode
from paywall.config import Settings
from paywall.db import db

RECOVERY_CODES = 10
DIGITS = 6


@dataclass(frozen=True, slots=True)
class Shared:
    """What an app needs to show our codes: `key` to type, or `uri` (otpauth:) to take in as a picture."""

    key: str
    uri: str


def new_salt() -> str:
    """The beginning of a new factor; it counts once `enrol` has seen a code made from it."""
    return secrets.token_hex(20)


def shared(salt: str, email: str) -> Shared:
    """What an app has to be told."""
    settings: Settings = current_app.extensions["settings"]
    totp = _totp(salt)
    # A colon would part the site's name from the address.
    site = settings.site_name.replace(":", " ")
    return Shared(totp.pretty_key(sep=" "), totp.to_uri(label=email, issuer=site))


def of(reader_id: int) -> Factor | None:
    """The factor that this reader has set up."""
    return db.session.scalar(select(Factor).where(Factor.reader_id == reader_id))


def owners() -> set[int]:
    """The ids of all readers who have set one up."""
    return set(db.session.scalars(select(Factor.reader_id)))


def mark(factor: Factor) -> str:
    """What a session notes of the factor that was given in it; that of another factor is another."""
    return hashlib.sha256(factor.salt.encode()).hexdigest()[:16]


def enrol(reader: Reader, salt: str, shown: str) -> tuple[str, ...] | None:
    """Make this the reader's factor if the app shows the right code; the recovery codes, or None.

    Another that they had is gone with its codes. The caller commits.
    """
    step = _step(salt, shown)
    if step is None:
        return None
    had = db.session.execute(delete(Factor).where(Factor.reader_id == reader.id))
    db.session.add(factor := Factor(reader_id=reader.id, salt=salt, last_step=step))
    db.session.flush()
    is_first = not had.rowcount  # type: ignore[attr-defined]  # a DELETE gives a CursorResult
    _tell(reader, "second factor set up" if is_first else "second factor changed", "set_up")
    return _write_codes(factor)


def check(reader: Reader, factor: Factor, given: str) -> bool:
    """Whether this is what the app shows now, or a recovery code; either is good once. The caller commits."""
    plain = _plain(given)
    if len(plain) == DIGITS:
        step = _step(factor.salt, plain)
        newer = update(Factor).where(Factor.id == factor.id, Factor.last_step < (step or 0))
        return step is not None and _changed_one(newer.values(last_step=step))
    mine = RecoveryCode.factor_id == factor.id
    is_taken = _changed_one(delete(RecoveryCode).where(mine, RecoveryCode.code_hash == _hash(factor, plain)))
    if is_taken:
        _tell(reader, "recovery code used", "recovery")
    return is_taken


def renew_codes(reader: Reader, factor: Factor) -> tuple[str, ...]:
    """New recovery codes in place of the old. The caller commits."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.factor_id == factor.id))
    _tell(reader, "recovery codes renewed", "codes")
    return _write_codes(factor)


def codes_left(factor: Factor) -> int:
    """How many recovery codes have not been used."""
    mine = select(func.count()).where(RecoveryCode.factor_id == factor.id)
    return db.session.scalar(mine) or 0


def forget(reader: Reader, reason: str) -> bool:
    """Take the factor from a reader who lost it: they set up another at their next sign-in.

    False if there is none. Sessions are the caller's to end; the caller commits.
    """
    if not drop(reader):
        return False
    _tell(reader, "second factor reset", "reset", reason)
    return True


def drop(reader: Reader) -> bool:
    """Delete the factor of who is no longer of the staff; whether there was one. The caller commits."""
    return _changed_one(delete(Factor).where(Factor.reader_id == reader.id))


def digits(salt: str, at: datetime) -> str:
    """What the app shows at an instant: for the stand-in of a phone in the demo and in tests."""
    return str(_totp(salt).generate(at).token)


def phones() -> list[tuple[str, str]]:
    """What each app shows now, by the address of its owner: for the demo, whose staff have no phone."""
    rows = db.session.execute(select(Reader.email, Factor.salt).join(Factor).order_by(Reader.email))
    return [(email, digits(salt, clock.wall())) for email, salt in rows]


def _tell(reader: Reader, act: str, said: str, reason: str = "") -> None:
    """A line in the trail, and a letter: whoever did not do it themselves has to know."""
    trail.note(act, reader.email, reader_id=reader.id, reason=reason)
    mail.write("second_factor", reader.email, what=said, link=letters.outside("factor.held"))


def _write_codes(factor: Factor) -> tuple[str, ...]:
    codes = tuple(secrets.token_hex(6) for _ in range(RECOVERY_CODES))
    db.session.add_all(RecoveryCode(factor_id=factor.id, code_hash=_hash(factor, code)) for code in codes)
    db.session.flush()
    return tuple("-".join((code[:4], code[4:8], code[8:])) for code in codes)


def _step(salt: str, shown: str) -> int | None:
    """The half-minute whose code this is: the present one, or for clocks that differ the one beside it."""
    try:
        return int(_totp(salt).match(shown, clock.wall()).counter)
    except TokenError:
        return None


def _totp(salt: str) -> TOTP:
    return TOTP(_keyed(f"second factor:{salt}").digest()[:20], format="raw")


def _hash(factor: Factor, code: str) -> str:
    return _keyed(f"recovery code:{factor.salt}:{code}").hexdigest()


def _keyed(text: str) -> "hmac.HMAC":
    return hmac.new(str(current_app.config["SECRET_KEY"]).encode(), text.encode(), hashlib.sha256)


def _plain(given: str) -> str:
    return "".join(given.split()).replace("-", "").lower()


def _changed_one(statement: object) -> bool:
    return bool(db.session.execute(statement).rowcount)  # type: ignore[call-overload]  # UPDATE or DELETE
