"""Giving back what was paid, at Stripe."""

from paywall.billing.gateway.line import Line
from paywall.money import Money


class Refunds(Line):
    """Doing it."""

    def give_back(self, charge: str, amount: Money, key: str) -> None:
        """Refund so much of a charge; a second call with the same key gives nothing more."""
        with self.talking():
            self.client.v1.refunds.create(
                {"charge": charge, "amount": amount.amount, "reason": "requested_by_customer"},
                {"idempotency_key": f"refund:{charge}:{key}"},
            )
