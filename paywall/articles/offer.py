"""What a reader is told under a teaser: what is missing, what would open it and what that costs."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from paywall.access.decision import Decision, Gate, Level, Reason
from paywall.db import db
from paywall.membership.models import Plan, PlanState, Price
from paywall.membership.rules import Interval
from paywall.money import Money


@dataclass(frozen=True, slots=True)
class Cheapest:
    """The lowest price that would open an article, per interval, and the trial days of its plan."""

    price: Money
    interval: Interval
    trial_days: int


@dataclass(frozen=True, slots=True)
class Offer:
    """One denial in words: the reason, the plans it takes by name, and the price; None if none is on sale."""

    reason: Reason
    plans: tuple[str, ...]
    cheapest: Cheapest | None


def offer(gate: Gate, decision: Decision) -> Offer:
    """What to say to someone whom `decision` denied an article behind `gate`.

    A patrons gate opens to every plan; a plan gate to its own, of which each may be closed, hidden or gone.
    """
    if decision.reason not in {Reason.PATRONS_ONLY, Reason.HIGHER_PLAN}:
        return Offer(decision.reason, (), None)
    asked = decision.offer if gate.level is Level.PLAN else None
    return Offer(decision.reason, _names(asked or frozenset()), _cheapest(asked))


def _names(asked: frozenset[str]) -> tuple[str, ...]:
    query = select(Plan.name).where(Plan.slug.in_(asked), Plan.state != PlanState.HIDDEN)
    return tuple(db.session.scalars(query.order_by(Plan.position, Plan.id)))


def _cheapest(asked: frozenset[str] | None) -> Cheapest | None:
    query = select(Price).join(Plan).where(Plan.state == PlanState.OPEN, Price.active)
    if asked is not None:
        query = query.where(Plan.slug.in_(asked))
    prices: Sequence[Price] = db.session.scalars(query).all()
    # A month's price is the smaller step, so it is named first wherever there is one.
    best = min(prices, key=lambda price: (price.interval is not Interval.MONTH, price.amount), default=None)
    return Cheapest(best.money, best.interval, best.plan.trial_days) if best else None
