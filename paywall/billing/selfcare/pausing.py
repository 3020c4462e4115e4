"""A pause that the reader takes, and its end: nothing is billed meanwhile, and what was paid for is read."""

from datetime import datetime

from paywall import clock
from paywall.billing.gateway import gateway
from paywall.billing.selfcare import owned, turns, waiting
from paywall.billing.selfcare.rules import Deed
from paywall.billing.selfcare.switching import Outcome
from paywall.db import db
from paywall.membership.models import Subscription
from paywall.membership.rules import HOLDING, Status


def pause(reader_id: int, held_id: int) -> None:
    """Pause; a second time changes nothing. Commits. Raises NotFound, Conflict, Unavailable."""
    with turns.alone(reader_id) as customer_id:
        held = owned.fresh(reader_id, held_id, customer_id)
        if held.status is not Status.PAUSED:
            owned.require(Deed.PAUSE, held)
            subscription = held.external_id
            db.session.commit()
            owned.carry_out(
                customer_id,
                lambda: gateway().pause(subscription),
                lambda: owned.mine(reader_id, held_id).status is Status.PAUSED,
            )


def resume(reader_id: int, held_id: int) -> Outcome:
    """Go on; a second time changes nothing. Commits. It may wait for its payment. Raises as `pause` does."""
    with turns.alone(reader_id) as customer_id:
        held = owned.fresh(reader_id, held_id, customer_id)
        if held.status in HOLDING:
            return Outcome.MADE
        owned.require(Deed.RESUME, held)
        subscription, is_paid_for = held.external_id, paid_until(held) is not None
        db.session.commit()
        owned.carry_out(
            customer_id,
            lambda: gateway().resume(subscription, bills=not is_paid_for),
            lambda: _is_resumed(reader_id, held_id),
        )
        is_running = owned.mine(reader_id, held_id).status in HOLDING
        db.session.commit()
        return Outcome.MADE if is_running else Outcome.WAITING


def paid_until(held: Subscription) -> datetime | None:
    """Until when a reader who paused has paid: before then they go on in the same period, without a bill."""
    until = held.access_until
    return until if held.wanted_break and until and until > clock.now() else None


def _is_resumed(reader_id: int, held_id: int) -> bool:
    held = owned.mine(reader_id, held_id)
    return held.status in HOLDING or waiting.bill(held) is not None
