"""Money: integer minor units and a three-letter currency; two currencies never add."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from babel.numbers import format_currency, get_currency_precision

from paywall.errors import BadInput


class MixedCurrencies(ValueError):
    """Two amounts of different currencies were added or compared."""


@dataclass(frozen=True, slots=True)
class Money:
    """`amount` in minor units (cents; whole yen), `currency` lower case as Stripe spells it ("eur")."""

    amount: int
    currency: str

    @classmethod
    def read(cls, text: str, currency: str) -> "Money":
        """What a person writes ("5", "5.50", "5,50") in major units; raises BadInput."""
        try:
            minor = Decimal(text.replace(",", ".")).scaleb(get_currency_precision(currency.upper()))
        except InvalidOperation:
            raise BadInput(f"{text!r} is not an amount: write 5 or 5.50.") from None
        if not minor.is_finite() or minor != minor.to_integral_value():
            raise BadInput(f"{text!r} has more digits than {currency.upper()} has.")
        return cls(int(minor), currency)

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + self._same(other).amount, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount - self._same(other).amount, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency)

    def major(self) -> Decimal:
        """The amount in major units, exact: Money(1999, "eur") is Decimal("19.99")."""
        return Decimal(self.amount).scaleb(-get_currency_precision(self.currency.upper()))

    def text(self, locale: str = "en") -> str:
        """For a person to read: "€5" when whole, "€5.50" otherwise."""
        locale = locale.replace("-", "_")
        major = self.major()
        pattern = "¤#,##0" if locale.startswith("en") and major == major.to_integral_value() else None
        return format_currency(
            major, self.currency.upper(), format=pattern, locale=locale, currency_digits=pattern is None
        )

    def _same(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise MixedCurrencies(f"{self.currency} and {other.currency} do not add")
        return other
