"""What Stripe tells us unasked: events, verified."""

import json
import re
from contextlib import suppress
from typing import Any

import stripe

from paywall.billing.cashbook.facts import Kind, News
from paywall.billing.gateway.line import Line
from paywall.billing.gateway.reading import id_of
from paywall.billing.remote import Event, StoredEvent
from paywall.errors import BadInput

THIN = "v2.core.event"
# What comes of reading a signed body that is not an event.
WRONG = (ValueError, AttributeError, KeyError, TypeError, RecursionError)
PRINTED = re.compile("[!-~]+")


class Events(Line):
    """Verifying and reading what comes in."""

    @property
    def hears(self) -> bool:
        """Whether there is a secret with which events can be verified at all."""
        return bool(self._secrets())

    def event(self, raw: bytes, signature: str | None) -> Event:
        """Verify and read an event, whole or thin; raises BadInput for what is not signed or is none."""
        try:
            body = raw.decode()
        except UnicodeDecodeError:
            raise BadInput("This is not an event.") from None
        for secret in self._secrets():
            with suppress(stripe.SignatureVerificationError):
                stripe.WebhookSignature.verify_header(
                    body, signature, secret, stripe.Webhook.DEFAULT_TOLERANCE
                )
                return self._read(body)
        raise BadInput("The signature does not fit.")

    def looked_up(self, payload: str) -> StoredEvent:
        """A stored thin event with what it is about, as Stripe has that now; raises Gone, Unavailable.

        It then says all that a whole one would. What cannot be a reader's is left out, and not asked for.
        """
        told: Any = self.client.parse_event_notification_without_verification(payload)
        about: dict[str, Any] = {}
        match _steps(told):
            case ["v1", "customers", customer, *_]:
                # A deleted one still answers, and what hangs below it has no address of its own.
                about = {"id": customer, "object": "customer"}
            case ["v1", _, _, *_]:
                with self.talking():
                    about = json.loads(str(told.fetch_related_object()))
        said = Event(told.id, told.type, _customer(about) if about else None, told.livemode)
        return StoredEvent(said, json.dumps({**json.loads(payload), "data": {"object": about}}))

    def _read(self, body: str) -> Event:
        # Not construct_event: an object for each part of an event takes longer than all the rest.
        try:
            event = json.loads(body)
            if event["object"] != THIN:
                return event_of(event)
            told = self.client.parse_event_notification_without_verification(body)
            return _checked(Event(told.id, told.type, None, told.livemode))
        except WRONG:
            raise BadInput("This is not an event.") from None


def is_thin(payload: str) -> bool:
    """Whether an event only names what it is about, and that was not looked up yet."""
    body = json.loads(payload)
    return body.get("object") == THIN and "data" not in body


def mentioned(payload: str) -> set[str]:
    """The ids at Stripe that a stored event is about: its object, and its payment."""
    about = _about(payload)
    named = (about.get(name) for name in ("id", "payment_intent", "charge"))
    return {one for one in named if isinstance(one, str)}


def money_in(payload: str) -> News | None:
    """What of the cash book a stored event is about; None if it is about something else."""
    about = _about(payload)
    kind = about.get("object")
    if kind not in list(Kind) or not isinstance(about.get("id"), str):
        return None
    charge = about["id"] if kind == Kind.CHARGE else about.get("charge")
    return News(Kind(kind), about["id"], charge if isinstance(charge, str) else None)


def event_of(event: stripe.Event | dict[str, Any]) -> Event:
    """What an event says, read by the package or as plain JSON; ValueError for what only looks like one."""
    if event["object"] != "event":
        raise ValueError("an object that is no event")
    return _checked(Event(event["id"], event["type"], _customer(event["data"]["object"]), event["livemode"]))


def _checked(event: Event) -> Event:
    """An event that our table can hold."""
    for word, longest in ((event.id, 255), (event.type, 120), (event.customer or "none", 255)):
        if len(word) > longest or not PRINTED.fullmatch(word):
            raise ValueError(f"no name of Stripe's: {word[:300]!r}")
    return event


def _about(payload: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(payload).get("data") or {}
    return data.get("object") or {}


def _steps(told: Any) -> list[str]:
    """The address of what a thin event is about, in parts; some are about nothing that has one."""
    named = getattr(told, "related_object", None)
    return named.url.strip("/").split("/") if named and isinstance(named.url, str) else []


def _customer(about: Any) -> str | None:
    if about["object"] == "customer":
        return id_of(about["id"])
    return id_of(about["customer"]) if "customer" in about else None
