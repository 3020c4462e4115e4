"""What Stripe tells us unasked: events, verified."""

import json
from typing import Any

import stripe

from paywall.billing.cashbook.facts import Kind, News
from paywall.billing.gateway.line import Line
from paywall.billing.gateway.reading import id_of
from paywall.billing.remote import Event
from paywall.errors import BadInput


class Events(Line):
    """Verifying and reading what comes in."""

    @property
    def hears(self) -> bool:
        """Whether there is a secret with which events can be verified at all."""
        return bool(self._secrets())

    def event(self, raw: bytes, signature: str | None) -> Event:
        """Verify and read an event; raises BadInput for one that Stripe did not sign or that is none."""
        for secret in self._secrets():
            try:
                # Not construct_event: an object for each part of an event takes longer than all the rest.
                stripe.WebhookSignature.verify_header(
                    raw, signature, secret, stripe.Webhook.DEFAULT_TOLERANCE
                )
                return event_of(json.loads(raw))
            except stripe.SignatureVerificationError:
                continue
            except (ValueError, AttributeError, KeyError, TypeError):
                raise BadInput("This is not an event.") from None
        raise BadInput("The signature does not fit.")


def mentioned(payload: str) -> set[str]:
    """The ids at Stripe that a stored event is about: its object, whole or by name only, and its payment."""
    body = json.loads(payload)
    about = (body.get("data") or {}).get("object") or body.get("related_object") or {}
    named = (about.get(name) for name in ("id", "payment_intent", "charge"))
    return {one for one in named if isinstance(one, str)}


def money_in(payload: str) -> News | None:
    """What of the cash book a stored event is about; None if it is about something else.

    A thin event names its object only (`charge.dispute`), without the charge.
    """
    body = json.loads(payload)
    about = (body.get("data") or {}).get("object") or body.get("related_object") or {}
    kind = str(about.get("object") or about.get("type")).rpartition(".")[2]
    if kind not in list(Kind) or not isinstance(about.get("id"), str):
        return None
    charge = about["id"] if kind == Kind.CHARGE else about.get("charge")
    return News(Kind(kind), about["id"], charge if isinstance(charge, str) else None)


def event_of(event: stripe.Event | dict[str, Any]) -> Event:
    """What an event says, as the package reads it or as plain JSON."""
    whose = _customer(event["data"]["object"])
    return Event(id=event["id"], type=event["type"], customer=whose, livemode=event["livemode"])


def _customer(about: Any) -> str | None:
    if about["object"] == "customer":
        return id_of(about["id"])
    return id_of(about["customer"]) if "customer" in about else None
