"""Changing an item within a period: what it would come to, and how it is asked for."""

from datetime import datetime
from typing import Any

import stripe

from paywall.billing.gateway.line import Line


class Prorating(Line):
    """Asking first, then doing; both reckon to the same instant, so that both come to the same sum."""

    def previewed(self, subscription: str, item: dict[str, Any], at: datetime) -> stripe.Invoice:
        """What would be billed at once if an item was changed at an instant; call it while talking."""
        details: Any = prorated(item, at)
        return self.client.v1.invoices.create_preview(
            {"subscription": subscription, "subscription_details": details}
        )


def prorated(item: dict[str, Any], at: datetime) -> dict[str, Any]:
    """The change of one item from an instant on, the difference billed at once."""
    return {
        "items": [item],
        "proration_behavior": "always_invoice",
        "proration_date": int(at.timestamp()),
    }
