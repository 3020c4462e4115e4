"""Gifts at Stripe: a page on which one is paid once, and what became of the payment."""

from typing import Any

import stripe

from paywall.billing.cashbook.rules import stands
from paywall.billing.gateway.line import Line
from paywall.billing.gateway.pages import checkout_of
from paywall.billing.gifts.rules import GiftPayment
from paywall.billing.remote import Checkout
from paywall.money import Money


class Gifts(Line):
    """Opening that page, and reading it."""

    def open_gift(
        self,
        *,
        gift_id: int,
        key: str,
        product: str,
        money: Money,
        title: str,
        customer: str | None,
        email: str,
        urls: tuple[str, str],
    ) -> Checkout:
        """Open a hosted page for one payment, by a customer of ours or by whoever has that address."""
        metadata = {"gift_id": str(gift_id)}
        price = {"currency": money.currency, "unit_amount": money.amount, "product": product}
        asked: Any = {
            "mode": "payment",
            "line_items": [{"price_data": price, "quantity": 1}],
            "metadata": metadata,
            "payment_intent_data": {"description": title, "metadata": metadata},
            "success_url": urls[0],
            "cancel_url": urls[1],
            **({"customer": customer} if customer else {"customer_email": email}),
        }
        with self.talking():
            return checkout_of(
                self.client.v1.checkout.sessions.create(asked, {"idempotency_key": f"gift:{key}"})
            )

    def gift_payment(self, session_id: str) -> GiftPayment:
        """How a gift's payment stands now, with what was given back or is disputed since."""
        with self.talking():
            session = self.client.v1.checkout.sessions.retrieve(
                session_id, {"expand": ["payment_intent.latest_charge"]}
            )
            intent = session.payment_intent
            charge = intent.latest_charge if isinstance(intent, stripe.PaymentIntent) else None
            charge = charge if isinstance(charge, stripe.Charge) else None
            return GiftPayment(
                status=session.status,
                is_paid=session.payment_status == "paid",
                payment_intent=intent.id if isinstance(intent, stripe.PaymentIntent) else None,
                charge=charge.id if charge else None,
                is_refunded=bool(charge and charge.refunded),
                is_disputed=bool(charge and charge.disputed and self._is_disputed(charge.id)),
            )

    def _is_disputed(self, charge: str) -> bool:
        found = self.client.v1.disputes.list({"charge": charge}).data
        return any(stands(one.status) for one in found)
