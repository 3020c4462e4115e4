"""Numbers that put fetches in order: what one that began earlier brings never overwrites a later one's."""

from sqlalchemy import update

from paywall.billing.models import TicketRoll
from paywall.db import db


def tear() -> int:
    """The next ticket, greater than every one before; commit before Stripe is asked."""
    following = update(TicketRoll).values(last=TicketRoll.last + 1).returning(TicketRoll.last)
    return db.session.scalars(following).one()
