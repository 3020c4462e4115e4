"""What a reader changes on our own pages, done at Stripe."""

from datetime import datetime
from typing import Any

import stripe

from paywall.billing.gateway.prorating import Prorating, prorated
from paywall.billing.gateway.reading import instant
from paywall.billing.selfcare.rules import End, Item, Leaving, Quote, Said
from paywall.money import Money


class SelfCare(Prorating):
    """Doing it. To set what is set already changes nothing, so such calls need no key of their own."""

    def leave(self, subscription: str, leaving: Leaving, said: Said) -> None:
        """Let a subscription end as it is planned, with the reason given."""
        why = {name: value for name in ("feedback", "comment") if (value := getattr(said, name))}
        asked: Any = {"cancellation_details": why} if why else {}
        with self.talking():
            if leaving.end is End.AT_ONCE:
                self.client.v1.subscriptions.cancel(subscription, asked)
            else:
                self.client.v1.subscriptions.update(subscription, asked | _end(leaving))

    def stay(self, subscription: str) -> None:
        """Take back whichever end is planned: the date, which the portal sets, or the boolean."""
        with self.talking():
            one = self.client.v1.subscriptions.retrieve(subscription)
            kept: Any = {"cancel_at_period_end": False} if one.cancel_at_period_end else {"cancel_at": ""}
            self.client.v1.subscriptions.update(subscription, kept)

    def items(self, subscription: str) -> list[Item]:
        """What a subscription sells now."""
        with self.talking():
            one = self.client.v1.subscriptions.retrieve(subscription)
        waiting = {each.id: each.price.id for each in _waiting(one)}
        return [
            Item(each.id, each.price.id, each.quantity or 1, waiting.get(each.id)) for each in one.items.data
        ]

    def quote(self, subscription: str, item: str, price: str, at: datetime) -> Quote:
        """What another price would come to, if it was changed at an instant."""
        with self.talking():
            return _quote(self.previewed(subscription, {"id": item, "price": price}, at), at)

    def switch(self, subscription: str, item: str, price: str, at: datetime) -> None:
        """Change to another price, billed at once; unless the bill is paid, the change waits and all stays.

        The key lets a second click, and a try after an answer that was lost, change and charge once.
        """
        # Else Stripe would give the new plan first and run after the money; and an error instead of waiting
        # (error_if_incomplete) would leave no way to a reader whose bank asks for 3-D Secure each time.
        asked: Any = {
            **prorated({"id": item, "price": price}, at),
            "payment_behavior": "pending_if_incomplete",
        }
        key = f"switch:{subscription}:{price}:{int(at.timestamp())}"
        with self.talking():
            self.client.v1.subscriptions.update(subscription, asked, {"idempotency_key": key})

    def pause(self, subscription: str) -> None:
        """Stop periods and bills; what is paid for is read, so it is not credited as well."""
        kept: Any = {"type": "subscription", "bill_for": {"unused_time_from": {"type": "none"}}}
        with self.talking():
            self.client.v1.subscriptions.pause(subscription, kept)

    def resume(self, subscription: str, *, bills: bool) -> None:
        """Go on: with a new period once it is paid, or in the one that was paid for before the pause."""
        again: Any = {"payment_behavior": "resume_on_payment_success"}
        kept: Any = {"billing_cycle_anchor": {"type": "unchanged"}, "proration_behavior": "none"}
        with self.talking():
            self.client.v1.subscriptions.resume(subscription, again if bills else kept)

    def forget_bill(self, invoice: str) -> None:
        """Make an open bill void, and with it the change that waits for it."""
        with self.talking():
            self.client.v1.invoices.void_invoice(invoice)


def _waiting(one: stripe.Subscription) -> list[stripe.SubscriptionItem]:
    return (one.pending_update.subscription_items or []) if one.pending_update else []


def _quote(bill: stripe.Invoice, at: datetime) -> Quote:
    lines = bill.lines.data
    off = sum(part.amount for part in bill.total_discount_amounts or [])
    tax = sum(part.amount for part in bill.total_taxes or [] if part.tax_behavior == "exclusive")
    ends = max((line.period.end for line in lines), default=None)

    def money(amount: int) -> Money:
        return Money(amount, bill.currency)

    return Quote(
        at=at,
        credit=money(-sum(line.amount for line in lines if line.amount < 0)),
        charge=money(sum(line.amount for line in lines if line.amount > 0)),
        discount=money(off),
        tax=money(tax),
        total=money(bill.total),
        due=money(bill.amount_due),
        # What the customer is owed is below nothing at Stripe.
        saved=money(max(-(bill.total + bill.starting_balance), 0)),
        renews_at=instant(ends) if ends else None,
    )


def _end(leaving: Leaving) -> dict[str, Any]:
    if leaving.end is End.ON_PAID_DAY and leaving.reads_until:
        return {"cancel_at": int(leaving.reads_until.timestamp()), "proration_behavior": "none"}
    return {"cancel_at_period_end": True}
