"""Which change of a membership writes which letter."""

from collections.abc import Iterable

from flask import current_app

from paywall import mail
from paywall.accounts.models import Reader
from paywall.config import Settings
from paywall.db import db
from paywall.membership.models import MembershipEvent, Subscription
from paywall.membership.rules import Change

LETTERS = {
    Change.STARTED: "welcome",
    Change.TRIAL_STARTED: "welcome",
    Change.FAILED: "payment_failed",
    Change.ENDED: "subscription_ended",
}
ONCE_PER_SUBSCRIPTION = frozenset({"welcome", "subscription_ended"})


def write_for(events: Iterable[MembershipEvent]) -> None:
    """Write the letters that these new lines of the ledger call for; the caller commits."""
    settings: Settings = current_app.extensions["settings"]
    for event in events:
        kind = LETTERS.get(event.change)
        if kind is None:
            continue
        subscription = db.session.get_one(Subscription, event.subscription_id)
        reader = db.session.get_one(Reader, event.reader_id)
        cause = subscription.id if kind in ONCE_PER_SUBSCRIPTION else f"{subscription.id}:{event.id}"
        mail.write(
            kind,
            reader.email,
            cause=f"{kind}:{cause}",
            subscription=subscription,
            account_url=f"{settings.site_url}/account",
        )
