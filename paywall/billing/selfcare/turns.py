"""One thing at a time: two tabs that change the same reader's membership follow one another."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import cast

from flask_babel import gettext
from sqlalchemy import CursorResult, or_, update

from paywall import clock
from paywall.billing import customers
from paywall.billing.models import StripeCustomer
from paywall.db import db
from paywall.errors import Conflict, NotFound

# Longer than Stripe is ever waited for; a process that is killed holds the reader up no longer than this.
LONGEST = timedelta(minutes=2)


class Taken(Conflict):
    """The membership is being changed at this moment."""


@contextmanager
def alone(reader_id: int) -> Iterator[int]:
    """While a reader's membership is changed, nobody else changes it; gives the customer's row id; commits.

    Stripe is asked within, so no lock of the database is held: the row says until when it is taken. Raises
    Taken if it is, NotFound for a reader who never paid.
    """
    customer_id = customers.row_id(reader_id)
    if customer_id is None:
        raise NotFound(gettext("There is nothing to manage yet: this account has never paid by card."))
    now = clock.wall()
    until = now + LONGEST
    is_free = or_(StripeCustomer.busy_until.is_(None), StripeCustomer.busy_until <= now)
    taken = update(StripeCustomer).where(StripeCustomer.id == customer_id, is_free).values(busy_until=until)
    is_mine = cast("CursorResult[None]", db.session.execute(taken)).rowcount
    db.session.commit()
    if not is_mine:
        raise Taken(
            gettext("Your membership is being changed in another tab. Please wait a moment, and look again.")
        )
    try:
        yield customer_id
    finally:
        db.session.rollback()
        mine = update(StripeCustomer).where(
            StripeCustomer.id == customer_id, StripeCustomer.busy_until == until
        )
        db.session.execute(mine.values(busy_until=None))
        db.session.commit()
