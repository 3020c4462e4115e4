"""Seats at Stripe: what another number of them would cost, and changing it."""

from datetime import datetime
from typing import Any

import stripe
from flask_babel import gettext

from paywall.billing.gateway.prorating import Prorating, prorated
from paywall.billing.groups.rules import CardRefused, SeatsBill
from paywall.money import Money


class Groups(Prorating):
    """Asking first, then doing."""

    def preview_seats(self, subscription: str, seats: int, at: datetime) -> SeatsBill:
        """What would be billed at once for having so many seats from `at` on."""
        with self.talking():
            bill = self.previewed(subscription, self._with(subscription, seats), at)
        return SeatsBill(Money(bill.total, bill.currency), Money(bill.amount_due, bill.currency))

    def change_seats(self, subscription: str, seats: int, at: datetime) -> None:
        """Have so many seats, the difference billed at once; if not paid, CardRefused and nothing changed."""
        with self.talking():
            # Without this, Stripe would give the seats first and then run after the money.
            asked: Any = {"payment_behavior": "error_if_incomplete"}
            asked |= prorated(self._with(subscription, seats), at)
            try:
                self.client.v1.subscriptions.update(subscription, asked)
            except stripe.CardError as refused:
                words = gettext("Your card was not charged, and nothing was changed. Please check your card.")
                raise CardRefused(words) from refused

    def _with(self, subscription: str, seats: int) -> dict[str, Any]:
        item = self.client.v1.subscriptions.retrieve(subscription).items.data[0]
        return {"id": item.id, "quantity": seats}
