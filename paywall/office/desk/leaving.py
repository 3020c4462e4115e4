"""Ending a membership that Stripe bills, for a reader who asks the desk to, and taking that back."""

import enum
from collections.abc import Mapping
from datetime import datetime

from paywall.billing.gateway import gateway
from paywall.billing.selfcare import leaving as selfcare
from paywall.billing.selfcare import owned, turns
from paywall.billing.selfcare.rules import End, Leaving, Said
from paywall.db import db
from paywall.errors import Conflict
from paywall.membership.models import Subscription
from paywall.membership.rules import LIVE
from paywall.office.desk import hands
from paywall.office.desk.hands import Wish

NOTHING_SAID = Said()


class When(enum.StrEnum):
    """When a membership ends: at once, or when what is paid for is over."""

    NOW = "now"
    LATER = "later"


def choices(held: Subscription) -> tuple[When, ...]:
    """When it can end: with a bill unpaid, only at once, for Stripe would go on collecting."""
    if held.cancel_at is not None or selfcare.outlook(held).end is End.AT_ONCE:
        return (When.NOW,)
    return (When.LATER, When.NOW)


def later(held: Subscription) -> datetime | None:
    """Until when is read if it ends when it is paid for."""
    return selfcare.outlook(held).reads_until


def cancel(reader_id: int, held_id: int, when: When, reason: str) -> bool:
    """End it; False if that is done or planned already. Commits. Raises NotFound, Conflict, Unavailable."""
    with turns.alone(reader_id) as customer_id:
        held = owned.fresh(reader_id, held_id, customer_id)
        is_done = held.status not in LIVE or (when is When.LATER and held.cancel_at is not None)
        how = Leaving(End.AT_ONCE, None) if when is When.NOW else selfcare.outlook(held)
        stripe_id, before = held.external_id, _state(held)
        wish = Wish("membership cancelled", _about(held), reader_id, reason)
        db.session.commit()
        if is_done:
            return False
        hands.carry_out(
            customer_id,
            wish,
            lambda: gateway().leave(stripe_id, how, NOTHING_SAID),
            lambda: _is_over(reader_id, held_id, when),
            (before, lambda: _state(owned.mine(reader_id, held_id))),
        )
        return True


def keep(reader_id: int, held_id: int, reason: str) -> bool:
    """Take a planned end back; False if none is planned. Commits. Raises as `cancel` does."""
    with turns.alone(reader_id) as customer_id:
        held = owned.fresh(reader_id, held_id, customer_id)
        if held.status not in LIVE:
            raise Conflict("This membership has ended: the reader can join again.")
        is_planned, stripe_id, before = held.cancel_at is not None, held.external_id, _state(held)
        wish = Wish("cancellation undone", _about(held), reader_id, reason)
        db.session.commit()
        if not is_planned:
            return False
        hands.carry_out(
            customer_id,
            wish,
            lambda: gateway().stay(stripe_id),
            lambda: owned.mine(reader_id, held_id).cancel_at is None,
            (before, lambda: _state(owned.mine(reader_id, held_id))),
        )
        return True


def _is_over(reader_id: int, held_id: int, when: When) -> bool:
    held = owned.mine(reader_id, held_id)
    return held.status not in LIVE or (when is When.LATER and held.cancel_at is not None)


def _state(held: Subscription) -> Mapping[str, object]:
    return {"status": held.status.value, "ends": held.cancel_at, "reads until": held.access_until}


def _about(held: Subscription) -> str:
    return f"{held.plan.slug} of {held.reader.email} ({held.external_id})"
