"""Which letters a membership calls for as it stands now: pure.

A letter is written because one of these rules calls for it, and is sent only if the same rule, asked again,
still calls for the same cause: so no rule for sending can differ from that for writing. A cause names the
thing itself (this trial's end, that bill, that card), never the news of it: however often and in whatever
order the news comes, the cause is one.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from paywall.membership.rules import Interval, Status

# Stripe tells three days before. The hours on top let the letter be there by then, as the law wants it
# (California, for trials of more than 31 days), although the job runs hourly.
TRIAL_AHEAD = timedelta(days=3, hours=6)
CARD_AHEAD = timedelta(days=21)
# Stripe charges a renewal about an hour after the period has turned.
CHARGE_DELAY = timedelta(hours=1)
# From then on a failed payment is no news: the reader has met the closed door, or knows.
PAYMENT_NEWS = timedelta(days=14)
# How long a welcome or a farewell can be late.
NEWS = timedelta(days=7)


class Why(enum.StrEnum):
    """Why a membership ended."""

    CANCELLED = "cancelled"
    UNPAID = "unpaid"
    DISPUTED = "disputed"
    STAFF = "staff"


class Kind(enum.StrEnum):
    """The letters that follow from how a membership stands; each has two templates of its name."""

    TRIAL_ENDING = "trial_ending"
    RENEWAL_AHEAD = "renewal_ahead"
    CARD_EXPIRING = "card_expiring"
    PAYMENT_FAILED = "payment_failed"
    ACTION_REQUIRED = "action_required"


@dataclass(frozen=True, slots=True)
class Card:
    """The card that will be charged: `key` stays the same for the same card; it can be used until `ends`."""

    key: str
    ends: datetime


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill that waits although its payment was tried; `needs_action`: until the reader confirms it."""

    key: str
    made_at: datetime
    needs_action: bool


@dataclass(frozen=True, slots=True)
class Held:
    """A membership as it stands; `key` is its name at its source, `reader` the row of who holds it."""

    key: str
    reader: int
    status: Status
    interval: Interval
    started_at: datetime
    period_end: datetime | None = None
    trial_end: datetime | None = None
    cancel_at: datetime | None = None
    card: Card | None = None
    bill: Bill | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """A letter that is called for, why, and until when it is worth sending (aware UTC)."""

    kind: Kind
    cause: str
    send_by: datetime


def due(held: Held, now: datetime, ahead: Mapping[Interval, timedelta]) -> list[Notice]:
    """What is to be written now; `ahead`: how long before a renewal, for intervals told of it."""
    found = (
        _trial_ending(held, now),
        _renewal_ahead(held, now, ahead.get(held.interval)),
        _card_expiring(held, now),
        _unpaid(held),
    )
    return [notice for notice in found if notice]


def _trial_ending(held: Held, now: datetime) -> Notice | None:
    end = held.trial_end
    if held.status is not Status.TRIALING or end is None or _ends_by(held, end):
        return None
    is_told_at_its_start = end - held.started_at <= TRIAL_AHEAD
    if is_told_at_its_start or not end - TRIAL_AHEAD <= now < end:
        return None
    return Notice(Kind.TRIAL_ENDING, f"trial_ending:{held.key}:{_at(end)}", end)


def _renewal_ahead(held: Held, now: datetime, ahead: timedelta | None) -> Notice | None:
    end = held.period_end
    if held.status is not Status.ACTIVE or end is None or not ahead or _ends_by(held, end):
        return None
    if not end - ahead <= now < end:
        return None
    return Notice(Kind.RENEWAL_AHEAD, f"renewal_ahead:{held.key}:{_at(end)}", end)


def _card_expiring(held: Held, now: datetime) -> Notice | None:
    end, card = held.period_end, held.card
    if held.status not in {Status.ACTIVE, Status.TRIALING} or not end or not card or _ends_by(held, end):
        return None
    if card.ends > end + CHARGE_DELAY or not end - CARD_AHEAD <= now < end:
        return None
    # One reader can have two memberships on one card, and two readers of one house a card in common.
    cause = f"card_expiring:{held.reader}:{card.key}:{card.ends:%Y-%m}"
    return Notice(Kind.CARD_EXPIRING, cause, end)


def _unpaid(held: Held) -> Notice | None:
    bill = held.bill
    if held.status is not Status.PAST_DUE or bill is None:
        return None
    kind = Kind.ACTION_REQUIRED if bill.needs_action else Kind.PAYMENT_FAILED
    return Notice(kind, f"{kind}:{bill.key}", bill.made_at + PAYMENT_NEWS)


def _ends_by(held: Held, instant: datetime) -> bool:
    return held.cancel_at is not None and held.cancel_at <= instant


def _at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%MZ}"
