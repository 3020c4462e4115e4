"""Sixty months of memberships, made up: who joined when, what came of it, and the lines of the ledger on it.

The same seed makes the same lives. They are plausible and no more: prices, breaks, failed payments, returns.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple

from paywall.membership.rules import Change, Source, Status

BEGAN, ENDED = datetime(2021, 11, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
# One reader in so many never joins; all others write about five lines each.
SHARE_WHO_JOIN = 0.6
MONTH = 30.4
AMOUNTS = (500, 500, 500, 417, 1500)
# Of those who leave, every other one says why, in Stripe's words.
REASONS = ("too_expensive", "unused", "missing_features", "low_quality", "switched_service", "other")


class Entry(NamedTuple):
    """A line of the ledger; `heard` is when it was written."""

    heard: datetime
    at: datetime
    reader: int
    subscription: int
    plan: int
    source: Source
    change: Change
    status: Status
    delta: int
    currency: str
    feedback: str | None = None


@dataclass
class Life:
    """One membership as it stands in the end, and its lines; `price` is what it costs while it is held."""

    reader: int
    number: int
    plan: int
    source: Source
    currency: str
    started_at: datetime
    status: Status = Status.CANCELED
    monthly: int = 0
    price: int = 0
    ended_at: datetime | None = None
    lines: list[Entry] = field(default_factory=list)


def lives(readers: int, first_reader: int, plans: list[int], seed: int = 1) -> Iterator[Life]:
    """The memberships of so many readers, reader by reader."""
    chance = Random(seed)  # no secret hangs on it
    number = 0
    for reader in range(first_reader, first_reader + readers):
        if chance.random() > SHARE_WHO_JOIN:
            continue
        # The newsroom grows: the later months have more who join.
        since: datetime | None = BEGAN + (ENDED - BEGAN) * chance.random() ** 0.7
        while since is not None:
            number += 1
            life = _Living(chance, _born(chance, reader, number, plans, since))
            since = life.live()
            yield life.life


def _born(chance: Random, reader: int, number: int, plans: list[int], since: datetime) -> Life:
    (source,) = chance.choices(
        (Source.STRIPE, Source.PATREON, Source.GIFT, Source.GROUP, Source.COMP), (80, 10, 4, 4, 2)
    )
    (currency,) = chance.choices(("eur", "usd"), (3, 1))
    return Life(reader, number, chance.choice(plans), source, currency, since)


@dataclass
class _Living:
    chance: Random
    life: Life
    now: datetime = BEGAN

    def live(self) -> datetime | None:
        """Go through a life; when the reader comes back, if they do."""
        self.now = self.life.started_at
        amount = self._amount()
        if amount and self.chance.random() < 0.25:
            self._write(Change.TRIAL_STARTED, Status.TRIALING, 0)
            self._wait(14)
            if self.chance.random() < 0.35:
                return self._end()
            self._write(Change.CONVERTED, Status.ACTIVE, amount)
        else:
            self._write(Change.STARTED, Status.ACTIVE, amount)
        for _ in range(self.chance.randint(0, 6)):
            self._wait(self.chance.expovariate(1 / (5 * MONTH)))
            self._happen(amount)
        return self._end() if self.chance.random() < 0.6 else None

    def _amount(self) -> int:
        return self.chance.choice(AMOUNTS) if self.life.source in {Source.STRIPE, Source.PATREON} else 0

    def _happen(self, amount: int) -> None:
        monthly = self.life.monthly
        match self.chance.randrange(6) if monthly else 6:
            case 0 | 1:
                self._write(Change.FAILED, Status.PAST_DUE, 0)
                self._wait(self.chance.uniform(1, 9))
                self._write(Change.RECOVERED, Status.ACTIVE, 0)
            case 2:
                self._write(Change.UPGRADED, Status.ACTIVE, self.chance.choice((100, 300, 1000)))
            case 3 if monthly > 300:
                self._write(Change.DOWNGRADED, Status.ACTIVE, -100)
            case 4:
                self._write(Change.PAUSED, Status.PAUSED, -monthly)
                self._wait(self.chance.uniform(20, 90))
                self._write(Change.RESUMED, Status.ACTIVE, amount)
            case 5:
                self._write(Change.CANCELING, Status.ACTIVE, 0)
                self._wait(3)
                self._write(Change.CANCEL_UNDONE, Status.ACTIVE, 0)

    def _end(self) -> datetime | None:
        self._write(Change.CANCELING, self.life.status, 0)
        self._wait(self.chance.uniform(1, 25))
        self._write(Change.ENDED, Status.CANCELED, -self.life.monthly, self._reason())
        back = self.now + timedelta(days=self.chance.expovariate(1 / 200))
        return back if self.chance.random() < 0.15 and back < ENDED else None

    def _wait(self, days: float) -> None:
        self.now += timedelta(days=days)

    def _reason(self) -> str | None:
        number, is_silent = divmod(self.life.number, 2)
        return None if is_silent else REASONS[number % len(REASONS)]

    def _write(self, change: Change, status: Status, delta: int, feedback: str | None = None) -> None:
        """What would come after the last month has not happened yet."""
        if self.now >= ENDED:
            return
        life = self.life
        life.status, life.monthly = status, life.monthly + delta
        life.price = life.monthly or life.price
        life.ended_at = self.now if change is Change.ENDED else None
        late = self.chance.random() < 0.02
        heard = min(self.now + timedelta(days=self.chance.uniform(1, 60) if late else 0), ENDED)
        life.lines.append(
            Entry(
                heard,
                self.now,
                life.reader,
                life.number,
                life.plan,
                life.source,
                change,
                status,
                delta,
                life.currency,
                feedback,
            )
        )
