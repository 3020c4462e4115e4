"""What makes it cheaper at Stripe: coupons, the codes by which readers get them, discounts that run."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

import stripe
import structlog

from paywall.billing.gateway.line import Line
from paywall.billing.gateway.reading import instant_or_none
from paywall.billing.remote import Duration, Offer, Promotion
from paywall.membership.discounts import Cut
from paywall.money import Money

# Subscriptions are listed with their coupons, and Stripe expands no deeper: for which product a coupon is
# stands in its metadata too.
PRODUCT = "paywall_product"
log = structlog.get_logger()
_COUPON = "data.promotion.coupon.applies_to"


class Discounts(Line):
    """Making, finding and ending them."""

    def promotion(self, code: str) -> Promotion | None:
        """The promotion code that a reader typed, in whatever case; None if nobody can use it now."""
        with self.talking():
            asked: Any = {"code": code, "active": True, "expand": [_COUPON]}
            found = self.client.v1.promotion_codes.list(asked)
            usable = (_promotion(one) for one in found.data if one.customer is None and _is_valid(one))
            return next(usable, None)

    def promotions(self) -> list[Promotion]:
        """Every promotion code there is or was, newest first."""
        with self.talking():
            found = self.client.v1.promotion_codes.list({"limit": 100, "expand": [_COUPON]})
            return [_promotion(one) for one in found.auto_paging_iter()]

    def create_promotion(self, code: str, offer: Offer, *, most: int | None, until: datetime | None) -> None:
        """Make a coupon and the code for it; raises Unavailable if an active code is spelled the same."""
        with self.talking():
            coupon = self.client.v1.coupons.create(_coupon(code, offer))
            asked: Any = {"code": code, "promotion": {"type": "coupon", "coupon": coupon.id}}
            if most is not None:
                asked["max_redemptions"] = most
            if until is not None:
                asked["expires_at"] = int(until.timestamp())
            self.client.v1.promotion_codes.create(asked)

    def end_promotion(self, promotion_id: str) -> None:
        """Let nobody use a code any more; who has used it keeps the discount."""
        with self.talking():
            self.client.v1.promotion_codes.update(promotion_id, {"active": False})


def cuts(subscription: stripe.Subscription, product: str | None) -> Iterable[Cut]:
    """What lowers each bill of a subscription to `product`; a coupon for one bill only does not."""
    for one in subscription.discounts:
        coupon = None if isinstance(one, str) else one.source.coupon
        if not isinstance(coupon, stripe.Coupon) or "duration" not in coupon:
            # A coupon deleted since may be a bare id: whatever it was, the sync must go on.
            log.warning("discount_not_understood", subscription=subscription.id)
            continue
        if coupon.duration == Duration.ONCE:
            continue
        only = coupon.metadata[PRODUCT] if coupon.metadata and PRODUCT in coupon.metadata else None
        if only is None or only == product:
            yield _cut(coupon, instant_or_none(getattr(one, "end", None)))


def _coupon(code: str, offer: Offer) -> Any:
    cut = offer.cut
    asked: dict[str, Any] = {"name": code, "duration": offer.duration.value}
    if cut.amount:
        asked |= {"amount_off": cut.amount.amount, "currency": cut.amount.currency}
    else:
        asked["percent_off"] = float(cut.percent or 0)
    if offer.months:
        asked["duration_in_months"] = offer.months
    for product in offer.products or ():
        asked |= {"applies_to": {"products": [product]}, "metadata": {PRODUCT: product}}
    return asked


def _is_valid(code: stripe.PromotionCode) -> bool:
    coupon = code.promotion.coupon
    return code.active and isinstance(coupon, stripe.Coupon) and coupon.valid


def _promotion(one: stripe.PromotionCode) -> Promotion:
    coupon = one.promotion.coupon
    assert isinstance(coupon, stripe.Coupon)  # expanded
    return Promotion(
        id=one.id,
        code=one.code,
        offer=Offer(
            cut=_cut(coupon, None),
            duration=Duration(coupon.duration),
            months=coupon.duration_in_months,
            products=frozenset(coupon.applies_to.products) if coupon.applies_to else None,
        ),
        is_active=one.active,
        used=one.times_redeemed,
        most=one.max_redemptions,
        until=instant_or_none(one.expires_at),
    )


def _cut(coupon: stripe.Coupon, until: datetime | None) -> Cut:
    percent = None if coupon.percent_off is None else Decimal(str(coupon.percent_off))
    amount = None if coupon.amount_off is None else Money(coupon.amount_off, coupon.currency or "")
    return Cut(percent=percent, amount=amount, until=until)
