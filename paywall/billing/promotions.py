"""Promotion codes: what a reader's code is worth now, and how staff make, list and end them."""

from dataclasses import dataclass, replace
from datetime import datetime

from flask_babel import gettext
from sqlalchemy import select

from paywall.accounts import trail
from paywall.billing.gateway import gateway
from paywall.billing.models import StripeTwin, TwinKind
from paywall.billing.remote import Offer, Promotion
from paywall.db import db
from paywall.errors import BadInput, Conflict, NotFound
from paywall.membership.discounts import taken_off
from paywall.membership.models import Plan
from paywall.money import Money

LONGEST = 100


class CodeRefused(Conflict):
    """The reader's promotion code cannot be used (any more); they can still join at the full price."""


@dataclass(frozen=True, slots=True)
class Bargain:
    """A valid code on the join page: what the first payment is instead, by our price's id."""

    promotion: Promotion
    first: dict[int, Money]


def bargain(code: str, plans: list[Plan]) -> Bargain | None:
    """What a code is worth on these plans; None for one that nobody can use now. Asks Stripe: commits."""
    products = _products()
    prices = {price.id: (price.plan_id, price.money) for plan in plans for price in plan.prices}
    db.session.commit()
    promotion = find(code)
    if promotion is None:
        return None
    offer, first = promotion.offer, {}
    for price_id, (plan_id, money) in prices.items():
        off = taken_off(money, offer.cut)
        if off.amount and (offer.products is None or products.get(plan_id) in offer.products):
            first[price_id] = money - off
    return Bargain(promotion, first) if first else None


def find(code: str) -> Promotion | None:
    """The promotion that a reader's code stands for now, in whatever case; no transaction may be open."""
    code = code.strip()
    return gateway().promotion(code) if 0 < len(code) <= LONGEST else None


def required(code: str) -> Promotion:
    """The same for who counts on it; raises CodeRefused."""
    found = find(code)
    if found is None:
        raise refused(code)
    return found


def refused(code: str) -> CodeRefused:
    """Said plainly: the code is no good, the price is the full one."""
    words = gettext(
        "The code “%(code)s” is not valid, or not any more. You can join at the full price.", code=code
    )
    return CodeRefused(words)


def create(
    code: str,
    offer: Offer,
    *,
    plan: str | None,
    most: int | None,
    until: datetime | None,
    reason: str = "",
) -> None:
    """Make a code at Stripe, for one plan (its slug) or for all; commits."""
    if plan is not None:
        offer = replace(offer, products=frozenset({_product(plan)}))
    db.session.commit()
    if find(code):
        raise Conflict(f"There is a code {code} that readers can use now: end it first.")
    gateway().create_promotion(code, offer, most=most, until=until)
    said = {"offer": offer, "plan": plan, "most": most, "until": until}
    trail.note("promotion code made", code, after=said, reason=reason)
    db.session.commit()


def end(code: str, *, reason: str = "") -> None:
    """Let nobody use a code any more; who has used it keeps the discount."""
    found = find(code)
    if found is None:
        raise NotFound(f"There is no code {code} that readers could use.")
    gateway().end_promotion(found.id)
    trail.note("promotion code ended", code, reason=reason)
    db.session.commit()


def _products() -> dict[int, str]:
    query = select(StripeTwin.own_id, StripeTwin.stripe_id).where(
        StripeTwin.kind == TwinKind.PRODUCT, StripeTwin.mode == gateway().mode
    )
    return {row.own_id: row.stripe_id for row in db.session.execute(query)}


def _product(slug: str) -> str:
    plan_id = db.session.scalar(select(Plan.id).where(Plan.slug == slug))
    product = _products().get(plan_id or 0)
    if product is None:
        raise BadInput(f"There is no plan {slug!r} at Stripe: see `flask paywall plan` and `stripe-setup`.")
    return product
