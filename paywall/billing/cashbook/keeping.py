"""Writing into the cash book: whatever comes twice, late or at once, the later look at Stripe stays."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from sqlalchemy import ColumnElement, case, func

from paywall.billing.cashbook.facts import Entries
from paywall.billing.cashbook.models import (
    BalanceTransaction,
    Dispute,
    Invoice,
    InvoiceLine,
    Kept,
    Payment,
    Payout,
    Refund,
)
from paywall.billing.gateway import gateway
from paywall.db import db, insert

# What one way in knows and another does not: a row keeps it.
STICKS = {"reader_id", "invoice", "payout"}


def keep(entries: Entries, ticket: int, *, readers: Mapping[str, int]) -> None:
    """Write entries that were read under `ticket`; the caller commits.

    `readers`: whose each customer is, by Stripe's id. Tables and rows are written in one order everywhere, so
    that two writers wait for one another and never in a circle.
    """
    lines = [line for invoice in entries.invoices for line in invoice.lines]
    _write(Invoice, entries.invoices, ticket, readers)
    _write(InvoiceLine, lines, ticket)
    _write(Payment, entries.payments, ticket, readers)
    _write(Refund, entries.refunds, ticket)
    _write(Dispute, entries.disputes, ticket)
    _write(BalanceTransaction, entries.transactions, ticket)
    _write(Payout, entries.payouts, ticket)


def _write(
    table: type[Kept], facts: Iterable[Any], ticket: int, readers: Mapping[str, int] | None = None
) -> None:
    rows = {one.stripe_id: _row(table, one, ticket, readers) for one in facts}
    if not rows:
        return
    new = insert(table.__table__)  # type: ignore[attr-defined]  # every one of them is a model
    names = next(iter(rows.values())).keys() - {"stripe_id", "mode"}
    latest = new.on_conflict_do_update(
        index_elements=["stripe_id", "mode"],
        set_={name: _kept(table, name, new.excluded[name]) for name in names},
        where=table.ticket <= new.excluded.ticket,
    )
    db.session.execute(latest, [rows[stripe_id] for stripe_id in sorted(rows)])


def _row(table: type[Kept], one: Any, ticket: int, readers: Mapping[str, int] | None) -> dict[str, Any]:
    columns = {field.name: getattr(one, field.name) for field in fields(one) if hasattr(table, field.name)}
    whose = {} if readers is None else {"reader_id": readers.get(one.customer or "")}
    return {**columns, **whose, "mode": gateway().mode, "ticket": ticket}


def _kept(table: type[Kept], name: str, new: ColumnElement[Any]) -> ColumnElement[Any]:
    if name in STICKS:
        return func.coalesce(new, getattr(table, name))
    if name == "closed_at":
        return case((new.is_(None), None), else_=func.coalesce(getattr(table, name), new))
    return new
