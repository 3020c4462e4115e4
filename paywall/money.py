"""Money: integer minor units and a three-letter currency; two currencies never add."""

from dataclasses import dataclass
from decimal import Decimal

from babel.numbers import format_currency, get_currency_precision


class MixedCurrencies(ValueError):
    """Two amounts of different currencies were added or compared."""


@dataclass(frozen=True, slots=True)
class Money:
    """`amount` in minor units (cents; whole yen), `currency` lower case as Stripe spells it ("eur")."""

    amount: int
    currency: str

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
