"""Who a reader is and what they can read now: what stands at the top of their page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from paywall.accounts.models import FormerAddress, Reader
from paywall.billing.gateway import gateway
from paywall.billing.models import StripeCustomer
from paywall.billing.remote import Mode
from paywall.db import db
from paywall.errors import NotFound
from paywall.membership.models import Subscription
from paywall.membership.policy import Level
from paywall.membership.rules import LIVE, Source
from paywall.office.desk.deeds import Deed, deeds

MOST = 20
AT_STRIPE = {
    Mode.LIVE: "https://dashboard.stripe.com/customers/",
    Mode.TEST: "https://dashboard.stripe.com/test/customers/",
}


@dataclass(frozen=True, slots=True)
class Held:
    """A membership with what it is worth at the moment, and what staff can do with it."""

    row: Subscription
    level: Level
    deeds: frozenset[Deed]


@dataclass(frozen=True, slots=True)
class Person:
    """A reader for the desk. `joined`: the accounts that were joined to this one."""

    reader: Reader
    joined: Sequence[Reader]
    former: Sequence[FormerAddress]
    customers: Sequence[StripeCustomer]
    held: Sequence[Held]

    @property
    def reading(self) -> list[Held]:
        """What opens articles now."""
        return [one for one in self.held if one.level is not Level.NONE]

    @property
    def at_stripe(self) -> str | None:
        """Where Stripe's own page of a customer begins; the stand-in has none."""
        return AT_STRIPE.get(gateway().mode)


def reader(reader_id: int) -> Reader:
    """The reader with this id; raises NotFound."""
    found = db.session.get(Reader, reader_id)
    if found is None:
        raise NotFound("There is no such reader.")
    return found


def held(reader_id: int, held_id: int, source: Source) -> Subscription:
    """A membership of this reader from that source; raises NotFound."""
    query = select(Subscription).where(
        Subscription.id == held_id, Subscription.reader_id == reader_id, Subscription.source == source
    )
    found = db.session.scalar(query)
    if found is None:
        raise NotFound("This reader has no such membership.")
    return found


def of(reader_id: int, now: datetime) -> Person:
    """All that is at the top of a reader's page; raises NotFound."""
    one = reader(reader_id)
    joined = db.session.scalars(select(Reader).where(Reader.merged_into_id == reader_id)).all()
    former = (
        select(FormerAddress).where(FormerAddress.reader_id == reader_id).order_by(FormerAddress.id.desc())
    )
    ids = [reader_id, *(each.id for each in joined)]
    customers = select(StripeCustomer).where(
        StripeCustomer.reader_id.in_(ids),
        StripeCustomer.mode == gateway().mode,
        StripeCustomer.stripe_id.is_not(None),
    )
    return Person(
        reader=one,
        joined=joined,
        former=db.session.scalars(former.limit(MOST)).all(),
        customers=db.session.scalars(customers).all(),
        held=[_held(row, now) for row in _subscriptions(reader_id)],
    )


def _subscriptions(reader_id: int) -> Sequence[Subscription]:
    query = select(Subscription).options(joinedload(Subscription.plan))
    is_live = Subscription.status.in_(LIVE).desc()
    query = query.where(Subscription.reader_id == reader_id).order_by(is_live, Subscription.id.desc())
    return db.session.scalars(query.limit(MOST)).all()


def _held(row: Subscription, now: datetime) -> Held:
    if row.access_until is None or now >= row.access_until:
        level = Level.NONE
    else:
        level = Level.GRACE if row.grace_from and now >= row.grace_from else Level.FULL
    return Held(row, level, deeds(row))
