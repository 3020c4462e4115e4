"""The stand-in for Stripe: for the demo and the tests, spoken to by the unmodified stripe package."""

from paywall.sandbox.api import Response
from paywall.sandbox.cards import CARDS, Card
from paywall.sandbox.checkout import Payment, PaymentState
from paywall.sandbox.collection import AfterRetries, Dunning
from paywall.sandbox.deliveries import Delivery
from paywall.sandbox.errors import SandboxError
from paywall.sandbox.faults import Fault, FaultKind
from paywall.sandbox.payouts import Rhythm
from paywall.sandbox.portal import PortalView
from paywall.sandbox.sandbox import Sandbox

__all__ = [
    "CARDS",
    "AfterRetries",
    "Card",
    "Delivery",
    "Dunning",
    "Fault",
    "FaultKind",
    "Payment",
    "PaymentState",
    "PortalView",
    "Response",
    "Rhythm",
    "Sandbox",
    "SandboxError",
]
