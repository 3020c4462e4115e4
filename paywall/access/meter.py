"""The free reads of a period: how they are counted (pure), and where: a visitor's in a signed cookie."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from zoneinfo import ZoneInfo

from itsdangerous import BadSignature, Signer

from paywall import clock
from paywall.access.decision import Meter

COOKIE = "paywall_meter"
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LONGEST_MONTH = timedelta(days=31)
SPENT = Meter(0)
REMEMBERED = 5000


@dataclass(frozen=True, slots=True)
class Read:
    """A free read of the page named `key`, at an instant (aware UTC, whole minutes)."""

    key: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many pages visitors and signed-in readers may read free in `days`; 0 is the calendar month."""

    visitor: int
    reader: int
    days: int
    timezone: str

    def since(self, now: datetime) -> datetime:
        """When the period began in which `now` lies (aware UTC)."""
        if self.days:
            return now - timedelta(days=self.days)
        return _month(now.replace(second=0, microsecond=0), self.timezone)

    @property
    def longest(self) -> timedelta:
        """How long a read can count."""
        return timedelta(days=self.days) if self.days else LONGEST_MONTH


NONE_FREE = Allowance(visitor=0, reader=0, days=0, timezone="UTC")


def count(reads: Iterable[Read], key: str, *, allowed: int, since: datetime) -> Meter:
    """What is left of the reads `allowed` to whoever made these, for the page named `key`."""
    counted = {read.key for read in reads if read.at >= since}
    return Meter(max(0, allowed - len(counted)), key in counted)


class Cookies:
    """A visitor's reads as the value of a cookie: signed, so that none can be taken out of it unseen.

    To sign takes longer than all else that a visitor costs, so what was signed or verified last is kept.
    Many who come first read the same page in the same minute, and then their cookies are the same.
    """

    def __init__(self, secret: str, *, broken_is_spent: bool) -> None:
        signer = Signer(secret, salt="paywall.meter", digest_method=sha256)
        self._signed = lru_cache(maxsize=REMEMBERED)(lambda text: signer.sign(text).decode())
        self._verified = lru_cache(maxsize=REMEMBERED)(lambda value: _reads(signer.unsign(value).decode()))
        self._broken_is_spent = broken_is_spent

    def read(self, value: str) -> tuple[Read, ...] | None:
        """The reads in a cookie; None is one that we did not sign, if the setting has it count as spent."""
        if not value:
            return ()
        try:
            return self._verified(value)
        except (BadSignature, UnicodeError):
            return None if self._broken_is_spent else ()

    def write(self, reads: Iterable[Read], since: datetime) -> str:
        """The cookie for those of these reads that still count."""
        parts = (f"{read.key}:{(read.at - EPOCH) // MINUTE}" for read in reads if read.at >= since)
        return self._signed("/".join(parts))


@lru_cache(maxsize=100)
def _month(minute: datetime, timezone: str) -> datetime:
    return clock.month_start(minute, ZoneInfo(timezone))


def _reads(text: str) -> tuple[Read, ...]:
    return tuple(_read(part) for part in text.split("/") if part)


def _read(part: str) -> Read:
    key, _, minutes = part.partition(":")
    return Read(key, EPOCH + int(minutes) * MINUTE)
