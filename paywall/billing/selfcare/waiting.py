"""The bill of a subscription that waits to be paid, out of our tables."""

from dataclasses import dataclass

from sqlalchemy import select

from paywall.billing.cashbook.models import Invoice
from paywall.billing.gateway import gateway
from paywall.db import db
from paywall.membership.models import Subscription
from paywall.money import Money


@dataclass(frozen=True, slots=True)
class OpenBill:
    """An open bill: what is left to pay, and Stripe's page for it; for `is_change` a change of plan waits."""

    stripe_id: str
    left: Money
    page_url: str
    is_change: bool


def bill(held: Subscription) -> OpenBill | None:
    """The newest open bill of a subscription: once it is settled, Stripe takes all for paid."""
    query = select(Invoice).where(
        Invoice.reader_id == held.reader_id,
        Invoice.subscription == held.external_id,
        Invoice.mode == gateway().mode,
        Invoice.status == "open",
        Invoice.page_url.is_not(None),
    )
    found = db.session.scalar(query.order_by(Invoice.made_at.desc(), Invoice.id.desc()).limit(1))
    if found is None:
        return None
    return OpenBill(
        stripe_id=found.stripe_id,
        left=Money(found.amount_remaining, found.currency),
        page_url=found.page_url or "",
        is_change=found.reason == "subscription_update",
    )
