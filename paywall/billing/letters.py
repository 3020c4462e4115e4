"""The letters that follow from how a subscription at Stripe stands: written when due, sent while true."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import select

from paywall import clock, mail
from paywall.accounts.letters import outside
from paywall.billing.cashbook.models import Invoice
from paywall.billing.models import Collection
from paywall.billing.remote import RemoteSubscription
from paywall.billing.repricing import planned
from paywall.config import Settings
from paywall.db import db
from paywall.mail import Care, Letter
from paywall.membership import notices
from paywall.membership.models import Subscription
from paywall.membership.notices import Bill, Card, Held, Kind, Notice
from paywall.membership.rules import Interval, Source

CARE = {
    Kind.TRIAL_ENDING: Care.NOTICE,
    Kind.RENEWAL_AHEAD: Care.NOTICE,
    Kind.CARD_EXPIRING: Care.ONCE,
    Kind.PAYMENT_FAILED: Care.KEY,
    Kind.ACTION_REQUIRED: Care.KEY,
}


def keep(subscriptions: Iterable[RemoteSubscription]) -> list[int]:
    """Keep the card and the waiting bill of each that we know, and give their row ids; the caller commits."""
    remote = {one.id: one for one in subscriptions}
    query = select(Subscription).where(
        Subscription.source == Source.STRIPE, Subscription.external_id.in_(remote)
    )
    known = list(db.session.scalars(query))
    for row in known:
        _keep(_collection(row.id) or Collection(subscription_id=row.id), remote[row.external_id])
    return [row.id for row in known]


def due(subscription: Subscription) -> list[Notice]:
    """What a subscription calls for now, whether it was written or not."""
    held = _held(subscription, _collection(subscription.id))
    return notices.due(held, clock.now(), ahead())


def write_due(subscription_id: int) -> None:
    """Write what a subscription (its row id) calls for and has not had yet; the caller commits."""
    subscription = db.session.get_one(Subscription, subscription_id)
    for notice in due(subscription):
        _write(subscription, notice, notice.cause)


@mail.holds(*Kind)
def still_due(letter: Letter) -> bool:
    """Whether the subscription still calls for this very letter, or calls for it again."""
    subscription = db.session.get(Subscription, letter.about)
    if subscription is None:
        return False
    return mail.first_cause(letter) in {notice.cause for notice in due(subscription)}


def write_again(letter: Letter, key: str) -> bool:
    """Write a letter anew that is still called for; False if it is not, or was. The caller commits."""
    subscription = db.session.get_one(Subscription, letter.about)
    called_for = {notice.cause: notice for notice in due(subscription)}
    notice = called_for.get(mail.first_cause(letter) or "")
    if notice is None:
        return False
    return _write(subscription, notice, mail.again(notice.cause, key)) is not None


def ahead() -> dict[Interval, timedelta]:
    """How long before a renewal the reader is told of it, for the intervals that are."""
    settings: Settings = current_app.extensions["settings"]
    days = {Interval.YEAR: settings.yearly_notice_days, Interval.MONTH: settings.monthly_notice_days}
    return {interval: timedelta(days=some) for interval, some in days.items() if some}


def _write(subscription: Subscription, notice: Notice, cause: str) -> int | None:
    return mail.write(
        notice.kind,
        subscription.reader.email,
        cause=cause,
        about=subscription.id,
        care=CARE[notice.kind],
        send_by=notice.send_by,
        **_context(subscription),
    )


def _collection(subscription_id: int) -> Collection | None:
    return db.session.scalar(select(Collection).where(Collection.subscription_id == subscription_id))


def _keep(row: Collection, one: RemoteSubscription) -> None:
    card, bill = one.card, one.bill
    row.card_key, row.card_brand = (card.key, card.brand) if card else (None, None)
    row.card_last4, row.card_ends = (card.last4, card.ends) if card else (None, None)
    row.bill, row.bill_at = (bill.id, bill.made_at) if bill else (None, None)
    row.bill_amount, row.bill_currency = (bill.left.amount, bill.left.currency) if bill else (None, None)
    row.needs_action = bill is not None and bill.needs_action
    db.session.add(row)


def _held(row: Subscription, kept: Collection | None) -> Held:
    card = Card(kept.card_key, kept.card_ends) if kept and kept.card_key and kept.card_ends else None
    bill = Bill(kept.bill, kept.bill_at, kept.needs_action) if kept and kept.bill and kept.bill_at else None
    return Held(
        key=row.external_id,
        reader=row.reader_id,
        status=row.status,
        interval=row.interval,
        started_at=row.started_at,
        period_end=row.period_end,
        trial_end=row.trial_end,
        cancel_at=row.cancel_at,
        card=card,
        bill=bill,
    )


def _context(subscription: Subscription) -> dict[str, Any]:
    kept = _collection(subscription.id)
    page = select(Invoice.page_url).where(Invoice.stripe_id == (kept.bill if kept else None))
    account_url = outside("billing.account")
    return {
        "subscription": subscription,
        "kept": kept,
        "next_payment": planned.next_payment(subscription),
        "account_url": account_url,
        "pay_url": db.session.scalar(page) or account_url,
    }
