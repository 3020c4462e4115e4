"""Where our rows say something else than what Stripe has just shown."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select, union

from paywall.billing.cashbook.facts import Entries
from paywall.billing.cashbook.models import BalanceTransaction, Dispute, Kept, Payment, Payout, Refund
from paywall.billing.cashbook.rules import CLOSED, UNDER_WAY
from paywall.billing.gateway import gateway
from paywall.db import db

# A payout can fail some days after it was shown as paid (https://docs.stripe.com/api/payouts/object#status).
SURE = timedelta(days=10)


def differing(entries: Entries) -> list[str]:
    """The charges of which a row is missing here, or says something else."""
    found = [
        *_changed(Payment, entries.payments, ("status", "amount", "refunded", "is_disputed", "transaction")),
        *_changed(Refund, entries.refunds, ("status", "amount")),
        *_changed(Dispute, entries.disputes, ("status", "moved")),
    ]
    return list(dict.fromkeys(_charge_of(one) for one in found))


def unsettled_lines() -> datetime | None:
    """When the oldest line of our balance was made whose money is not available yet, as far as we know."""
    waiting = BalanceTransaction.status != "available"
    return _first(BalanceTransaction.made_at, waiting, BalanceTransaction.mode == gateway().mode)


def unsettled_payouts(now: datetime) -> datetime:
    """From when on payouts may still change."""
    under_way = or_(Payout.status.in_(("pending", "in_transit")), Payout.reconciliation == "in_progress")
    return min(now - SURE, _first(Payout.made_at, under_way, Payout.mode == gateway().mode) or now)


def open_charge(after: str) -> str | None:
    """The next charge, in the order of their ids, of which a refund or a dispute is not decided."""
    mode = gateway().mode
    refunds = select(Refund.charge).where(
        Refund.mode == mode, Refund.status.in_(UNDER_WAY), Refund.charge > after
    )
    disputes = select(Dispute.charge).where(
        Dispute.mode == mode, Dispute.status.not_in(CLOSED), Dispute.charge > after
    )
    both = union(refunds, disputes).subquery()
    following: str | None = db.session.scalar(select(func.min(both.c.charge)))
    return following


def owners(charges: Sequence[str]) -> dict[str, str | None]:
    """The customers of those of these charges that we know."""
    query = select(Payment.stripe_id, Payment.customer).where(
        Payment.stripe_id.in_(charges), Payment.mode == gateway().mode
    )
    return {row.stripe_id: row.customer for row in db.session.execute(query)}


def charges_of(customer: str) -> list[str]:
    """The charges of a customer (Stripe's id) that we know, oldest first."""
    query = select(Payment.stripe_id).where(Payment.customer == customer, Payment.mode == gateway().mode)
    return list(db.session.scalars(query.order_by(Payment.made_at)))


def _changed(table: type[Kept], facts: Sequence[Any], names: tuple[str, ...]) -> Iterator[Any]:
    ids = [one.stripe_id for one in facts]
    query = select(table).where(table.stripe_id.in_(ids), table.mode == gateway().mode)
    known = {row.stripe_id: row for row in db.session.scalars(query)}
    for one in facts:
        row = known.get(one.stripe_id)
        if row is None or any(getattr(row, name) != getattr(one, name) for name in names):
            yield one


def _charge_of(one: Any) -> str:
    charge: str = getattr(one, "charge", None) or one.stripe_id
    return charge


def _first(column: Any, *conditions: Any) -> datetime | None:
    first: datetime | None = db.session.scalar(select(func.min(column)).where(*conditions))
    return first
