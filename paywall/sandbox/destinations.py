"""Event destinations for thin events, set up as in the dashboard (https://docs.stripe.com/event-destinations)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from stripe.events import UnknownEventNotification
from stripe.events._event_classes import get_v2_event_notification_class

from paywall.sandbox.errors import Doc, invalid

if TYPE_CHECKING:
    from paywall.sandbox.books import Books

KIND = "v2.core.event_destination"
EVENT = "v2.core.event"
# Where the API shows what an event is about. Other objects (a discount) have no address of their own.
_COLLECTIONS = {
    "charge": "charges",
    "checkout.session": "checkout/sessions",
    "customer": "customers",
    "dispute": "disputes",
    "invoice": "invoices",
    "payment_intent": "payment_intents",
    "payment_method": "payment_methods",
    "payout": "payouts",
    "price": "prices",
    "product": "products",
    "refund": "refunds",
    "setup_intent": "setup_intents",
    "subscription": "subscriptions",
}


@dataclass(frozen=True)
class Destination:
    """A destination and its signing secret."""

    id: str
    secret: str


def create(books: Books, url: str, types: Sequence[str]) -> Destination:
    """A destination that is enabled and sends thin events of such types, like v1.invoice.paid."""
    for type in types:
        if not is_known(type):
            raise invalid(f"Unknown event type: {type}", "enabled_events")
    facts = {
        "enabled_events": list(types),
        "event_payload": "thin",
        "status": "enabled",
        "type": "webhook_endpoint",
        "url": url,
        "_secret": books.ids.new("webhook_secret"),
    }
    made = books.add(KIND, facts)
    return Destination(made["id"], made["_secret"])


def is_known(type: str) -> bool:
    """Is that the name of a thin event?"""
    return get_v2_event_notification_class(type) is not UnknownEventNotification


def thin(books: Books, whole: Doc) -> Doc | None:
    """What a thin event says of a snapshot one; None where there is no such type, or nothing to point at."""
    about, type = whole["data"]["object"], f"v1.{whole['type']}"
    if about["object"] not in _COLLECTIONS or not is_known(type):
        return None
    request = whole["request"]
    return {
        "type": type,
        "reason": {"type": "request", "request": request} if request["idempotency_key"] else None,
        "related_object": {
            "id": about["id"],
            "type": about["object"],
            "url": f"/v1/{_COLLECTIONS[about['object']]}/{about['id']}",
        },
        "snapshot_event": whole["id"],
    }


def message(event: Doc) -> Doc:
    """A thin event as it is sent: unversioned, its time as text; what is empty is left out."""
    made = datetime.fromtimestamp(event["created"], UTC)
    shown = {**event, "created": f"{made:%Y-%m-%dT%H:%M:%S.000Z}"}
    return {name: value for name, value in shown.items() if value is not None}
