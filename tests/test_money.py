"""Money: exact, and never of two currencies at once."""

from decimal import Decimal

import pytest

from paywall.money import MixedCurrencies, Money


def test_adds_and_subtracts_in_one_currency() -> None:
    assert Money(500, "eur") + Money(50, "eur") == Money(550, "eur")
    assert Money(500, "eur") - Money(550, "eur") == Money(-50, "eur")
    assert -Money(500, "eur") == Money(-500, "eur")


def test_refuses_to_add_two_currencies() -> None:
    with pytest.raises(MixedCurrencies, match="usd and eur"):
        Money(1, "usd") + Money(1, "eur")
    with pytest.raises(MixedCurrencies):
        Money(1, "usd") - Money(1, "eur")


@pytest.mark.parametrize(
    ("money", "major", "english", "german"),
    [
        (Money(500, "eur"), "5.00", "€5", "5,00\xa0€"),
        (Money(550, "eur"), "5.50", "€5.50", "5,50\xa0€"),
        (Money(123456, "usd"), "1234.56", "$1,234.56", "1.234,56\xa0$"),
        (Money(700, "jpy"), "700", "¥700", "700\xa0¥"),
    ],
)
def test_reads_well(money: Money, major: str, english: str, german: str) -> None:
    assert money.major() == Decimal(major)
    assert money.text("en") == english
    assert money.text("de") == german
