"""When access ends, and why: one table of causes with their days in full and in grace. Pure."""

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from paywall.membership.rules import Status

NONE = timedelta(0)
LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Level(enum.StrEnum):
    """What a reader has: everything; everything with something to put right; nothing."""

    FULL = "full"
    GRACE = "grace"
    NONE = "none"


class Cause(enum.StrEnum):
    """What says until when a subscription opens the articles."""

    TRIAL = "trial"
    PAID = "paid"
    UNCOLLECTED = "uncollected"
    PAYMENT_FAILED = "payment_failed"
    UNPAID = "unpaid"
    BREAK = "break"
    PAUSED = "paused"
    INCOMPLETE = "incomplete"
    CANCELED = "canceled"
    DISPUTED = "disputed"
    REFUNDED = "refunded"
    UNKNOWN = "unknown"


class Start(enum.StrEnum):
    """From which instant the days of a rule count."""

    PERIOD_END = "period_end"
    UNPAID_BILL = "unpaid_bill"
    DISPUTE = "dispute"
    REFUND = "refund"
    CANCEL_DATE = "cancel_date"
    NEVER = "never"


# Where a bill is unpaid, and staff may choose until when a reader has time to pay it.
UNPAID = frozenset({Cause.PAYMENT_FAILED, Cause.UNPAID})


@dataclass(frozen=True, slots=True)
class Rule:
    """A line of the table: after `start` a reader reads in full for `full`, then in grace for `grace`."""

    cause: Cause
    start: Start
    full: timedelta = NONE
    grace: timedelta = NONE


@dataclass(frozen=True, slots=True)
class Policy:
    """For how long access outlives what was paid for."""

    grace: timedelta
    slack: timedelta
    unpaid: timedelta = NONE
    dispute: timedelta = NONE
    refund: timedelta = NONE

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The whole table, one rule for each cause."""
        return (
            Rule(Cause.TRIAL, Start.PERIOD_END, full=self.slack),
            Rule(Cause.PAID, Start.PERIOD_END, full=self.slack),
            Rule(Cause.UNCOLLECTED, Start.PERIOD_END, full=self.slack),
            Rule(Cause.PAYMENT_FAILED, Start.UNPAID_BILL, grace=self.grace),
            Rule(Cause.UNPAID, Start.UNPAID_BILL, grace=self.unpaid),
            Rule(Cause.BREAK, Start.PERIOD_END),
            Rule(Cause.PAUSED, Start.NEVER),
            Rule(Cause.INCOMPLETE, Start.NEVER),
            Rule(Cause.CANCELED, Start.CANCEL_DATE),
            Rule(Cause.DISPUTED, Start.DISPUTE, grace=self.dispute),
            Rule(Cause.REFUNDED, Start.REFUND, grace=self.refund),
            Rule(Cause.UNKNOWN, Start.NEVER),
        )

    def rule(self, cause: Cause) -> Rule:
        """The line of the table for a cause."""
        return next(rule for rule in self.rules if rule.cause is cause)


class Dated(Protocol):
    """What the table asks of a subscription: its facts, or our row of it. Instants are aware UTC.

    `wanted_break`: the reader asked for the pause; `collected`: its bills are collected.
    """

    @property
    def status(self) -> Status: ...
    @property
    def period_start(self) -> datetime | None: ...
    @property
    def period_end(self) -> datetime | None: ...
    @property
    def unpaid_since(self) -> datetime | None: ...
    @property
    def cancel_at(self) -> datetime | None: ...
    @property
    def ended_at(self) -> datetime | None: ...
    @property
    def disputed_at(self) -> datetime | None: ...
    @property
    def refunded_at(self) -> datetime | None: ...
    @property
    def wanted_break(self) -> bool: ...
    @property
    def collected(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Access:
    """Until when a subscription opens the articles, from when on in grace, and which rule says so."""

    until: datetime | None
    grace_from: datetime | None
    cause: Cause

    def level(self, now: datetime) -> Level:
        """What the reader has at an instant."""
        if self.until is None or now >= self.until:
            return Level.NONE
        return Level.GRACE if self.grace_from and now >= self.grace_from else Level.FULL


def access(held: Dated, policy: Policy, grace_until: datetime | None = None) -> Access:
    """The instant at which access ends by itself: the earliest that any rule for this subscription names.

    `grace_until`: a date that staff chose for the bill that is unpaid; it stands for the date of the rule.

    A renewal is charged about an hour after the period turns, so a paid period is followed by some slack. A
    failed renewal is followed by a grace from its first unpaid bill, because Stripe has by then already moved
    the period on.
    """
    ends = [_by_hand(_end(held, policy.rule(cause)), grace_until) for cause in _causes(held)]
    first = min(ends, key=lambda end: end.until or LONG_AGO)
    if first.until is None:
        return first
    graces = [end.grace_from for end in ends if end.grace_from and end.grace_from < first.until]
    return Access(first.until, min(graces, default=None), first.cause)


def _causes(held: Dated) -> Iterator[Cause]:
    yield _cause(held)
    if held.cancel_at:
        yield Cause.CANCELED
    if held.disputed_at:
        yield Cause.DISPUTED
    if held.refunded_at:
        yield Cause.REFUNDED


def _cause(held: Dated) -> Cause:
    match held.status:
        case Status.TRIALING:
            return Cause.TRIAL
        case Status.ACTIVE:
            return Cause.PAID if held.collected else Cause.UNCOLLECTED
        case Status.PAST_DUE:
            return Cause.PAYMENT_FAILED
        case Status.PAUSED:
            # Who pauses with a bill unpaid has not paid for the period that runs.
            return Cause.BREAK if held.wanted_break and not held.unpaid_since else Cause.PAUSED
    return _OTHERS[held.status]


_OTHERS = {
    Status.UNPAID: Cause.UNPAID,
    Status.INCOMPLETE: Cause.INCOMPLETE,
    Status.INCOMPLETE_EXPIRED: Cause.INCOMPLETE,
    Status.CANCELED: Cause.CANCELED,
    Status.UNKNOWN: Cause.UNKNOWN,
}


def _end(held: Dated, rule: Rule) -> Access:
    start = _start(held, rule.start)
    if start is None or (rule.cause is Cause.CANCELED and held.status is Status.CANCELED):
        return Access(None, None, rule.cause)
    full_until = start + rule.full
    return Access(full_until + rule.grace, full_until if rule.grace else None, rule.cause)


def _by_hand(end: Access, grace_until: datetime | None) -> Access:
    if grace_until is None or end.cause not in UNPAID or end.until is None:
        return end
    return Access(grace_until, min(end.grace_from or end.until, grace_until), end.cause)


def _start(held: Dated, start: Start) -> datetime | None:
    match start:
        case Start.PERIOD_END:
            return held.period_end
        case Start.UNPAID_BILL:
            return held.unpaid_since or held.period_start
        case Start.DISPUTE:
            return held.disputed_at
        case Start.REFUND:
            return held.refunded_at
        case Start.CANCEL_DATE:
            return held.cancel_at
    return None
