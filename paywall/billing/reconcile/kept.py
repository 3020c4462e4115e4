"""What our tables have of Stripe's subscriptions, for whoever compares the two."""

from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from sqlalchemy import Select, func, select

from paywall.accounts.models import Reader
from paywall.billing.gateway import gateway
from paywall.billing.models import StripeCustomer
from paywall.billing.reconcile.drift import Kept
from paywall.billing.remote import Claimed
from paywall.db import db
from paywall.membership import rules
from paywall.membership.models import Subscription
from paywall.membership.rules import Source

BATCH = 500

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class LiveRow:
    """A row of ours that Stripe should know."""

    id: int
    external_id: str
    status: rules.Status
    customer_id: int | None
    customer: str | None


def customers(stripe_ids: Iterable[str]) -> dict[str, int]:
    """Our rows (their ids) by the Stripe ids of their customers."""
    query = select(StripeCustomer.stripe_id, StripeCustomer.id).where(
        StripeCustomer.stripe_id.in_(list(stripe_ids)), StripeCustomer.mode == gateway().mode
    )
    return {row.stripe_id: row.id for row in db.session.execute(query)}


_KEPT = [getattr(Subscription, name) for name in Kept.__dataclass_fields__]


def kept(external_ids: Iterable[str]) -> dict[str, Kept]:
    """What our rows say, by Stripe's ids of the subscriptions."""
    query = select(Subscription.external_id, *_KEPT).where(
        Subscription.source == Source.STRIPE, Subscription.external_id.in_(list(external_ids))
    )
    return {row[0]: Kept(*row[1:]) for row in db.session.execute(query)}


def live_after(row_id: int) -> list[LiveRow]:
    """The next rows that Stripe should know, after the one with that id."""
    query = (
        select(
            Subscription.id,
            Subscription.external_id,
            Subscription.status,
            StripeCustomer.id,
            StripeCustomer.stripe_id,
        )
        .outerjoin(
            StripeCustomer,
            (StripeCustomer.reader_id == Subscription.reader_id) & (StripeCustomer.mode == gateway().mode),
        )
        .where(
            Subscription.id > row_id,
            Subscription.source == Source.STRIPE,
            Subscription.status.in_(rules.LIVE),
        )
    )
    return [LiveRow(*row) for row in db.session.execute(query.order_by(Subscription.id).limit(BATCH))]


def paying_twice(reader_id: int) -> list[tuple[int, str, str | None]]:
    """The next readers with two or more live subscriptions: their id, the subscriptions, the customer."""
    query = (
        select(
            Subscription.reader_id,
            func.aggregate_strings(Subscription.external_id, " "),
            func.min(StripeCustomer.stripe_id),
        )
        .outerjoin(
            StripeCustomer,
            (StripeCustomer.reader_id == Subscription.reader_id) & (StripeCustomer.mode == gateway().mode),
        )
        .where(
            Subscription.reader_id > reader_id,
            Subscription.source == Source.STRIPE,
            Subscription.status.in_(rules.LIVE),
        )
        .group_by(Subscription.reader_id)
        .having(func.count() > 1)
    )
    found = db.session.execute(query.order_by(Subscription.reader_id).limit(BATCH))
    return [(row[0], row[1], row[2]) for row in found]


def claimant(claimed: Claimed) -> Reader | None:
    """The reader to whom a customer that our tables lost belongs.

    Its metadata, its address and the free place in our table must all say so: another paywall on the same
    Stripe account counts its readers from 1, too.
    """
    found = (
        db.session.get(Reader, int(claimed.reader)) if claimed.reader and claimed.reader.isdecimal() else None
    )
    if found is None or found.email.casefold() != (claimed.email or "").casefold():
        return None
    row = db.session.scalar(_of(found.id))
    return found if row is None or row.stripe_id is None else None


def link(reader: Reader, customer: str) -> int:
    """Write down that this customer is that reader's; the caller commits."""
    row = db.session.scalar(_of(reader.id)) or StripeCustomer(reader_id=reader.id, mode=gateway().mode)
    row.stripe_id, row.email = customer, reader.email
    db.session.add(row)
    db.session.flush()
    log.warning("customer_linked_again", customer=customer, reader=reader.id)
    return row.id


def _of(reader_id: int) -> Select[StripeCustomer]:
    return select(StripeCustomer).where(
        StripeCustomer.reader_id == reader_id, StripeCustomer.mode == gateway().mode
    )
