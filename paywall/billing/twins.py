"""What our things are called at Stripe, in the mode that we talk in."""

from sqlalchemy import select

from paywall.billing.gateway import gateway
from paywall.billing.models import StripeTwin, TwinKind
from paywall.db import db


def stripe_id(kind: TwinKind, own_id: int) -> str | None:
    """The id at Stripe of a thing of ours; None if `stripe-setup` has not made it there."""
    return db.session.scalar(
        select(StripeTwin.stripe_id).where(
            StripeTwin.kind == kind, StripeTwin.own_id == own_id, StripeTwin.mode == gateway().mode
        )
    )
