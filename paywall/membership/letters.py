"""Which change of a membership writes which letter."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from flask import current_app

from paywall import clock, mail
from paywall.accounts.models import Reader
from paywall.config import Settings
from paywall.db import db
from paywall.mail import Care, Letter
from paywall.membership.models import MembershipEvent, Subscription
from paywall.membership.notices import NEWS, Why
from paywall.membership.rules import HOLDING, LIVE, Change, Status

LETTERS = {
    Change.STARTED: "welcome",
    Change.TRIAL_STARTED: "welcome",
    Change.ENDED: "subscription_ended",
}


def write_for(events: Iterable[MembershipEvent], why: Mapping[str, Why]) -> None:
    """Write the letters that these new lines of the ledger call for; the caller commits.

    `why` says of subscriptions, by their name at the source, why they ended; who is not in it, by our hand.
    """
    for event in events:
        kind = LETTERS.get(event.change)
        if kind is None:
            continue
        subscription = db.session.get_one(Subscription, event.subscription_id)
        if event.change is Change.ENDED and subscription.status in HOLDING:
            # It goes on in another currency: only in the ledger is that an end and a start.
            continue
        _write(kind, subscription, event.at, _cause(kind, subscription), why)


def welcome_again(subscription: Subscription, key: str) -> bool:
    """Welcome a reader once more, if they have not left; False if that was done. The caller commits."""
    if subscription.status not in HOLDING:
        return False
    cause = mail.again(_cause("welcome", subscription), key)
    return _write("welcome", subscription, clock.now(), cause, {}) is not None


@mail.holds("welcome")
def still_begun(letter: Letter) -> bool:
    """Whether who is welcomed has not left again."""
    subscription = db.session.get(Subscription, letter.about)
    return subscription is not None and subscription.status in HOLDING


@mail.holds("subscription_ended")
def still_over(letter: Letter) -> bool:
    """Whether who is seen off has not come back."""
    subscription = db.session.get(Subscription, letter.about)
    return subscription is not None and subscription.status not in HOLDING | {Status.PAUSED}


def _write(
    kind: str, subscription: Subscription, at: datetime, cause: str, why: Mapping[str, Why]
) -> int | None:
    settings: Settings = current_app.extensions["settings"]
    # One that its bank refused can only be paid up; from one that is over, the way back is to join again.
    way_back = "account" if subscription.status in LIVE else "join"
    return mail.write(
        kind,
        db.session.get_one(Reader, subscription.reader_id).email,
        cause=cause,
        about=subscription.id,
        care=Care.ONCE,
        send_by=at + NEWS,
        subscription=subscription,
        why=why.get(subscription.external_id, Why.STAFF),
        account_url=f"{settings.site_url}/account",
        group_url=f"{settings.site_url}/account/group",
        come_back_url=f"{settings.site_url}/{way_back}",
    )


def _cause(kind: str, subscription: Subscription) -> str:
    if kind == "welcome":
        return f"welcome:{subscription.id}"
    # One that came back can end again. Where payments failed it has no end yet, but a period never paid for.
    end = subscription.ended_at or subscription.period_end
    return f"subscription_ended:{subscription.external_id}:{end:%Y-%m-%dT%H:%MZ}"
