"""Seats at Stripe: what another number of them would cost, and changing it."""

from datetime import datetime
from typing import Any

import stripe
from flask_babel import gettext

from paywall.billing.gateway.line import Line
from paywall.billing.groups.rules import CardRefused, SeatsBill
from paywall.money import Money


class Groups(Line):
    """Asking first, then doing; both reckon to the same instant, so that both come to the same sum."""

    def preview_seats(self, subscription: str, seats: int, at: datetime) -> SeatsBill:
        """What would be billed at once for having so many seats from `at` on."""
        with self.talking():
            details: Any = _change(self._item(subscription), seats, at)
            bill = self.client.v1.invoices.create_preview(
                {"subscription": subscription, "subscription_details": details}
            )
        return SeatsBill(Money(bill.total, bill.currency), Money(bill.amount_due, bill.currency))

    def change_seats(self, subscription: str, seats: int, at: datetime) -> None:
        """Have so many seats, the difference billed at once; if not paid, CardRefused and nothing changed."""
        with self.talking():
            # Without this, Stripe would give the seats first and then run after the money.
            asked: Any = {"payment_behavior": "error_if_incomplete"}
            asked |= _change(self._item(subscription), seats, at)
            try:
                self.client.v1.subscriptions.update(subscription, asked)
            except stripe.CardError as refused:
                words = gettext("Your card was not charged, and nothing was changed. Please check your card.")
                raise CardRefused(words) from refused

    def _item(self, subscription: str) -> str:
        return self.client.v1.subscriptions.retrieve(subscription).items.data[0].id


def _change(item: str, seats: int, at: datetime) -> dict[str, Any]:
    return {
        "items": [{"id": item, "quantity": seats}],
        "proration_behavior": "always_invoice",
        "proration_date": int(at.timestamp()),
    }
