"""Time to pay: the end of a reader's grace, put off or brought forward by hand."""

from datetime import datetime, timedelta

from sqlalchemy import select

from paywall import clock
from paywall.accounts import trail
from paywall.billing.groups import seats
from paywall.db import db
from paywall.errors import BadInput, Conflict, NotFound
from paywall.membership import applied, record
from paywall.membership.models import Subscription
from paywall.membership.policy import access
from paywall.membership.rules import Source
from paywall.office.desk.deeds import Deed, deeds

LONGEST = timedelta(days=92)


def by_policy(held: Subscription) -> datetime | None:
    """When access would end without a date by hand."""
    return access(held, applied.in_force()).until


def put(reader_id: int, held_id: int, until: datetime | None, reason: str) -> bool:
    """Let the grace of an unpaid membership end then; None: as the policy says. The caller commits.

    It holds for the bill that is unpaid now: once that is settled, the policy says all again. False if it
    ends then already. Raises NotFound, BadInput, Conflict.
    """
    held = _locked(reader_id, held_id)
    now = clock.now()
    if until is not None and until > now + LONGEST:
        raise BadInput(f"Time to pay can be given for {LONGEST.days} days at most.")
    is_same = held.grace_until == until
    is_over = until is not None and until <= now and (held.access_until is None or held.access_until <= now)
    if is_same or is_over:
        return False
    if Deed.GRACE not in deeds(held):
        raise Conflict("Nothing of this membership is unpaid now, so there is no grace to change.")
    before = _state(held)
    record.put_off(held, until, applied.in_force())
    seats.follow(reader_id)
    about = f"{held.plan.slug} of {held.reader.email} ({held.external_id})"
    trail.note("grace changed", about, reader_id=reader_id, before=before, after=_state(held), reason=reason)
    return True


def _locked(reader_id: int, held_id: int) -> Subscription:
    mine = select(Subscription).where(
        Subscription.id == held_id,
        Subscription.reader_id == reader_id,
        Subscription.source == Source.STRIPE,
    )
    held = db.session.scalar(mine.with_for_update(of=Subscription).execution_options(populate_existing=True))
    if held is None:
        raise NotFound("This reader has no such membership.")
    return held


def _state(held: Subscription) -> dict[str, object]:
    return {"by hand": held.grace_until, "reads until": held.access_until}
