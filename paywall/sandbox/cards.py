"""Stripe's test cards: which number does what (https://docs.stripe.com/testing)."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum


class Authentication(StrEnum):
    """When the bank asks for 3-D Secure."""

    NEVER = "never"
    UNLESS_SET_UP = "unless_set_up"
    ALWAYS = "always"


class RefundCourse(StrEnum):
    """How a refund to a card goes: it succeeds at once, waits first, or fails after it seemed to succeed."""

    AT_ONCE = "at_once"
    PENDING = "pending"
    FAILS = "fails"


@dataclass(frozen=True)
class Decline:
    """Why a card is refused, in Stripe's words."""

    code: str
    decline_code: str | None
    message: str


@dataclass(frozen=True)
class TestCard:
    """What happens to a card number: `decline` always, `later` only when the reader is not there."""

    brand: str = "visa"
    decline: Decline | None = None
    later: Decline | None = None
    after_authentication: Decline | None = None
    authentication: Authentication = Authentication.NEVER
    dispute: str | None = None
    inquiry: bool = False
    refund: RefundCourse = RefundCourse.AT_ONCE
    country: str = "US"


@dataclass(frozen=True)
class Card:
    """What a reader types into a payment page."""

    number: str
    exp_month: int
    exp_year: int
    cvc: str
    name: str
    email: str | None = None

    @property
    def digits(self) -> str:
        """The number without the spaces and dashes people type."""
        return "".join(c for c in self.number if c not in " -")


def _declined(decline_code: str, message: str = "Your card was declined.") -> Decline:
    return Decline("card_declined", decline_code, message)


NO_FUNDS = _declined("insufficient_funds", "Your card has insufficient funds.")
GENERIC = _declined("generic_decline")
LIVE = _declined(
    "test_mode_live_card",
    "Your card was declined. Your request was in test mode, but used a non test card. "
    "For a list of valid test cards, visit: https://docs.stripe.com/testing.",
)
NOT_AUTHENTICATED = Decline(
    "payment_intent_authentication_failure",
    None,
    "We are unable to authenticate your payment method. "
    "Please choose a different payment method and try again.",
)
AUTHENTICATION_REQUIRED = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)
CARDS = {
    "4242424242424242": TestCard(),
    "4000056655665556": TestCard(),
    "5555555555554444": TestCard(brand="mastercard"),
    "378282246310005": TestCard(brand="amex"),
    "4000000000000002": TestCard(decline=GENERIC),
    "4000000000009995": TestCard(decline=NO_FUNDS),
    "4000000000009987": TestCard(decline=_declined("lost_card")),
    "4000000000009979": TestCard(decline=_declined("stolen_card")),
    "4000000000000069": TestCard(decline=Decline("expired_card", None, "Your card has expired.")),
    "4000000000000127": TestCard(
        decline=Decline("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.")
    ),
    "4000000000000119": TestCard(
        decline=Decline(
            "processing_error",
            None,
            "An error occurred while processing your card. Try again in a little bit.",
        )
    ),
    "4000000000000341": TestCard(later=GENERIC),
    "4000002500003155": TestCard(authentication=Authentication.UNLESS_SET_UP),
    "4000002760003184": TestCard(authentication=Authentication.ALWAYS),
    "4000008260003178": TestCard(authentication=Authentication.ALWAYS, after_authentication=NO_FUNDS),
    "4000000000000259": TestCard(dispute="fraudulent"),
    "4000000000001976": TestCard(dispute="fraudulent", inquiry=True),
    "4000000000007726": TestCard(refund=RefundCourse.PENDING),
    "4000000000005126": TestCard(refund=RefundCourse.FAILS),
    # https://docs.stripe.com/testing#international-cards
    "4000000400000008": TestCard(country="AT"),
    "4000001000000000": TestCard(country="BG"),
    "4000002500000003": TestCard(country="FR"),
    "4000002760000016": TestCard(country="DE"),
    "4000008260000000": TestCard(country="GB"),
}
# https://docs.stripe.com/testing: payment methods that stand for a card in API calls.
TOKENS = {
    "pm_card_visa": "4242424242424242",
    "pm_card_mastercard": "5555555555554444",
    "pm_card_chargeCustomerFail": "4000000000000341",
    "pm_card_visa_chargeDeclined": "4000000000000002",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_authenticationRequired": "4000002760003184",
    "pm_card_authenticationRequiredOnSetup": "4000002500003155",
    "pm_card_createDispute": "4000000000000259",
    "pm_card_createDisputeInquiry": "4000000000001976",
    "pm_card_pendingRefund": "4000000000007726",
    "pm_card_refundFail": "4000000000005126",
}


def test_card(number: str) -> TestCard:
    """What a number does; a number that is no test card is declined."""
    return CARDS.get(number, TestCard(decline=LIVE))


def refusal(card: Card, now: datetime) -> Decline | None:
    """Why the form itself would not be taken: number, date or code that cannot be right."""
    if not _luhn(card.digits):
        return Decline("incorrect_number", None, "Your card number is incorrect.")
    if not 1 <= card.exp_month <= 12:
        return Decline("invalid_expiry_month", None, "Your card's expiration month is invalid.")
    if (card.exp_year, card.exp_month) < (now.astimezone(UTC).year, now.astimezone(UTC).month):
        return Decline("invalid_expiry_year", None, "Your card's expiration year is invalid.")
    if not (card.cvc.isdigit() and len(card.cvc) in (3, 4)):
        return Decline("invalid_cvc", None, "Your card's security code is invalid.")
    return None


def _luhn(digits: str) -> bool:
    if not (digits.isascii() and digits.isdigit() and 12 <= len(digits) <= 19):
        return False
    doubled = [int(d) * (2 if i % 2 else 1) for i, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0
