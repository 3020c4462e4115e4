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


def is_at_next_payment(period_end: datetime | None, counts_from: datetime) -> bool:
    """Whether the next payment is one of the new price."""
    return period_end is not None and period_end >= counts_from


def may_move(
    period_end: datetime | None,
    counts_from: datetime,
    told_at: datetime | None,
    notice: timedelta,
    now: datetime,
) -> bool:
    """Whether to tell Stripe now, shortly before the first payment that follows both date and notice.

    Whose letter has not gone out yet is not moved, and who had it late is moved later: nobody pays more
    unannounced. A renewal that was missed is one more at the old price.
    """
    if period_end is None or told_at is None or period_end < max(counts_from, told_at + notice):
        return False
    return period_end - EARLY <= now < period_end
