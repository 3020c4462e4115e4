"""Cancelling, and taking it back for as long as it has not ended."""

from flask_babel import gettext

from paywall import clock
from paywall.billing.gateway import gateway
from paywall.billing.selfcare import owned, rules, turns, waiting
from paywall.billing.selfcare.rules import End, Leaving, Said
from paywall.billing.selfcare.waiting import OpenBill
from paywall.db import db
from paywall.errors import Conflict
from paywall.membership import rules as membership
from paywall.membership.models import Subscription


def outlook(held: Subscription) -> Leaving:
    """What cancelling this subscription now would do."""
    return rules.leaving(held, held.access_until, clock.now())


def cancel(reader_id: int, held_id: int, said: Said) -> None:
    """Cancel; a second time changes nothing. Commits. Raises NotFound, Conflict, Unavailable."""
    with turns.alone(reader_id) as customer_id:
        held = owned.fresh(reader_id, held_id, customer_id)
        is_live, stripe_id = held.status in membership.LIVE, held.external_id
        is_leaving, plan = held.cancel_at is not None, outlook(held)
        bill = waiting.bill(held)
        db.session.commit()
        if is_live and not is_leaving:
            owned.carry_out(
                customer_id,
                lambda: _leave(stripe_id, plan, said, bill),
                lambda: _is_leaving(reader_id, held_id),
            )


def keep(reader_id: int, held_id: int) -> None:
    """Take the cancellation back; a second time changes nothing. Commits. Raises as `cancel` does."""
    with turns.alone(reader_id) as customer_id:
        held = owned.fresh(reader_id, held_id, customer_id)
        is_live, stripe_id, is_leaving = (
            held.status in membership.LIVE,
            held.external_id,
            held.cancel_at is not None,
        )
        db.session.commit()
        if not is_live:
            raise Conflict(gettext("This membership has ended. You can join again at any time."))
        if is_leaving:
            owned.carry_out(
                customer_id,
                lambda: gateway().stay(stripe_id),
                lambda: not _is_leaving(reader_id, held_id),
            )


def _leave(stripe_id: str, plan: Leaving, said: Said, bill: OpenBill | None) -> None:
    # A change of plan that waits could be paid later, by mistake, for a membership that ends.
    if bill is not None and bill.is_change and plan.end is End.WITH_PERIOD:
        gateway().forget_bill(bill.stripe_id)
    gateway().leave(stripe_id, plan, said)


def _is_leaving(reader_id: int, held_id: int) -> bool:
    held = owned.mine(reader_id, held_id)
    return held.cancel_at is not None or held.status not in membership.LIVE
