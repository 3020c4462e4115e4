"""Which gated articles a browser saw in the last days: kept by the browser itself, signed. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from hashlib import sha256

from itsdangerous import BadSignature, Signer

COOKIE = "paywall_seen"
WINDOW = timedelta(days=7)
MOST = 20
REMEMBERED = 5000
_EPOCH = date(2020, 1, 1)


@dataclass(frozen=True, slots=True)
class Touch:
    """An article (`key`, the door's name for it) that was last seen on a day."""

    key: str
    day: date


Touches = tuple[Touch, ...]


def within(touches: Iterable[Touch], today: date) -> Touches:
    """Those of today and of the seven days before."""
    return tuple(one for one in touches if today - WINDOW <= one.day <= today)


def seen(touches: Touches, key: str, today: date) -> Touches:
    """The same after one more: each article once, the last seen at the end, the oldest dropped."""
    others = (one for one in within(touches, today) if one.key != key)
    return (*others, Touch(key, today))[-MOST:]


class Memory:
    """Touches as the value of a cookie: nobody can write an article into it that they did not see.

    To sign takes longer than all else, so what was signed or verified last is kept.
    """

    def __init__(self, secret: str) -> None:
        signer = Signer(secret, salt="paywall.seen", digest_method=sha256)
        self._signed = lru_cache(maxsize=REMEMBERED)(lambda text: signer.sign(text).decode())
        self._verified = lru_cache(maxsize=REMEMBERED)(lambda value: _parsed(signer.unsign(value).decode()))

    def read(self, value: str) -> Touches:
        """The touches in a cookie, the last seen at the end; none in one that we did not sign."""
        try:
            return self._verified(value) if value else ()
        except (BadSignature, UnicodeError):
            return ()

    def write(self, touches: Touches) -> str:
        """The cookie's value."""
        return self._signed("/".join(f"{one.key}:{(one.day - _EPOCH).days}" for one in touches))


def _parsed(text: str) -> Touches:
    return tuple(
        Touch(key, _EPOCH + timedelta(days=int(days)))
        for key, _, days in (part.partition(":") for part in text.split("/") if part)
    )
