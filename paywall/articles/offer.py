"""What a reader is told under a teaser: what is missing, what would open it and what that costs."""

from dataclasses import dataclass

from sqlalchemy import select

from paywall.access.decision import Decision, Gate, Level, Reason
from paywall.db import db
from paywall.membership.models import Plan, PlanState
from paywall.membership.plans import Cheapest, cheapest


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
    if decision.reason not in {Reason.PATRONS_ONLY, Reason.HIGHER_PLAN, Reason.METER_SPENT}:
        return Offer(decision.reason, (), None)
    asked = decision.offer if gate.level is Level.PLAN else None
    return Offer(decision.reason, _names(asked or frozenset()), cheapest(asked))


def _names(asked: frozenset[str]) -> tuple[str, ...]:
    query = select(Plan.name).where(Plan.slug.in_(asked), Plan.state != PlanState.HIDDEN)
    return tuple(db.session.scalars(query.order_by(Plan.position, Plan.id)))
