"""Events that the webhook missed, fetched from Stripe's own list, which goes 30 days back."""

from datetime import datetime, timedelta

from paywall import clock, jobs
from paywall.billing import inbox
from paywall.billing.gateway import gateway
from paywall.billing.setup import EVENTS
from paywall.db import db

KEPT = timedelta(days=30)
OVERLAP = timedelta(hours=1)
LOOKBACK = timedelta(hours=3)
MOST_TYPES = 20
TYPES = [EVENTS[at : at + MOST_TYPES] for at in range(0, len(EVENTS), MOST_TYPES)]


def step(since: datetime, cursor: str | None) -> tuple[int, str | None]:
    """Store what is new among the next hundred events made since an instant; commits.

    How many were new, and the cursor of the next step: which batch of types, and after which event; None at
    the end.
    """
    batch, _, after = (cursor or "0:").partition(":")
    page = gateway().events_after(after or None, since=since, types=TYPES[int(batch)])
    stored = sum(inbox.store(one.event, one.payload) for one in page.items)
    db.session.commit()
    if page.cursor:
        return stored, f"{batch}:{page.cursor}"
    return stored, f"{int(batch) + 1}:" if int(batch) + 1 < len(TYPES) else None


@jobs.every(minute="35")
def hourly() -> None:
    """Fetch what was missed in the last hours; what is older waits for the nightly walk."""
    since, cursor = clock.now() - LOOKBACK, None
    while True:
        _, cursor = step(since, cursor)
        if cursor is None:
            return
