"""What became of bills: the unpaid ones, the dispute that counts, the period that was given back. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import takewhile

from paywall.billing.cashbook.facts import Entries, InvoiceFacts, RefundFacts
from paywall.billing.remote import RemoteSubscription

# A bank's inquiry (warning_...) takes no money yet; these two leave it with us.
HARMLESS = frozenset({"won", "prevented"})
CLOSED = HARMLESS | {"lost", "warning_closed"}
UNDONE = frozenset({"failed", "canceled"})
UNDER_WAY = frozenset({"pending", "requires_action"})


def stands(status: str) -> bool:
    """Whether a dispute of that status holds the money back: it is open or lost, and no mere inquiry."""
    return status not in HARMLESS and not status.startswith("warning")


def marked(subscriptions: Iterable[RemoteSubscription], entries: Entries) -> list[RemoteSubscription]:
    """The subscriptions of one customer with what was disputed, refunded and never paid of their bills."""
    return [
        replace(
            one,
            disputed_at=_disputed_at(one, entries),
            refunded_at=_refunded_at(one, entries),
            unpaid_since=_unpaid_since(one, entries),
        )
        for one in subscriptions
    ]


def _unpaid_since(one: RemoteSubscription, entries: Entries) -> datetime | None:
    """When the oldest bill was made that is owed since the last that was not.

    Stripe takes a subscription for paid again when its latest invoice is settled, whatever older one stands
    open. So a failure begins anew after a paid bill, and not with each further unpaid one.
    """
    bills = [invoice for invoice in entries.invoices if invoice.subscription == one.id]
    newest_first = sorted(bills, key=lambda invoice: invoice.made_at, reverse=True)
    owed = list(takewhile(lambda invoice: invoice.is_owed, newest_first))
    return owed[-1].made_at if owed else None


def _disputed_at(one: RemoteSubscription, entries: Entries) -> datetime | None:
    """When the latest dispute that stands was opened on a payment for any invoice of a subscription."""
    invoices = {invoice.stripe_id for invoice in entries.invoices if invoice.subscription == one.id}
    charges = {paid.stripe_id for paid in entries.payments if paid.invoice in invoices}
    opened = [each.opened_at for each in entries.disputes if each.charge in charges and stands(each.status)]
    return max(opened, default=None)


def _refunded_at(one: RemoteSubscription, entries: Entries) -> datetime | None:
    """When the last cent was given back of what paid for the present period; None if some of it was kept."""
    paying = _paying(one, entries.invoices)
    if paying is None:
        return None
    charges = {paid.stripe_id: paid for paid in entries.payments if paid.invoice == paying.stripe_id}
    given = sum(paid.refunded for paid in charges.values() if paid.status == "succeeded")
    if given < paying.amount_paid - paying.amount_off_stripe or not given:
        return None
    return _last(entries.refunds, charges) or paying.paid_at


def _paying(one: RemoteSubscription, invoices: Iterable[InvoiceFacts]) -> InvoiceFacts | None:
    """The paid invoice with a line for the whole present period; a change within it is no such line."""
    found = [
        invoice
        for invoice in invoices
        if invoice.subscription == one.id
        and invoice.status == "paid"
        and any(not line.is_proration and line.period_start == one.period_start for line in invoice.lines)
    ]
    return max(found, key=lambda invoice: invoice.made_at, default=None)


def _last(refunds: Iterable[RefundFacts], charges: Mapping[str, object]) -> datetime | None:
    good = [each.made_at for each in refunds if each.charge in charges and each.status not in UNDONE]
    return max(good, default=None)
