"""What a discount takes off a price, as Stripe reckons it: pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from paywall.membership.rules import Discount
from paywall.money import Money


@dataclass(frozen=True, slots=True)
class Cut:
    """A coupon on a price: a percentage or an amount; `until` is aware UTC, None is for ever."""

    percent: Decimal | None
    amount: Money | None
    until: datetime | None = None


def taken_off(price: Money, cut: Cut) -> Money:
    """What one cut takes off a price: never more than the price, and nothing of another currency.

    A percentage is rounded half up to whole minor units.
    """
    if cut.percent is not None:
        off = (price.amount * cut.percent / 100).quantize(Decimal(1), ROUND_HALF_UP)
        return Money(min(int(off), price.amount), price.currency)
    if cut.amount is None or cut.amount.currency != price.currency:
        return Money(0, price.currency)
    return Money(min(cut.amount.amount, price.amount), price.currency)


def standing(price: Money, cuts: Iterable[Cut], now: datetime) -> Discount | None:
    """What those of the cuts that run at `now` take off each interval together, each off what is left.

    It stands until the first of them ends; None if nothing is taken off.
    """
    left, ends = price, []
    for cut in cuts:
        if cut.until is None or cut.until > now:
            left -= taken_off(left, cut)
            ends.append(cut.until)
    if left == price:
        return None
    return Discount(price - left, min((end for end in ends if end), default=None))
