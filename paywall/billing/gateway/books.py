"""One customer's books at Stripe: who they are, what they hold."""

from dataclasses import replace
from fractions import Fraction

import stripe

from paywall import clock
from paywall.billing.gateway import standing
from paywall.billing.gateway.discounts import cuts
from paywall.billing.gateway.line import Line
from paywall.billing.gateway.reading import id_of, instant, instant_or_none
from paywall.billing.remote import RemoteSubscription, Sold
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
                    "expand": [
                        "data.latest_invoice",
                        "data.default_payment_method",
                        "data.customer.invoice_settings.default_payment_method",
                        "data.discounts.source.coupon",
                    ],
                }
            )
            return [self._with_action(subscription_of(one)) for one in found.auto_paging_iter()]

    def use_customers_card(self, subscription: str) -> None:
        """Let a subscription charge the card that its customer has chosen, not one of its own."""
        with self.talking():
            self.client.v1.subscriptions.update(subscription, {"default_payment_method": ""})

    def change_price(self, subscription: str, price: str) -> None:
        """Let a subscription pay another price from its next bill on; now nothing is charged."""
        with self.talking():
            found = self.client.v1.subscriptions.retrieve(subscription)
            self.client.v1.subscriptions.update(
                subscription,
                {"items": [{"id": found.items.data[0].id, "price": price}], "proration_behavior": "none"},
            )

    def _with_action(self, one: RemoteSubscription) -> RemoteSubscription:
        """Whether its open bill waits for the reader: only the payment says so, four levels too deep."""
        if one.bill is None or one.status is not Status.PAST_DUE:
            return one
        found = self.client.v1.invoice_payments.list(
            {"invoice": one.bill.id, "limit": 100, "expand": ["data.payment.payment_intent"]}
        )
        intents = [payment.payment.payment_intent for payment in found.data]
        waits = any(getattr(intent, "status", None) == "requires_action" for intent in intents)
        return replace(one, bill=replace(one.bill, needs_action=waits))


def subscription_of(one: stripe.Subscription) -> RemoteSubscription:
    """A subscription in our words; what was not expanded is left out of account."""
    first, *others = [_sold(one, item) for item in one.items.data] or [NOTHING]
    ends = max((item.current_period_end for item in one.items.data), default=None)
    starts = max((item.current_period_start for item in one.items.data), default=None)
    return RemoteSubscription(
        id=one.id,
        customer=id_of(one.customer) or "",
        status=Status.read(one.status),
        started_at=instant(one.start_date),
        period_start=instant_or_none(starts),
        period_end=instant_or_none(ends),
        trial_end=instant_or_none(one.trial_end),
        # Flexible billing sets cancel_at alone, classic both, a bare API call perhaps only the boolean.
        cancel_at=instant_or_none(one.cancel_at or (ends if one.cancel_at_period_end else None)),
        ended_at=instant_or_none(one.ended_at),
        feedback=one.cancellation_details.feedback if one.cancellation_details else None,
        has_other_card=_has_other_card(one),
        collected=one.pause_collection is None,
        wanted_break=_wanted_break(one),
        others=tuple(others),
        card=standing.card(one),
        bill=standing.bill(one.latest_invoice),
        ended_why=standing.ended_why(one),
        **{name: getattr(first, name) for name in Sold.__dataclass_fields__},
    )


# Rhythms that we do not sell but staff can make at Stripe, as so many payments a month.
SHORTER = {"day": Fraction(365, 12), "week": Fraction(52, 12)}
# An item can be taken off a subscription until none is left; what sells nothing is nobody's plan.
NOTHING = Sold("", None, Money(0, "xxx"), None, 1, 1, None)


def _sold(one: stripe.Subscription, item: stripe.SubscriptionItem) -> Sold:
    price, product = item.price, id_of(item.price.product)
    pieces = 1 if item.quantity is None else item.quantity
    word, count = (price.recurring.interval, price.recurring.interval_count) if price.recurring else ("", 1)
    charged = Money((price.unit_amount or 0) * pieces, price.currency)
    if word in SHORTER:
        word, charged, count = (
            "month",
            Money(round(charged.amount * SHORTER[word] / count), charged.currency),
            1,
        )
    return Sold(
        price_id=price.id,
        product_id=product,
        price=charged,
        interval=Interval(word) if word in list(Interval) else None,
        interval_count=count,
        seats=max(pieces, 1),
        discount=discounts.standing(charged, cuts(one, product), clock.now()),
    )


def _wanted_break(one: stripe.Subscription) -> bool:
    paused = one.status_details.paused if one.status == "paused" and one.status_details else None
    why = paused.subscription if paused else None
    return why is not None and why.type == "pause_requested"


def _has_other_card(one: stripe.Subscription) -> bool:
    # Checkout gives the subscription a card of its own; the portal changes the customer's only.
    own = id_of(one.default_payment_method)
    settings = one.customer.invoice_settings if isinstance(one.customer, stripe.Customer) else None
    chosen = id_of(settings.default_payment_method) if settings else None
    return own is not None and chosen is not None and own != chosen
