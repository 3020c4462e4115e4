"""What a reader is told under a teaser: what is missing, what would open it and what that costs."""

from dataclasses import dataclass

from flask import current_app
from sqlalchemy import select

from paywall.access import free_reads
from paywall.access.decision import Decision, Gate, Level, Reason
from paywall.db import db
from paywall.membership.models import Plan, PlanState
from paywall.membership.plans import Cheapest, cheapest


@dataclass(frozen=True, slots=True)
class Offer:
    """One denial in words: the reason, the plans it takes by name, and the price; None if none is on sale.

    `more_free`: how many more free reads an account would bring, in `meter_days` (0: in a month).
    """

    reason: Reason
    plans: tuple[str, ...]
    cheapest: Cheapest | None
    more_free: int = 0
    meter_days: int = 0


def offer(gate: Gate, decision: Decision, *, signed_in: bool = False) -> Offer:
    """What to say to someone whom `decision` denied an article behind `gate`.

    A patrons gate opens to every plan; a plan gate to its own, of which each may be closed, hidden or gone.
    """
    if decision.reason not in {Reason.PATRONS_ONLY, Reason.HIGHER_PLAN, Reason.METER_SPENT}:
        return Offer(decision.reason, (), None)
    asked = decision.offer if gate.level is Level.PLAN else None
    names = _names(asked or frozenset())
    allowance = free_reads.allowed(current_app.extensions["settings"])
    more_free = 0 if signed_in or not gate.takes_free_reads else allowance.reader - allowance.visitor
    return Offer(decision.reason, names, cheapest(asked), more_free, allowance.days)


def _names(asked: frozenset[str]) -> tuple[str, ...]:
    query = select(Plan.name).where(Plan.slug.in_(asked), Plan.state != PlanState.HIDDEN)
    return tuple(db.session.scalars(query.order_by(Plan.position, Plan.id)))
