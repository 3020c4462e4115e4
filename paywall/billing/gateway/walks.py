"""All that an account holds, a page at a time: subscriptions of every customer, and events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from paywall.billing.gateway.books import subscription_of
from paywall.billing.gateway.events import event_of
from paywall.billing.gateway.line import Line
from paywall.billing.remote import Claimed, Page, RemoteSubscription, StoredEvent

PAGE = 100


class Walks(Line):
    """Reading on from where one stood; newest first, so that what is new meanwhile comes not twice."""

    def subscriptions_after(self, cursor: str | None) -> Page[RemoteSubscription]:
        """The next hundred subscriptions of the account after the one with that id; all statuses."""
        asked: Any = {"status": "all", "limit": PAGE, "expand": ["data.discounts.source.coupon"]}
        with self.talking():
            found = self.client.v1.subscriptions.list(asked | ({"starting_after": cursor} if cursor else {}))
        data = found.data
        return Page([subscription_of(one) for one in data], data[-1].id if found.has_more else None)

    def subscription(self, stripe_id: str) -> RemoteSubscription:
        """One subscription as it stands; raises Gone."""
        with self.talking():
            return subscription_of(
                self.client.v1.subscriptions.retrieve(stripe_id, {"expand": ["discounts.source.coupon"]})
            )

    def claimed(self, customer: str) -> Claimed:
        """Whose a customer says they are."""
        with self.talking():
            found = self.client.v1.customers.retrieve(customer)
        metadata = getattr(found, "metadata", None)
        reader = metadata["reader_id"] if metadata and "reader_id" in metadata else None
        return Claimed(reader, getattr(found, "email", None))

    def events_after(self, cursor: str | None, *, since: datetime, types: Sequence[str]) -> Page[StoredEvent]:
        """The next hundred events of at most 20 types, made since an instant; Stripe keeps them 30 days."""
        asked: Any = {"limit": PAGE, "types": list(types), "created": {"gte": int(since.timestamp())}}
        with self.talking():
            found = self.client.v1.events.list(asked | ({"starting_after": cursor} if cursor else {}))
        data = found.data
        kept = [StoredEvent(event_of(one), str(one)) for one in data]
        return Page(kept, data[-1].id if found.has_more else None)
