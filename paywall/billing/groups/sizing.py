"""More seats, or fewer: what it costs is asked of Stripe and shown first, then done, at that price."""

from dataclasses import dataclass, replace
from datetime import datetime

from flask_babel import gettext

from paywall import clock
from paywall.billing import customers, quotes
from paywall.billing.gateway import gateway
from paywall.billing.groups import inviting, rules, seats
from paywall.billing.groups.models import Group
from paywall.billing.groups.rules import SeatsBill
from paywall.db import db
from paywall.errors import BadInput, Conflict, NotFound
from paywall.membership.models import Plan
from paywall.membership.rules import Interval, Status
from paywall.money import Money


@dataclass(frozen=True, slots=True)
class Offer:
    """Another number of seats: what is billed now, reckoned for the instant `at`, and each interval.

    `each` is without the discount, if there is one (`is_discounted`).
    """

    before: int
    seats: int
    bill: SeatsBill
    each: Money
    interval: Interval
    interval_count: int
    at: datetime
    is_discounted: bool


def bought(plan: Plan, asked: int | None) -> int:
    """How many seats a newcomer buys: one of a plan for one; raises BadInput for what is not sold."""
    if plan.seats is None:
        return 1
    if asked is not None and asked not in plan.seats:
        raise _between(plan.seats.least, plan.seats.most)
    return asked or plan.seats.least


def bounds(group: Group) -> tuple[int, int]:
    """The fewest seats that an owner can go down to, and the most that are sold."""
    full, sold = inviting.room(group), group.subscription.plan.seats
    least = max(full.taken + full.waiting, sold.least if sold else 1)
    return least, max(sold.most if sold else full.paid, full.paid)


def offer(owner_id: int, wanted: int, at: datetime | None = None) -> Offer:
    """What so many seats would cost; commits. Raises BadInput, Conflict, NotFound, Unavailable."""
    held = _changeable(owner_id, wanted).subscription
    subscription = held.external_id
    at = at or quotes.instant()
    shown = Offer(
        before=held.seats,
        seats=wanted,
        bill=SeatsBill(Money(0, held.currency), Money(0, held.currency)),
        each=Money(held.amount // held.seats * wanted, held.currency),
        interval=held.interval,
        interval_count=held.interval_count,
        at=at,
        is_discounted=held.discount > 0,
    )
    db.session.commit()
    return replace(shown, bill=gateway().preview_seats(subscription, wanted, at))


def take(owner_id: int, wanted: int, at: datetime, shown: int) -> Offer:
    """Change the number of seats at the price shown (minor units, below nothing for a credit); commits.

    Raises QuoteOver if it would cost something else by now, and CardRefused if it was not paid: then
    nothing has changed.
    """
    quotes.require(fresh=rules.stands(at, clock.now()))
    found = offer(owner_id, wanted, at)
    quotes.require_same(same=found.bill.total.amount == shown)
    subscription = _changeable(owner_id, wanted).subscription.external_id
    db.session.commit()
    gateway().change_seats(subscription, wanted, at)
    customers.sync_reader(owner_id)
    return found


def _changeable(owner_id: int, wanted: int) -> Group:
    group = seats.owned(owner_id)
    if group is None:
        raise NotFound(gettext("You have no group."))
    if group.subscription.status not in (Status.ACTIVE, Status.TRIALING):
        raise Conflict(gettext("Please pay what is open first: then the number of seats can be changed."))
    if wanted == group.subscription.seats:
        raise Conflict(gettext("You have this number of seats already."))
    least, most = bounds(group)
    if not least <= wanted <= most:
        raise _between(least, most)
    return group


def _between(least: int, most: int) -> BadInput:
    return BadInput(gettext("Please choose between %(least)d and %(most)d seats.", least=least, most=most))
