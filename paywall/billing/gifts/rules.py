"""What holds for gifts: lengths and prices, how a code is spelled, what Stripe's word makes of one: pure."""

import calendar
import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from paywall.membership.rules import Interval
from paywall.money import Money

# 32 letters of five bits each, without those that are read as another: 0 and O, 1 and I.
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
LETTERS, GROUP = 16, 4
MONTHS = (1, 3, 6)
# Stripe takes a trial's end only so far ahead.
SHORTEST_TRIAL, LONGEST_TRIAL = timedelta(hours=48), timedelta(days=730)
# A gift that waits for another to end is written down a day early, so that no reader meets a closed door
# because a job was late.
EARLY = timedelta(days=1)
REMINDERS = (3, 14)


class GiftState(enum.StrEnum):
    """How far a gift has come."""

    OPEN = "open"
    LAPSED = "lapsed"
    PAID = "paid"
    REDEEMED = "redeemed"
    ENDED = "ended"
    VOID = "void"


class Void(enum.StrEnum):
    """Why a gift is worth nothing any more."""

    REFUNDED = "refunded"
    DISPUTED = "disputed"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Present:
    """A length of a plan (its id) that can be given, and what it costs in all."""

    plan_id: int
    months: int
    money: Money

    @property
    def key(self) -> str:
        """How a form names it."""
        return f"{self.plan_id}-{self.months}"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a gift stands; `is_redeemed` also once it has run out or was made void."""

    state: GiftState
    why: Void | None
    is_redeemed: bool
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class GiftPayment:
    """What Stripe says of the page on which a gift is paid; `status` is the page's."""

    status: str | None
    is_paid: bool
    payment_intent: str | None
    charge: str | None
    is_refunded: bool
    is_disputed: bool


def presents(plan_id: int, prices: dict[Interval, Money]) -> list[Present]:
    """What can be given of a plan: some months at the month's price, a year at the year's."""
    month, year = prices.get(Interval.MONTH), prices.get(Interval.YEAR)
    found = [Present(plan_id, n, Money(month.amount * n, month.currency)) for n in MONTHS] if month else []
    if year or month:
        whole = year or Money(month.amount * 12, month.currency)  # type: ignore[union-attr]  # one of them is
        found.append(Present(plan_id, 12, whole))
    return found


def spell(digest: bytes) -> str:
    """A code of 80 bits, as people read it: XXXX-XXXX-XXXX-XXXX."""
    number = int.from_bytes(digest[:10], "big")
    letters = "".join(ALPHABET[number >> 5 * place & 31] for place in range(LETTERS))
    return "-".join(letters[start : start + GROUP] for start in range(0, LETTERS, GROUP))


def read(text: str) -> str | None:
    """A typed code in the spelling that we compare; None for what cannot be one."""
    letters = "".join(letter for letter in text.upper() if letter not in " -\t\n\r")
    return letters if len(letters) == LETTERS and set(letters) <= set(ALPHABET) else None


def settled(now: Standing, payment: GiftPayment) -> Standing:
    """Where a gift stands after Stripe's word; what was used up or made void by staff stays so.

    A refund of the whole sum or a dispute makes it void, redeemed or not; a dispute that was won brings it
    back to where it was.
    """
    if now.why is Void.STAFF or now.state is GiftState.ENDED:
        return now
    if not payment.is_paid:
        state = GiftState.LAPSED if payment.status == "expired" else GiftState.OPEN
        return Standing(state, None, now.is_redeemed, now.ends_at)
    if payment.is_refunded:
        return Standing(GiftState.VOID, Void.REFUNDED, now.is_redeemed, now.ends_at)
    if payment.is_disputed:
        return Standing(GiftState.VOID, Void.DISPUTED, now.is_redeemed, now.ends_at)
    return Standing(
        GiftState.REDEEMED if now.is_redeemed else GiftState.PAID, None, now.is_redeemed, now.ends_at
    )


def plus_months(start: datetime, months: int) -> datetime:
    """The same day so many months on; the last of the month where there is no such day."""
    year, month = divmod(start.month - 1 + months, 12)
    last = calendar.monthrange(start.year + year, month + 1)[1]
    return start.replace(year=start.year + year, month=month + 1, day=min(start.day, last))


def line_up(free_from: datetime, months: Iterable[int]) -> list[tuple[datetime, datetime]]:
    """When gifts begin and end that follow one another, the first at `free_from`."""
    found = []
    for length in months:
        end = plus_months(free_from, length)
        found.append((free_from, end))
        free_from = end
    return found


def trial_until(gift_end: datetime | None, now: datetime) -> datetime | None:
    """Until when a membership begun now costs nothing because a gift pays; None if it is charged at once."""
    if gift_end is None or gift_end - now < SHORTEST_TRIAL:
        return None
    return min(gift_end, now + LONGEST_TRIAL)


def reminder(ends_at: datetime, now: datetime) -> int | None:
    """Which reminder is due, by the days before the end for which it is meant; None for none."""
    left = ends_at - now
    if left <= timedelta(0):
        return None
    return next((days for days in REMINDERS if left <= timedelta(days=days)), None)
