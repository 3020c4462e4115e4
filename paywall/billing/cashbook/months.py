"""What moved in a month: the database adds up what plainly ties out, and the rest is tied one by one."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, func, select

from paywall.billing.cashbook import plain
from paywall.billing.cashbook.facts import (
    DisputeFacts,
    Entries,
    InvoiceFacts,
    PaymentFacts,
    PayoutFacts,
    RefundFacts,
    TransactionFacts,
)
from paywall.billing.cashbook.models import (
    BalanceTransaction,
    Dispute,
    Invoice,
    Kept,
    Payment,
    Payout,
    Refund,
)
from paywall.billing.cashbook.sums import Sums, add_up
from paywall.billing.gateway import gateway
from paywall.db import db

F = TypeVar("F")
CHUNK = 500


@dataclass(frozen=True, slots=True)
class _Moved:
    """What some lines of the balance come to."""

    amount: int
    fee: int
    net: int

    def __sub__(self, other: "_Moved") -> "_Moved":
        return _Moved(self.amount - other.amount, self.fee - other.fee, self.net - other.net)


def sums(start: datetime) -> list[Sums]:
    """What moved in the month that begins at an instant, for each currency in which anything did."""
    name, books = f"{start:%Y-%m}", entries(start)
    found = {one.currency: one for one in add_up(books) if one.month == name}
    for currency, moved in _plain(start, books.transactions).items():
        one = found.setdefault(currency, Sums(name, currency))
        one.add("invoices", moved.amount)
        one.add("fees", -moved.fee)
        one.add("net", moved.net)
    return [found[currency] for currency in sorted(found)]


def month(text: str) -> datetime:
    """The instant at which a month ("2026-10") begins, in UTC. Raises ValueError."""
    return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)


def following(start: datetime) -> datetime:
    """When the month after the one that begins at an instant begins."""
    return start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)


def entries(start: datetime) -> Entries:
    """All that is dated in a month or has a line of the balance in it, with every line of each.

    But for what plainly ties out, and is tied to nothing that does not.
    """
    end = following(start)
    payouts = _dated(PayoutFacts, Payout.made_at, start, end, ~plain.payout())
    lines = _dated(TransactionFacts, BalanceTransaction.made_at, start, end, ~plain.line(start, end))
    lines |= _named(TransactionFacts, BalanceTransaction.payout, _ids(payouts))
    refunds = _dated(RefundFacts, Refund.made_at, start, end)
    disputes = _dated(DisputeFacts, Dispute.opened_at, start, end)
    # A source is one thing: whoever is found is not asked for elsewhere.
    sources = {one.source for one in lines} - _ids(refunds) - _ids(disputes) - _ids(payouts)
    invoices, payments = _paid(start, end, sources)
    sources -= _ids(payments)
    refunds |= _named(RefundFacts, Refund.stripe_id, sources)
    disputes |= _named(DisputeFacts, Dispute.stripe_id, sources - _ids(refunds))
    things = _ids(payments) | _ids(refunds) | _ids(disputes) | _ids(payouts)
    lines |= _named(TransactionFacts, BalanceTransaction.source, things)
    return Entries(
        invoices=tuple(invoices),
        payments=tuple(payments),
        refunds=tuple(refunds),
        disputes=tuple(disputes),
        transactions=tuple(sorted(lines, key=lambda line: (line.made_at, line.stripe_id))),
        payouts=tuple(payouts),
    )


def read(kind: type[F], table: type[Kept], *conditions: ColumnElement[bool]) -> set[F]:
    """The rows of a table as facts."""
    names = [field.name for field in fields(kind) if hasattr(table, field.name)]  # type: ignore[arg-type]
    query = select(*(getattr(table, name) for name in names))
    found = db.session.execute(query.where(table.mode == gateway().mode, *conditions))
    return {kind(**dict(zip(names, row, strict=True))) for row in found}


def _plain(start: datetime, others: Iterable[TransactionFacts]) -> dict[str, _Moved]:
    """The sums of the lines of a month that are not among the others, by currency."""
    end, line = following(start), BalanceTransaction
    columns = (func.sum(column) for column in (line.amount, line.fee, line.net))
    query = select(line.currency, *columns).where(line.mode == gateway().mode)
    rows = db.session.execute(query.where(line.made_at >= start, line.made_at < end).group_by(line.currency))
    found = {currency: _Moved(*map(int, moved)) for currency, *moved in rows}
    for one in others:
        if start <= one.made_at < end:
            found[one.currency] -= _Moved(one.amount, one.fee, one.net)
    return found


def _paid(
    start: datetime, end: datetime, sources: Iterable[str | None]
) -> tuple[set[InvoiceFacts], set[PaymentFacts]]:
    payments = _dated(PaymentFacts, Payment.made_at, start, end, ~plain.payment(start, end))
    payments |= _named(PaymentFacts, Payment.stripe_id, sources)
    invoices = _dated(InvoiceFacts, Invoice.paid_at, start, end, ~plain.invoice(start, end))
    invoices |= _named(InvoiceFacts, Invoice.stripe_id, {one.invoice for one in payments})
    return invoices, payments | _named(PaymentFacts, Payment.invoice, _ids(invoices))


def _dated(
    kind: type[F], column: Any, start: datetime, end: datetime, *conditions: ColumnElement[bool]
) -> set[F]:
    return read(kind, column.class_, column >= start, column < end, *conditions)


def _ids(found: Iterable[Any]) -> set[str]:
    return {one.stripe_id for one in found}


def _named(kind: type[F], column: Any, ids: Iterable[str | None]) -> set[F]:
    """Those in whose column one of the ids stands; asked in parts, as databases take so many at once."""
    wanted = sorted(one for one in set(ids) if one)
    parts = (wanted[at : at + CHUNK] for at in range(0, len(wanted), CHUNK))
    return {one for part in parts for one in read(kind, column.class_, column.in_(part))}
