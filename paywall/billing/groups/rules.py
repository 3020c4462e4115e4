"""What holds for groups: what a seat is worth, who goes when there are too many, who may be written: pure."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from paywall.errors import Conflict
from paywall.membership.rules import HOLDING, Status
from paywall.money import Money

T = TypeVar("T")

INVITED_FOR = timedelta(days=30)
# One address gets a letter at most so often, and so many until it has joined.
REST, MOST_LETTERS = timedelta(hours=1), 5
# How long an owner has to choose who goes when there are fewer seats than members.
SHORTEST_CHOICE, LONGEST_CHOICE = timedelta(days=7), timedelta(days=30)
REMINDED_BEFORE = timedelta(days=7)
# How long a price that was shown can be agreed to.
OFFER_FOR = timedelta(minutes=30)


class Left(enum.StrEnum):
    """Why a member has a seat no more: went, was removed, or was one too many for the seats paid for."""

    WENT = "went"
    REMOVED = "removed"
    SURPLUS = "surplus"


class CardRefused(Conflict):
    """The owner's card did not pay for what they asked: nothing was changed."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The owner's membership as our books have it: all that a seat depends on. Instants are aware UTC."""

    status: Status
    seats: int
    access_until: datetime | None
    period_end: datetime | None
    cancel_at: datetime | None
    ended_at: datetime | None

    @property
    def room(self) -> int:
        """How many can be members: the owner has one of the seats."""
        return max(self.seats - 1, 0)


@dataclass(frozen=True, slots=True)
class SeatState:
    """What one seat is worth: `until` is when its access ends by itself, None where it has none."""

    status: Status
    until: datetime | None
    cancel_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class SeatsBill:
    """What Stripe would bill for another number of seats: `total` is below nothing for a credit."""

    total: Money
    due: Money


def state(owner: Owner, surplus_until: datetime | None = None) -> SeatState:
    """A seat is worth exactly what the owner's membership is; one too many not beyond `surplus_until`.

    A member owes nothing, so a failed payment of the owner's is not theirs: they read while the owner does.
    """
    return SeatState(
        status=Status.ACTIVE if owner.status in HOLDING else owner.status,
        until=_earliest(owner.access_until, surplus_until) if owner.access_until else None,
        cancel_at=_earliest(owner.cancel_at, surplus_until),
        ended_at=owner.ended_at,
    )


def divide(taken: Sequence[T], room: int) -> tuple[Sequence[T], Sequence[T]]:
    """Those of the seats, in the order in which they were taken, that are paid for, and those too many."""
    return taken[:room], taken[room:]


def choice_until(period_end: datetime | None, now: datetime) -> datetime:
    """Until when an owner with too few seats can choose who goes: the paid period, but 7 to 30 days."""
    return min(max(period_end or now, now + SHORTEST_CHOICE), now + LONGEST_CHOICE)


def may_write(letters: int, last: datetime | None, now: datetime) -> bool:
    """Whether an invited address may get another letter."""
    return letters < MOST_LETTERS and (last is None or last + REST <= now)


def letters_a_day(seats: int) -> int:
    """How many invitations an owner may send within a day: all seats twice over."""
    return max(20, 2 * seats)


def stands(offered_at: datetime, now: datetime) -> bool:
    """Whether a price that was reckoned for that instant can still be agreed to."""
    return offered_at <= now < offered_at + OFFER_FOR


def _earliest(*instants: datetime | None) -> datetime | None:
    return min((one for one in instants if one), default=None)
