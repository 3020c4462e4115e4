"""What was typed into a card form: read, checked as a payment page checks it, and shown again."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from paywall.sandbox.cards import CARDS, Card, refusal
from paywall.sandbox.wording import gettext

FIELDS = ("email", "number", "expiry", "cvc", "name")
# Stripe's error codes (https://docs.stripe.com/error-codes) that are not about the number.
_FIELD_OF = {
    "expired_card": "expiry",
    "incorrect_cvc": "cvc",
    "invalid_cvc": "cvc",
    "invalid_expiry_month": "expiry",
    "invalid_expiry_year": "expiry",
}


@dataclass(frozen=True)
class CardForm:
    """The fields as typed. `errors` maps a field's name to what is wrong with it.

    `email` is asked for only where the payment page does not know it already.
    """

    email: str = ""
    number: str = ""
    expiry: str = ""
    cvc: str = ""
    name: str = ""
    errors: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def first_wrong(self) -> str:
        """The first field that has an error, or an empty string."""
        return next((name for name in FIELDS if name in self.errors), "")

    def card(self) -> Card | None:
        """The card, when every field is filled in; None while `errors` has something to say."""
        expiry = _month_and_year(self.expiry)
        if self.errors or expiry is None:
            return None
        return Card(self.number, *expiry, self.cvc, self.name, self.email or None)

    def declined(self, code: str, message: str) -> "CardForm":
        """The same form with the bank's answer at the field it is about, and the security code emptied."""
        return replace(self, errors={_FIELD_OF.get(code, "number"): message}, cvc="")


@dataclass(frozen=True)
class Hint:
    """A test card and what it does."""

    number: str
    spaced: str
    does: str


def typed(fields: Mapping[str, str], now: datetime, *, with_email: bool = False) -> CardForm:
    """The form as it was sent, with what a payment page sees by itself before any bank is asked."""
    email, number, expiry, cvc, name = (fields.get(field, "").strip()[:100] for field in FIELDS)
    form = CardForm(email, number, expiry, cvc, name)
    found = {name: error for name, error in _incomplete(form, with_email=with_email).items() if error}
    if not found:
        found = _refused(form, now)
    return replace(form, errors=found)


def filled(number: str, now: datetime) -> CardForm:
    """A form that a test card has filled in; an empty one for any other number."""
    if number not in CARDS:
        return CardForm()
    expiry = f"12 / {(now.year + 3) % 100:02}"
    return CardForm(number=spaced(number), expiry=expiry, cvc="123", name=gettext("Test Reader"))


def hints() -> list[Hint]:
    """The test cards that a page offers, most useful first."""
    does = {
        "4242424242424242": gettext("Pays"),
        "4000000000000002": gettext("Is declined"),
        "4000000000009995": gettext("Is declined: no funds"),
        "4000002760003184": gettext("Asks for 3-D Secure each time"),
        "4000002500003155": gettext("Asks for 3-D Secure once"),
        "4000008260003178": gettext("Asks for 3-D Secure, then is declined"),
        "4000000000000341": gettext("Pays now, fails at the renewal"),
        "4000000000000069": gettext("Has expired"),
        "4000000000000127": gettext("Has another security code"),
        "4000000000000259": gettext("Pays, is disputed later"),
    }
    return [Hint(number, spaced(number), text) for number, text in does.items()]


def spaced(number: str) -> str:
    """A card number in groups of four."""
    return " ".join(re.findall(".{1,4}", number))


def _month_and_year(text: str) -> tuple[int, int] | None:
    match = re.fullmatch(r"(\d{1,2})\s*[/-]?\s*(?:20)?(\d{2})", text)
    return (int(match[1]), 2000 + int(match[2])) if match else None


def _incomplete(form: CardForm, *, with_email: bool) -> dict[str, str | None]:
    enough = len(re.sub(r"\D", "", form.number)) >= 12
    reachable = not with_email or re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", form.email)
    return {
        "email": None if reachable else gettext("Write your e-mail address."),
        "number": None if enough else gettext("The card number is incomplete."),
        "expiry": None if _month_and_year(form.expiry) else gettext("The expiry date is incomplete."),
        "cvc": None if len(form.cvc) >= 3 else gettext("The security code is incomplete."),
        "name": None if form.name else gettext("Write the name that is on the card."),
    }


def _refused(form: CardForm, now: datetime) -> dict[str, str]:
    card = form.card()
    why = refusal(card, now) if card else None
    return {_FIELD_OF.get(why.code, "number"): why.message} if why else {}
