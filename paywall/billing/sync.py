"""Reading one customer's books at Stripe again, and writing what they say: one sync, many doors."""

from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import cast

import structlog
from sqlalchemy import CursorResult, select, update

from paywall import clock
from paywall.accounts import names, readers
from paywall.billing import first_payments, letters, tickets
from paywall.billing.cashbook import comparing, keeping
from paywall.billing.cashbook import rules as cash_rules
from paywall.billing.cashbook.facts import Entries
from paywall.billing.gateway import gateway
from paywall.billing.groups import seats
from paywall.billing.models import StripeCustomer, StripeTwin, TwinKind
from paywall.billing.remote import Gone, RemoteSubscription, Sold
from paywall.db import db
from paywall.errors import Unavailable
from paywall.membership import applied, record, rules
from paywall.membership.letters import write_for
from paywall.membership.models import Price
from paywall.membership.rules import Facts, Status

# What a usual sync asks Stripe: subscriptions, invoices, charges. For those who keep a pace.
CALLS = 3

log = structlog.get_logger()


def sync(customer_id: int, *, also: Iterable[str] = ()) -> bool:
    """Make our rows for one of our customers (its row id) equal Stripe's; commits.

    The ticket is taken before the fetch and compared at the write: of two fetches at once, the one that
    began later wins, whichever ends first. False if a later one had already written. Of a deleted customer
    Stripe lists nothing: only what our rows name, and the subscriptions in `also`, can be asked for.
    """
    customer, ticket = _take_ticket(customer_id)
    if customer is None:
        return True
    try:
        subscriptions = gateway().subscriptions(customer)
        entries = gateway().money_of(customer)
    except Gone:
        return _gone(customer_id, customer, ticket, also)
    held = cash_rules.marked(subscriptions, entries)
    is_written = _write(customer_id, ticket, lambda _reader_id: facts_of(held), entries, held)
    _run_errands(customer_id, subscriptions)
    return is_written


def facts_of(subscriptions: Iterable[RemoteSubscription]) -> list[Facts]:
    """What these subscriptions say that a reader holds; foreign ones, of prices not ours, are left out."""
    plans, products = _plans_by_price(), _plans_by_product()

    def plan_of(sold: RemoteSubscription | Sold) -> int | None:
        # A price that staff made or archived in the dashboard still belongs to our product.
        return plans.get(sold.price_id) or products.get(sold.product_id or "")

    found = []
    for one in subscriptions:
        items: tuple[RemoteSubscription | Sold, ...] = (one, *one.others)
        ours = next((sold for sold in items if sold.interval and plan_of(sold)), None)
        if ours is None:
            log.warning("foreign_subscription", subscription=one.id, price=one.price_id)
            continue
        shared = {name: getattr(one, name) for name in _SHARED}
        sold = {name: getattr(ours, name) for name in _SHARED & _OF_ITEM}
        found.append(Facts(external_id=one.id, plan_id=plan_of(ours) or 0, **(shared | sold)))
    return found


def _take_ticket(customer_id: int) -> tuple[str | None, int]:
    taken = db.session.execute(
        update(StripeCustomer)
        .where(StripeCustomer.id == customer_id)
        .values(ticket=tickets.tear())
        .returning(StripeCustomer.stripe_id, StripeCustomer.ticket)
    ).one_or_none()
    db.session.commit()
    return (taken.stripe_id, taken.ticket) if taken else (None, 0)


def _gone(customer_id: int, customer: str, ticket: int, also: Iterable[str]) -> bool:
    """A customer deleted at Stripe holds nothing any more; one that is merely not found ends nothing."""
    try:
        is_deleted = gateway().is_deleted(customer)
    except Gone:
        is_deleted = False
    log.warning("customer_gone", customer=customer, is_deleted=is_deleted)
    if not is_deleted:
        return True
    last = [found for one in sorted({*_live_ids(customer_id), *also}) if (found := _last_word(one))]

    def facts(reader_id: int) -> list[Facts]:
        return [*facts_of(last), *_ended(reader_id, last)]

    is_written = _write(customer_id, ticket, facts, Entries(), last)
    # Afterwards, for access must not wait for so many questions.
    _keep_payments(customer_id, customer, ticket)
    return is_written


def _live_ids(customer_id: int) -> list[str]:
    reader_id = db.session.get_one(StripeCustomer, customer_id).reader_id
    ids = [held.external_id for held in record.billed(reader_id)]
    db.session.commit()
    return ids


def _last_word(subscription: str) -> RemoteSubscription | None:
    """How a subscription ended; Stripe keeps it when its customer is deleted, but in no list of theirs."""
    try:
        return gateway().subscription(subscription)
    except Gone:
        return None


def _keep_payments(customer_id: int, customer: str, ticket: int) -> None:
    """What became of the charges that we know of one who was deleted: money can still be given back."""
    reader_id = db.session.get_one(StripeCustomer, customer_id).reader_id
    known = comparing.charges_of(customer)
    db.session.commit()
    for charge in known:
        try:
            entries = gateway().charge(charge)
        except Gone:
            log.warning("charge_gone", charge=charge)
            continue
        keeping.keep(entries, ticket, readers={customer: reader_id})
        db.session.commit()


def _ended(reader_id: int, told: Iterable[RemoteSubscription]) -> list[Facts]:
    """That all is over which Stripe has not told of."""
    known = {one.id for one in told}
    return [
        Facts(
            source=one.source,
            external_id=one.external_id,
            plan_id=one.plan_id,
            status=Status.CANCELED,
            price=one.price,
            interval=one.interval,
            started_at=one.started_at,
            ended_at=clock.now(),
        )
        for one in record.billed(reader_id)
        if one.external_id not in known
    ]


def _run_errands(customer_id: int, subscriptions: Iterable[RemoteSubscription]) -> None:
    """What we tell Stripe on the way; that it refuses must not keep a reader from what they paid for."""
    try:
        _tell_address(customer_id)
        _follow_card(subscriptions)
    except Unavailable:
        log.warning("errand_failed", customer=customer_id)


def _tell_address(customer_id: int) -> None:
    """Receipts go to the address that the reader has now."""
    row = db.session.get_one(StripeCustomer, customer_id)
    stripe_id, known, email = row.stripe_id, row.email, row.reader.email
    db.session.commit()
    if stripe_id is not None and known != email:
        gateway().update_email(stripe_id, email)
        db.session.execute(update(StripeCustomer).where(StripeCustomer.id == customer_id).values(email=email))
        db.session.commit()


def _follow_card(subscriptions: Iterable[RemoteSubscription]) -> None:
    """A card changed at the portal is the customer's; let the subscription use it, or it goes on failing."""
    for one in subscriptions:
        if one.has_other_card and one.status in rules.LIVE:
            gateway().use_customers_card(one.id)


def _write(
    customer_id: int,
    ticket: int,
    facts: Callable[[int], list[Facts]],
    entries: Entries,
    subscriptions: list[RemoteSubscription],
) -> bool:
    # The UPDATE holds the customer's row until the commit, so that two writers follow one another.
    mine = update(StripeCustomer).where(StripeCustomer.id == customer_id, StripeCustomer.written < ticket)
    if not cast("CursorResult[None]", db.session.execute(mine.values(written=ticket))).rowcount:
        db.session.rollback()
        return False
    customer = db.session.get_one(StripeCustomer, customer_id, populate_existing=True)
    reader = readers.survivor(customer.reader)
    events = record.record(reader, facts(customer.reader_id), applied.in_force())
    names.learn(reader, next((one.payer for one in entries.payments if one.payer), None))
    seats.follow(reader.id)
    keeping.keep(entries, ticket, readers={customer.stripe_id or "": customer.reader_id})
    kept = letters.keep(subscriptions)
    write_for(events, {one.id: one.ended_why for one in subscriptions if one.ended_why})
    for subscription_id in kept:
        letters.write_due(subscription_id)
    first_payments.note(customer.reader_id)
    db.session.commit()
    return True


_SHARED = {field.name for field in fields(Facts)} & {field.name for field in fields(RemoteSubscription)}
_OF_ITEM = {field.name for field in fields(Sold)}


def _plans_by_price() -> dict[str, int]:
    query = (
        select(StripeTwin.stripe_id, Price.plan_id)
        .join(Price, Price.id == StripeTwin.own_id)
        .where(StripeTwin.kind == TwinKind.PRICE, StripeTwin.mode == gateway().mode)
    )
    return {row.stripe_id: row.plan_id for row in db.session.execute(query)}


def _plans_by_product() -> dict[str, int]:
    query = select(StripeTwin.stripe_id, StripeTwin.own_id).where(
        StripeTwin.kind == TwinKind.PRODUCT, StripeTwin.mode == gateway().mode
    )
    return {row.stripe_id: row.own_id for row in db.session.execute(query)}
