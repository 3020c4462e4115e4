"""Reading one charge or payout at Stripe again, whoever it belongs to."""

from collections.abc import Iterable

import structlog
from sqlalchemy import select

from paywall.billing import tickets
from paywall.billing.cashbook.facts import Kind, News
from paywall.billing.cashbook.keeping import keep
from paywall.billing.cashbook.models import Dispute, Payout, Refund
from paywall.billing.gateway import gateway
from paywall.billing.gateway.events import money_in
from paywall.billing.models import StripeCustomer, StripeEvent
from paywall.billing.remote import Gone
from paywall.billing.sync import sync
from paywall.db import db

log = structlog.get_logger()


def named_by(event_ids: Iterable[int]) -> list[News]:
    """What of the cash book some stored events (their row ids) are about, each thing once."""
    payloads = db.session.scalars(select(StripeEvent.payload).where(StripeEvent.id.in_(list(event_ids))))
    return list(dict.fromkeys(news for payload in payloads if (news := money_in(payload))))


def read_again(news: News) -> None:
    """Bring up to date what an event told of; commits. What Stripe no longer has is left as it stands."""
    try:
        if news.kind is Kind.PAYOUT:
            payout(news.stripe_id)
            return
        found = news.charge or _known_charge(news)
        db.session.commit()
        found = found or gateway().charge_behind(news.kind, news.stripe_id)
        if found is not None:
            charge(found)
    except Gone:
        db.session.rollback()
        log.warning("money_gone", kind=news.kind, stripe_id=news.stripe_id)


def charge(stripe_id: str) -> None:
    """Read a charge again, and if it is by a customer of ours all of that customer's books; commits.

    A guest's, or a stranger's, is kept for itself. Raises Gone.
    """
    ticket = tickets.tear()
    db.session.commit()
    entries = gateway().charge(stripe_id)
    ours = customers(one.customer for one in entries.payments)
    db.session.commit()
    for customer_id, _ in ours.values():
        sync(customer_id)
    keep(entries, ticket, readers={name: reader_id for name, (_, reader_id) in ours.items()})
    db.session.commit()


def payout(stripe_id: str) -> None:
    """Read a payout again, and what it is made of once Stripe has sorted that out; commits."""
    ticket = tickets.tear()
    db.session.commit()
    entries = gateway().payout(stripe_id)
    if entries.payouts[0].is_automatic and entries.payouts[0].reconciliation == "completed":
        make_up(stripe_id)
    keep(entries, ticket, readers={})
    db.session.commit()


def make_up(payout_id: str) -> None:
    """Mark the lines of our balance that one automatic payout is made of, unless that was done; commits."""
    done = select(Payout.id).where(
        Payout.stripe_id == payout_id, Payout.mode == gateway().mode, Payout.reconciliation == "completed"
    )
    if db.session.scalar(done) is not None:
        db.session.commit()
        return
    cursor: str | None = None
    while True:
        ticket = tickets.tear()
        db.session.commit()
        page = gateway().paid_out_after(cursor, payout_id)
        for entries in page.items:
            keep(entries, ticket, readers={})
        db.session.commit()
        cursor = page.cursor
        if cursor is None:
            return


def customers(stripe_ids: Iterable[str | None]) -> dict[str, tuple[int, int]]:
    """Our customers among those: the row's id and the reader's, by Stripe's id."""
    query = select(StripeCustomer.stripe_id, StripeCustomer.id, StripeCustomer.reader_id).where(
        StripeCustomer.stripe_id.in_({one for one in stripe_ids if one}),
        StripeCustomer.mode == gateway().mode,
    )
    return {row.stripe_id: (row.id, row.reader_id) for row in db.session.execute(query)}


def _known_charge(news: News) -> str | None:
    table = Refund if news.kind is Kind.REFUND else Dispute
    return db.session.scalar(
        select(table.charge).where(table.stripe_id == news.stripe_id, table.mode == gateway().mode)
    )
