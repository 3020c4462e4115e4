"""Stripe's invoices, charges, refunds, disputes, balance transactions and payouts, in our words."""

import stripe

from paywall import clock
from paywall.billing.cashbook.facts import (
    DisputeFacts,
    InvoiceFacts,
    LineFacts,
    PaymentFacts,
    PayoutFacts,
    RefundFacts,
    TransactionFacts,
)
from paywall.billing.cashbook.rules import CLOSED
from paywall.billing.gateway.reading import id_of, instant, instant_or_none, maybe

# Why an invoice is uncollectible although nobody failed to pay it.
FORGIVEN = frozenset({"subscription_paused", "user_forgiven"})


def invoice_facts(one: stripe.Invoice) -> InvoiceFacts:
    """An invoice with its lines; its payments if they were expanded."""
    lines = tuple(_line(each) for each in one.lines.auto_paging_iter())
    whole = [each for each in lines if not each.is_proration] or lines
    return InvoiceFacts(
        stripe_id=one.id,
        customer=id_of(maybe(one, "customer")),
        subscription=id_of(maybe(one, "parent", "subscription_details", "subscription")),
        number=maybe(one, "number"),
        status=one.status or "open",
        reason=maybe(one, "billing_reason"),
        amount=one.total,
        discount=sum(each.amount for each in maybe(one, "total_discount_amounts") or []),
        tax=sum(each.amount for each in maybe(one, "total_taxes") or []),
        amount_due=one.amount_due,
        amount_paid=one.amount_paid,
        amount_remaining=one.amount_remaining,
        amount_off_stripe=maybe(one, "amount_paid_off_stripe") or 0,
        currency=one.currency,
        made_at=instant(one.created),
        paid_at=instant_or_none(maybe(one, "status_transitions", "paid_at")),
        # An invoice's own period is the time in which it gathers items; what it is for stands on its lines.
        period_start=min((each.period_start for each in whole), default=instant(one.period_start)),
        period_end=max((each.period_end for each in whole), default=instant(one.period_end)),
        page_url=maybe(one, "hosted_invoice_url"),
        pdf_url=maybe(one, "invoice_pdf"),
        is_owed=_is_owed(one),
        lines=lines,
        payments=tuple(_paid_by(one)),
    )


def _is_owed(one: stripe.Invoice) -> bool:
    why = maybe(one, "status_details", "uncollectible", "reason")
    return one.status == "open" or (one.status == "uncollectible" and why not in FORGIVEN)


def charge_facts(one: stripe.Charge) -> PaymentFacts:
    """A charge; which invoice it paid, Stripe tells elsewhere."""
    is_failed = one.status == "failed"
    reason = maybe(one, "outcome", "reason") or maybe(one, "failure_code")
    return PaymentFacts(
        stripe_id=one.id,
        customer=id_of(maybe(one, "customer")),
        payment_intent=id_of(maybe(one, "payment_intent")),
        invoice=None,
        amount=one.amount_captured if one.status == "succeeded" else one.amount,
        refunded=one.amount_refunded,
        currency=one.currency,
        status=one.status,
        decline_code=reason if is_failed else None,
        is_disputed=one.disputed,
        transaction=id_of(maybe(one, "balance_transaction")),
        made_at=instant(one.created),
        country=_country(one),
        payer=maybe(one, "billing_details", "name"),
    )


def refund_facts(one: stripe.Refund) -> RefundFacts:
    """A refund."""
    return RefundFacts(
        stripe_id=one.id,
        charge=id_of(maybe(one, "charge")),
        amount=one.amount,
        currency=one.currency,
        status=one.status or "pending",
        reason=maybe(one, "reason"),
        failure_reason=maybe(one, "failure_reason"),
        transaction=id_of(maybe(one, "balance_transaction")),
        made_at=instant(one.created),
    )


def dispute_facts(one: stripe.Dispute) -> DisputeFacts:
    """A dispute."""
    return DisputeFacts(
        stripe_id=one.id,
        charge=id_of(one.charge) or "",
        amount=one.amount,
        moved=sum(each.amount for each in one.balance_transactions),
        currency=one.currency,
        status=one.status,
        reason=one.reason,
        opened_at=instant(one.created),
        closed_at=clock.now() if one.status in CLOSED else None,
        due_by=instant_or_none(maybe(one, "evidence_details", "due_by")),
    )


def transaction_facts(one: stripe.BalanceTransaction) -> TransactionFacts:
    """A line of our balance."""
    return TransactionFacts(
        stripe_id=one.id,
        type=one.type,
        category=one.reporting_category,
        amount=one.amount,
        fee=one.fee,
        net=one.net,
        currency=one.currency,
        status=one.status,
        source=id_of(maybe(one, "source")),
        payout=None,
        made_at=instant(one.created),
        available_at=instant(one.available_on),
    )


def payout_facts(one: stripe.Payout) -> PayoutFacts:
    """A payout."""
    return PayoutFacts(
        stripe_id=one.id,
        amount=one.amount,
        currency=one.currency,
        status=one.status,
        is_automatic=one.automatic,
        reconciliation=one.reconciliation_status,
        failure_code=maybe(one, "failure_code"),
        made_at=instant(one.created),
        arrives_at=instant(one.arrival_date),
    )


def _country(one: stripe.Charge) -> str | None:
    """Where the card is from: not where its holder says that they live, which is no business of ours."""
    kind = maybe(one, "payment_method_details", "type")
    found: str | None = maybe(one, "payment_method_details", kind, "country") if kind else None
    return found


def _line(one: stripe.InvoiceLineItem) -> LineFacts:
    details = maybe(one, "parent", "subscription_item_details") or maybe(
        one, "parent", "invoice_item_details"
    )
    return LineFacts(
        stripe_id=one.id,
        invoice=one.invoice or "",
        price=id_of(maybe(one, "pricing", "price_details", "price")),
        amount=one.amount,
        currency=one.currency,
        is_proration=bool(details and details.proration),
        period_start=instant(one.period.start),
        period_end=instant(one.period.end),
    )


def _paid_by(one: stripe.Invoice) -> list[str]:
    """A payment that has an intent is named by it, a bare charge by its own id."""
    payments = maybe(one, "payments")
    listed = payments.auto_paging_iter() if payments else ()
    named = (id_of(maybe(each.payment, "payment_intent") or maybe(each.payment, "charge")) for each in listed)
    return [each for each in named if each]
