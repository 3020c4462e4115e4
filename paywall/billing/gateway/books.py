"""One customer's books at Stripe: who they are, what they hold, what they were billed."""

from datetime import datetime

import stripe

from paywall import clock
from paywall.billing.gateway.discounts import cuts
from paywall.billing.gateway.line import Line
from paywall.billing.gateway.reading import id_of, instant, instant_or_none
from paywall.billing.remote import RemoteInvoice, RemoteSubscription
from paywall.membership import discounts
from paywall.membership.rules import Interval, Status
from paywall.money import Money


class Books(Line):
    """Reading and keeping one customer's books."""

    def create_customer(self, reader_id: int, key: str) -> str:
        """The id of a new customer for a reader; the same `key` always gives the same one."""
        with self.talking():
            return self.client.v1.customers.create(
                {"metadata": {"reader_id": str(reader_id)}}, {"idempotency_key": f"customer:{key}"}
            ).id

    def is_deleted(self, customer: str) -> bool:
        """Whether someone deleted this customer at Stripe, which ended all that they held."""
        with self.talking():
            return bool(getattr(self.client.v1.customers.retrieve(customer), "deleted", False))

    def update_email(self, customer: str, email: str) -> None:
        """Tell Stripe where receipts go."""
        with self.talking():
            self.client.v1.customers.update(customer, {"email": email})

    def subscriptions(self, customer: str) -> list[RemoteSubscription]:
        """Every subscription that a customer has or had."""
        with self.talking():
            found = self.client.v1.subscriptions.list(
                {
                    "customer": customer,
                    "status": "all",
                    "limit": 100,
                    "expand": ["data.latest_invoice", "data.customer", "data.discounts.source.coupon"],
                }
            )
            return [subscription_of(one) for one in found.auto_paging_iter()]

    def use_customers_card(self, subscription: str) -> None:
        """Let a subscription charge the card that its customer has chosen, not one of its own."""
        with self.talking():
            self.client.v1.subscriptions.update(subscription, {"default_payment_method": ""})

    def invoices(self, customer: str, *, most: int = 100) -> list[RemoteInvoice]:
        """The customer's newest invoices, without drafts."""
        with self.talking():
            found = self.client.v1.invoices.list({"customer": customer, "limit": most})
            return [_invoice(one) for one in found.data if one.status != "draft"]


def subscription_of(one: stripe.Subscription) -> RemoteSubscription:
    """A subscription in our words; what was not expanded is left out of account."""
    items = one.items.data
    price = items[0].price
    ends = max(item.current_period_end for item in items)
    interval = price.recurring.interval if price.recurring else ""
    seats = items[0].quantity or 1
    charged = Money((price.unit_amount or 0) * seats, price.currency)
    return RemoteSubscription(
        id=one.id,
        customer=id_of(one.customer) or "",
        price_id=price.id,
        product_id=id_of(price.product),
        status=Status.read(one.status),
        price=charged,
        interval=Interval(interval) if interval in list(Interval) else None,
        started_at=instant(one.start_date),
        period_start=instant_or_none(max(item.current_period_start for item in items)),
        period_end=instant_or_none(ends),
        trial_end=instant_or_none(one.trial_end),
        # Flexible billing sets cancel_at alone, classic both, a bare API call perhaps only the boolean.
        cancel_at=instant_or_none(one.cancel_at or (ends if one.cancel_at_period_end else None)),
        ended_at=instant_or_none(one.ended_at),
        unpaid_since=_unpaid_since(one.latest_invoice),
        feedback=one.cancellation_details.feedback if one.cancellation_details else None,
        has_other_card=_has_other_card(one),
        discount=discounts.standing(charged, cuts(one, id_of(price.product)), clock.now()),
        seats=seats,
    )


def _has_other_card(one: stripe.Subscription) -> bool:
    # Checkout gives the subscription a card of its own; the portal changes the customer's only.
    own = id_of(one.default_payment_method)
    settings = one.customer.invoice_settings if isinstance(one.customer, stripe.Customer) else None
    chosen = id_of(settings.default_payment_method) if settings else None
    return own is not None and chosen is not None and own != chosen


def _unpaid_since(invoice: stripe.Invoice | str | None) -> datetime | None:
    if isinstance(invoice, stripe.Invoice) and invoice.status in {"open", "uncollectible"}:
        return instant_or_none(invoice.created)
    return None


def _invoice(one: stripe.Invoice) -> RemoteInvoice:
    return RemoteInvoice(
        id=one.id or "",
        number=one.number,
        status=one.status or "open",
        total=Money(one.total, one.currency),
        made_at=instant(one.created),
        page_url=one.hosted_invoice_url,
        pdf_url=one.invoice_pdf,
    )
