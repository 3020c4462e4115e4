"""Reading one customer's books at Stripe again, and writing what they say: one sync, many doors."""

from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import timedelta
from typing import cast

import structlog
from flask import current_app
from sqlalchemy import CursorResult, select, update

from paywall import clock
from paywall.billing.gateway import gateway
from paywall.billing.groups import seats
from paywall.billing.models import Invoice, StripeCustomer, StripeTwin, TwinKind
from paywall.billing.remote import Gone, RemoteInvoice, RemoteSubscription
from paywall.config import Settings
from paywall.db import db
from paywall.errors import Unavailable
from paywall.membership import letters, record, rules
from paywall.membership.models import Price
from paywall.membership.rules import Facts, Policy, Source, Status

log = structlog.get_logger()


def sync(customer_id: int) -> bool:
    """Make our rows for one of our customers (its row id) equal Stripe's; commits.

    The ticket is taken before the fetch and compared at the write: of two fetches at once, the one that
    began later wins, whichever ends first. False if a later one had already written.
    """
    customer, ticket = _take_ticket(customer_id)
    if customer is None:
        return True
    try:
        subscriptions = gateway().subscriptions(customer)
        invoices = gateway().invoices(customer)
    except Gone:
        return _gone(customer_id, customer, ticket)
    is_written = _write(customer_id, ticket, lambda _reader_id: facts_of(subscriptions), invoices)
    _run_errands(customer_id, subscriptions)
    return is_written


def facts_of(subscriptions: Iterable[RemoteSubscription]) -> list[Facts]:
    """What these subscriptions say that a reader holds; foreign ones, of prices not ours, are left out."""
    plans, products = _plans_by_price(), _plans_by_product()
    found = []
    for one in subscriptions:
        # A price that staff made or archived in the dashboard still belongs to our product.
        plan_id = plans.get(one.price_id) or products.get(one.product_id or "")
        if plan_id is None or one.interval is None:
            log.warning("foreign_subscription", subscription=one.id, price=one.price_id)
            continue
        shared = {field.name: getattr(one, field.name) for field in fields(one) if field.name in _SHARED}
        found.append(Facts(external_id=one.id, plan_id=plan_id, **shared))
    return found


def policy() -> Policy:
    """For how long access outlives what was paid, from the settings."""
    settings: Settings = current_app.extensions["settings"]
    return Policy(
        grace=timedelta(days=settings.grace_days), slack=timedelta(hours=settings.renewal_slack_hours)
    )


def _take_ticket(customer_id: int) -> tuple[str | None, int]:
    taken = db.session.execute(
        update(StripeCustomer)
        .where(StripeCustomer.id == customer_id)
        .values(ticket=StripeCustomer.ticket + 1)
        .returning(StripeCustomer.stripe_id, StripeCustomer.ticket)
    ).one_or_none()
    db.session.commit()
    return (taken.stripe_id, taken.ticket) if taken else (None, 0)


def _gone(customer_id: int, customer: str, ticket: int) -> bool:
    """A customer deleted at Stripe holds nothing any more; one that is merely not found ends nothing."""
    try:
        is_deleted = gateway().is_deleted(customer)
    except Gone:
        is_deleted = False
    log.warning("customer_gone", customer=customer, is_deleted=is_deleted)
    return not is_deleted or _write(customer_id, ticket, _ended, [])


def _ended(reader_id: int) -> list[Facts]:
    held = [one for one in record.live(reader_id) if one.source is Source.STRIPE]
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
        for one in held
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
    customer_id: int, ticket: int, facts: Callable[[int], list[Facts]], invoices: list[RemoteInvoice]
) -> bool:
    # The UPDATE holds the customer's row until the commit, so that two writers follow one another.
    mine = update(StripeCustomer).where(StripeCustomer.id == customer_id, StripeCustomer.written < ticket)
    if not cast("CursorResult[None]", db.session.execute(mine.values(written=ticket))).rowcount:
        db.session.rollback()
        return False
    customer = db.session.get_one(StripeCustomer, customer_id, populate_existing=True)
    events = record.record(customer.reader, facts(customer.reader_id), policy())
    seats.follow(customer.reader_id)
    _keep_invoices(customer.reader_id, invoices)
    letters.write_for(events)
    db.session.commit()
    return True


_SHARED = {field.name for field in fields(Facts)} & {field.name for field in fields(RemoteSubscription)}


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


def _keep_invoices(reader_id: int, invoices: Iterable[RemoteInvoice]) -> None:
    query = select(Invoice).where(Invoice.reader_id == reader_id)
    known = {row.stripe_id: row for row in db.session.scalars(query)}
    for one in invoices:
        row = known.get(one.id) or Invoice(reader_id=reader_id, stripe_id=one.id)
        row.number, row.status, row.made_at = one.number, one.status, one.made_at
        row.amount, row.currency = one.total.amount, one.total.currency
        row.page_url, row.pdf_url = one.page_url, one.pdf_url
        db.session.add(row)
