"""What Stripe tells us unasked: events, verified."""

from typing import Any

import stripe

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
                return _event(self.client.construct_event(raw, signature, secret))
            except stripe.SignatureVerificationError:
                continue
            except (ValueError, AttributeError, KeyError, TypeError):
                raise BadInput("This is not an event.") from None
        raise BadInput("The signature does not fit.")


def _event(event: stripe.Event) -> Event:
    whose = _customer(event.data.object)
    return Event(id=event.id, type=event.type, customer=whose, livemode=event.livemode)


def _customer(about: Any) -> str | None:
    if about["object"] == "customer":
        return id_of(about["id"])
    return id_of(about["customer"]) if "customer" in about else None
