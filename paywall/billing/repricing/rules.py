"""From when on a new price counts for whom, and when to tell Stripe of it: pure."""

from datetime import datetime, timedelta

# Stripe makes the bill of a renewal at the instant at which the period turns: the new price must be there by
# then, and the job must have had more than one chance.
EARLY = timedelta(days=2)


def has_notice(from_at: datetime, now: datetime, notice: timedelta) -> bool:
    """Whether a price that counts from an instant on can be announced now."""
    return from_at - now >= notice


def counts_from(from_at: datetime, now: datetime, notice: timedelta) -> datetime:
    """From when on it counts for a patron who is told now: one who comes late to it has the same notice."""
    return max(from_at, now + notice)


def first_day(counts_from: datetime, told_at: datetime | None, notice: timedelta) -> datetime | None:
    """The first instant at which a patron pays it; None while their letter is not out.

    Who had the letter late pays it later, whatever the letter says: nobody pays more without the notice.
    """
    return max(counts_from, told_at + notice) if told_at else None


def is_at_next_payment(period_end: datetime | None, first_day: datetime | None) -> bool:
    """Whether the next payment is one of the new price."""
    return period_end is not None and first_day is not None and period_end >= first_day


def may_move(period_end: datetime | None, first_day: datetime | None, now: datetime) -> bool:
    """Whether to tell Stripe now, shortly before the first payment of the new price.

    A renewal that was missed is one more at the old price.
    """
    if period_end is None or not is_at_next_payment(period_end, first_day):
        return False
    return period_end - EARLY <= now < period_end
