"""The plans on offer, and how staff write one down."""

from dataclasses import dataclass

from sqlalchemy import select

from paywall.accounts import trail
from paywall.db import db
from paywall.errors import BadInput
from paywall.membership.models import Plan, PlanState, Price
from paywall.membership.rules import Interval
from paywall.membership.seats import SeatRange
from paywall.money import Money


@dataclass(frozen=True, slots=True)
class PlanText:
    """What staff say of a plan; `prices` by interval, of one seat if it is sold with `seats`."""

    slug: str
    name: str
    description: str
    prices: dict[Interval, Money]
    trial_days: int = 0
    position: int = 0
    state: PlanState = PlanState.OPEN
    seats: SeatRange | None = None


@dataclass(frozen=True, slots=True)
class Cheapest:
    """The least that joining one of several plans costs, for one interval, and the trial days of its plan."""

    price: Money
    interval: Interval
    trial_days: int


def on_offer(slug: str | None = None) -> list[Plan]:
    """The open plans in their order; with a `slug` also that hidden plan, for who has its link."""
    wanted = Plan.state == PlanState.OPEN
    if slug:
        wanted |= (Plan.slug == slug) & (Plan.state == PlanState.HIDDEN)
    return list(db.session.scalars(select(Plan).where(wanted).order_by(Plan.position, Plan.id)))


def cheapest(asked: frozenset[str] | None = None) -> Cheapest | None:
    """The least that joining costs among the open plans, or those of `asked`; None if none is on sale."""
    query = select(Price).join(Plan).where(Plan.state == PlanState.OPEN, Price.active)
    if asked is not None:
        query = query.where(Plan.slug.in_(asked))
    # A month's price is the smaller step, so it is named first wherever there is one.
    best = min(
        db.session.scalars(query),
        key=lambda price: (price.interval is not Interval.MONTH, price.entry.amount),
        default=None,
    )
    return Cheapest(best.entry, best.interval, best.plan.trial_days) if best else None


def write(text: PlanText, reason: str) -> Plan:
    """Write a plan down; a new price closes the old one of its interval to newcomers. The caller commits.

    Raises BadInput, also without a reason.
    """
    if not text.prices:
        raise BadInput("A plan needs a price: give --month or --year.")
    plan = db.session.scalar(select(Plan).where(Plan.slug == text.slug)) or Plan(slug=text.slug)
    before = _said(plan) if plan.id else None
    plan.name, plan.description, plan.state = text.name, text.description, text.state
    plan.trial_days, plan.position = text.trial_days, text.position
    plan.seats_min = text.seats.least if text.seats else None
    plan.seats_max = text.seats.most if text.seats else None
    db.session.add(plan)
    db.session.flush()
    for interval, money in text.prices.items():
        set_price(plan, interval, money)
    db.session.flush()
    trail.note("plan written", f"plan {plan.slug}", before=before, after=_said(plan), reason=reason)
    return plan


def set_price(plan: Plan, interval: Interval, money: Money) -> None:
    """Let newcomers pay this price, and no other of its interval; the caller commits."""
    if money.amount <= 0:
        raise BadInput(f"The price a {interval} must be more than nothing.")
    same = [price for price in plan.prices if price.interval is interval]
    for price in same:
        price.active = price.money == money
    if not any(price.active for price in same):
        plan.prices.append(Price(amount=money.amount, currency=money.currency, interval=interval))


def _said(plan: Plan) -> dict[str, object]:
    """What staff say of a plan, and the prices that newcomers pay."""
    sold = sorted(f"{price.money.text()} a {price.interval}" for price in plan.prices if price.active)
    texts = {name: getattr(plan, name) for name in ("name", "description", "position", "trial_days")}
    seats = f"{plan.seats.least}-{plan.seats.most}" if plan.seats else None
    return {**texts, "state": str(plan.state), "seats": seats, "prices": ", ".join(sold)}
