"""What a reader changes on our own pages, done at Stripe."""

from typing import Any

from paywall.billing.gateway.line import Line
from paywall.billing.selfcare.rules import End, Leaving, Said


class SelfCare(Line):
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


def _end(leaving: Leaving) -> dict[str, Any]:
    if leaving.end is End.ON_PAID_DAY and leaving.reads_until:
        return {"cancel_at": int(leaving.reads_until.timestamp()), "proration_behavior": "none"}
    return {"cancel_at_period_end": True}
