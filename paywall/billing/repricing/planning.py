"""Deciding on a new price: at Stripe first, then on sale for newcomers, then planned for present patrons."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, select

from paywall import clock
from paywall.accounts import reasons, trail
from paywall.billing import setup
from paywall.billing.repricing import rules
from paywall.billing.repricing.models import PriceChange
from paywall.db import db
from paywall.errors import BadInput, NotFound
from paywall.membership import plans
from paywall.membership.models import Plan, Price
from paywall.membership.rules import Interval
from paywall.money import Money


@dataclass(frozen=True, slots=True)
class Wanted:
    """A new price of a plan (its slug) for an interval, from an instant on, with so many days' notice."""

    slug: str
    interval: Interval
    money: Money
    from_at: datetime
    notice_days: int


def plan_of(wanted: Wanted) -> Plan:
    """The plan that is meant."""
    plan = db.session.scalar(select(Plan).where(Plan.slug == wanted.slug))
    if plan is None:
        raise NotFound(f"There is no plan {wanted.slug}.")
    return plan


def begun(wanted: Wanted) -> PriceChange | None:
    """The same change, if it was begun before; else raises BadInput for what cannot begin now."""
    found = db.session.scalar(_open(plan_of(wanted).id, wanted.interval))
    if found and (found.price.money, found.from_at) == (wanted.money, wanted.from_at):
        return found
    if wanted.money.amount <= 0:
        raise BadInput("The price must be more than nothing.")
    notice = timedelta(days=wanted.notice_days)
    if not rules.has_notice(wanted.from_at, clock.now(), notice):
        raise BadInput(f"That day is too soon: patrons are to have {wanted.notice_days} days' notice.")
    return None


def begin(wanted: Wanted, reason: str) -> PriceChange:
    """Sell the new price from now on, and plan the change in place of any that is open; commits."""
    why, plan = reasons.check("price changed", reason), plan_of(wanted)
    before = _on_sale(plan, wanted.interval)
    price_id = _price(plan, wanted)
    db.session.commit()
    # At Stripe before it is on sale here: in between nobody could join.
    setup.make_price(price_id)
    plans.set_price(plan, wanted.interval, wanted.money)
    for earlier in db.session.scalars(_open(plan.id, wanted.interval)):
        earlier.closed_at = clock.now()
    db.session.flush()
    change = PriceChange(
        plan_id=plan.id,
        interval=wanted.interval,
        price_id=price_id,
        from_at=wanted.from_at,
        notice_days=wanted.notice_days,
    )
    db.session.add(change)
    trail.note(
        "price changed",
        f"plan {plan.slug} a {wanted.interval}",
        before={"price": before},
        after={"price": wanted.money.text(), "patrons pay it from": wanted.from_at},
        reason=why,
    )
    db.session.commit()
    return change


def _open(plan_id: int, interval: Interval) -> Select[PriceChange]:
    return select(PriceChange).where(
        PriceChange.plan_id == plan_id, PriceChange.interval == interval, PriceChange.closed_at.is_(None)
    )


def _on_sale(plan: Plan, interval: Interval) -> str | None:
    found = [one.money.text() for one in plan.prices if one.active and one.interval is interval]
    return ", ".join(found) or None


def _price(plan: Plan, wanted: Wanted) -> int:
    """The id of the price's row, not on sale yet if it is new."""
    for one in plan.prices:
        if (one.interval, one.money) == (wanted.interval, wanted.money):
            return one.id
    money = wanted.money
    price = Price(amount=money.amount, currency=money.currency, interval=wanted.interval, active=False)
    plan.prices.append(price)
    db.session.flush()
    return price.id
