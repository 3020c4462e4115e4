"""What stands behind a subscription at Stripe: the card it charges, the bill that waits, why it ended."""

from datetime import UTC, datetime

import stripe

from paywall.billing.gateway.reading import instant
from paywall.billing.remote import RemoteBill, RemoteCard
from paywall.membership.notices import Why
from paywall.money import Money


def card(one: stripe.Subscription) -> RemoteCard | None:
    """The card that is charged next: the subscription's own, else its customer's; None if it is no card."""
    settings = one.customer.invoice_settings if isinstance(one.customer, stripe.Customer) else None
    method = one.default_payment_method or (settings.default_payment_method if settings else None)
    if not isinstance(method, stripe.PaymentMethod) or method.card is None:
        return None
    shown = method.card
    months = shown.exp_year * 12 + shown.exp_month
    return RemoteCard(
        # Stripe has no fingerprint for some wallets.
        key=shown.fingerprint or method.id,
        brand=shown.display_brand or shown.brand,
        last4=shown.last4,
        ends=datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC),
    )


def bill(invoice: stripe.Invoice | str | None) -> RemoteBill | None:
    """The latest bill, if its payment was tried and it is still open."""
    if not isinstance(invoice, stripe.Invoice) or invoice.status != "open" or not invoice.attempted:
        return None
    return RemoteBill(
        id=invoice.id or "",
        left=Money(invoice.amount_remaining, invoice.currency),
        made_at=instant(invoice.created),
        needs_action=False,
    )


def ended_why(one: stripe.Subscription) -> Why | None:
    """Why it ended; None if it has not."""
    if one.status == "unpaid":
        return Why.UNPAID
    if one.ended_at is None:
        return None
    details = one.cancellation_details
    match details.reason if details else None:
        case "payment_failed":
            return Why.UNPAID
        case "payment_disputed":
            return Why.DISPUTED
    # Stripe has one word for all who asked for the end. A reader gives a reason, or lets the paid time run
    # out: `canceled_at` is then the time of the wish. What ends at once and without a reason, staff ended.
    was_planned = one.canceled_at is not None and one.canceled_at < one.ended_at
    return Why.CANCELLED if was_planned or (details and details.feedback) else Why.STAFF
