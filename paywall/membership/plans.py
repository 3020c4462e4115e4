"""The plans on offer, and how staff write one down."""

from dataclasses import dataclass

from sqlalchemy import select

from paywall.db import db
from paywall.errors import BadInput
from paywall.membership.models import Plan, PlanState, Price
from paywall.membership.rules import Interval
from paywall.money import Money


@dataclass(frozen=True, slots=True)
class PlanText:
    """What staff say of a plan; `prices` by interval."""

    slug: str
    name: str
    description: str
    prices: dict[Interval, Money]
    trial_days: int = 0
    position: int = 0
    state: PlanState = PlanState.OPEN


def on_offer(slug: str | None = None) -> list[Plan]:
    """The open plans in their order; with a `slug` also that hidden plan, for who has its link."""
    wanted = Plan.state == PlanState.OPEN
    if slug:
        wanted |= (Plan.slug == slug) & (Plan.state == PlanState.HIDDEN)
    return list(db.session.scalars(select(Plan).where(wanted).order_by(Plan.position, Plan.id)))


def cheapest(plans: frozenset[str] = frozenset()) -> Price | None:
    """The lowest monthly price among the open plans, or among those of `plans`; None if none is sold."""
    query = (
        select(Price)
        .join(Plan)
        .where(Plan.state == PlanState.OPEN, Price.active, Price.interval == Interval.MONTH)
        .order_by(Price.amount)
    )
    if plans:
        query = query.where(Plan.slug.in_(plans))
    return db.session.scalar(query.limit(1))


def write(text: PlanText) -> Plan:
    """Write a plan down; a new price closes the old one of its interval to newcomers. The caller commits."""
    if not text.prices:
        raise BadInput("A plan needs a price: give --month or --year.")
    plan = db.session.scalar(select(Plan).where(Plan.slug == text.slug)) or Plan(slug=text.slug)
    plan.name, plan.description, plan.state = text.name, text.description, text.state
    plan.trial_days, plan.position = text.trial_days, text.position
    db.session.add(plan)
    db.session.flush()
    for interval, money in text.prices.items():
        _price(plan, interval, money)
    return plan


def _price(plan: Plan, interval: Interval, money: Money) -> None:
    if money.amount <= 0:
        raise BadInput(f"The price a {interval} must be more than nothing.")
    same = [price for price in plan.prices if price.interval is interval]
    for price in same:
        price.active = price.money == money
    if not any(price.active for price in same):
        plan.prices.append(Price(amount=money.amount, currency=money.currency, interval=interval))
