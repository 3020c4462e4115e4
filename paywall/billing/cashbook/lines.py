"""What each sum of a month is made of, one line of the balance after the other: there may be very many.

Which line counts in which sum, `sums` says; here the database is told it. Besides its lines a sum has what
Stripe turned into another currency, as far as it was in this one; and what differs is taken off it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, null, or_, select, true
from sqlalchemy.orm import aliased

from paywall.accounts.models import Reader
from paywall.billing.cashbook import months
from paywall.billing.cashbook.models import BalanceTransaction, Dispute, Invoice, Payment, Refund
from paywall.billing.cashbook.rules import UNDONE
from paywall.billing.cashbook.sums import FEES, OURS, PAYOUTS, add_up
from paywall.billing.gateway import gateway
from paywall.db import streamed

CONVERTED = "turned into another currency"
Line = BalanceTransaction
Query = Select[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Counted:
    """What counts in a sum, and how much of it: a line of the balance (`why` is its category), or else why.

    `source`: the payment, refund, dispute or payout that it is of. `invoice`, `number` and `email` are those
    of the payment that was made, given back or disputed.
    """

    at: datetime | None
    line: str | None
    why: str
    source: str | None
    invoice: str | None
    number: str | None
    email: str | None
    counted: int
    amount: int | None = None
    fee: int | None = None
    net: int | None = None
    payout: str | None = None


def behind(start: datetime, currency: str, which: str) -> Iterator[Counted]:
    """All that a sum of a month is made of (`which` is its name in `Sums`): together they are the sum."""
    if which in LINES:
        is_in, counted = LINES[which]
        yield from _told(_lines(counted, is_in, *_dated(start), Line.currency == currency))
    for query in _converted(start, currency, which):
        yield from _told(query)
    if which in {*THINGS, "difference"}:
        yield from _differing(start, currency, which)


def made_of(payout: str) -> Iterator[Counted]:
    """What went to the bank in one payout, as far as Stripe tells it: together they are its amount."""
    is_other = func.coalesce(Line.source, "") != payout
    return _told(_lines(Line.net.expression, Line.payout == payout, is_other))


_IS_PAYOUT = Line.category.in_(PAYOUTS)
_OF_NOTHING = and_(Payment.id.is_(None), Refund.id.is_(None), Dispute.id.is_(None))
_OF_A_PAYMENT = and_(Payment.currency == Line.currency, Refund.id.is_(None), Dispute.id.is_(None))
_OF_ANOTHER_CURRENCY = func.coalesce(Refund.currency, Dispute.currency, Payment.currency) != Line.currency
_BARE_FEE = and_(_OF_NOTHING, Line.category.in_(FEES))
_REST = and_(_OF_NOTHING, Line.category.not_in(OURS | FEES))
# Which lines count in a sum, and how much of each.
LINES: Mapping[str, tuple[ColumnElement[bool], ColumnElement[int]]] = {
    "invoices": (and_(~_IS_PAYOUT, _OF_A_PAYMENT, Payment.invoice.is_not(None)), Line.amount.expression),
    "payments": (and_(~_IS_PAYOUT, _OF_A_PAYMENT, Payment.invoice.is_(None)), Line.amount.expression),
    "refunds": (and_(~_IS_PAYOUT, Refund.currency == Line.currency), Line.amount.expression),
    "disputes": (and_(~_IS_PAYOUT, Dispute.currency == Line.currency), Line.amount.expression),
    "fees": (
        and_(~_IS_PAYOUT, or_(Line.fee != 0, _BARE_FEE)),
        case((_BARE_FEE, Line.amount), else_=0) - Line.fee,
    ),
    "other": (and_(~_IS_PAYOUT, or_(_OF_ANOTHER_CURRENCY, _REST)), Line.amount.expression),
    "net": (~_IS_PAYOUT, Line.net.expression),
    "payouts": (_IS_PAYOUT, Line.net.expression),
}
# Which things count in a sum, as far as their lines are in other currencies: how much of each, and its line.
_PAID = case((and_(Payment.transaction.is_not(None), Payment.status != "failed"), Payment.amount), else_=0)
_BACK = case((and_(Refund.transaction.is_not(None), Refund.status.not_in(UNDONE)), -Refund.amount), else_=0)
THINGS: Mapping[str, tuple[Any, ColumnElement[bool], ColumnElement[int], Any]] = {
    "invoices": (Payment, Payment.invoice.is_not(None), _PAID, Payment.transaction),
    "payments": (Payment, Payment.invoice.is_(None), _PAID, Payment.transaction),
    "refunds": (Refund, true(), _BACK, Refund.transaction),
    "disputes": (Dispute, true(), Dispute.moved.expression, null()),
}


def _told(query: Query) -> Iterator[Counted]:
    return (Counted(*row) for row in streamed(query))


def _lines(counted: ColumnElement[int], *which: ColumnElement[bool]) -> Query:
    said = (Invoice.stripe_id, Invoice.number, Reader.email, counted)
    query: Query = select(Line.made_at, Line.stripe_id, Line.category, Line.source, *said)
    query = query.add_columns(Line.amount, Line.fee, Line.net, Line.payout).select_from(Line)
    for thing in (Refund, Dispute):
        query = query.outerjoin(thing, and_(thing.stripe_id == Line.source, thing.mode == Line.mode))
    charge = func.coalesce(Refund.charge, Dispute.charge, Line.source)
    query = _paid_by(query, Payment, charge).where(Line.mode == gateway().mode, *which)
    return query.order_by(Line.made_at, Line.id)


def _converted(start: datetime, currency: str, which: str) -> Iterator[Query]:
    """Things of a currency without a line in it: in their own column, and against it in `other`."""
    for name, (thing, is_one, amount, own) in THINGS.items():
        if which not in (name, "other"):
            continue
        counted, charge = -amount if which == "other" else amount, getattr(thing, "charge", thing.stripe_id)
        paid, at = aliased(Payment), _told_at(thing, own)
        said = (Invoice.stripe_id, Invoice.number, Reader.email, counted)
        query: Query = select(at, null(), literal(CONVERTED), thing.stripe_id, *said).select_from(thing)
        yield (
            _paid_by(query, paid, charge)
            .where(thing.mode == gateway().mode, thing.currency == currency, is_one, amount != 0)
            .where(thing.stripe_id.in_(_abroad(start, currency)), ~_lines_of(thing, currency).exists())
            .where(at >= start, at < months.following(start))
            .order_by(thing.id)
        )


def _paid_by(query: Query, paid: Any, charge: Any) -> Query:
    """With the payment that has this id, its invoice and its reader."""
    mode = gateway().mode
    query = query.outerjoin(paid, and_(paid.stripe_id == charge, paid.mode == mode))
    query = query.outerjoin(Invoice, and_(Invoice.stripe_id == paid.invoice, Invoice.mode == mode))
    return query.outerjoin(Reader, Reader.id == paid.reader_id)


def _dated(start: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Line.made_at >= start, Line.made_at < months.following(start)


def _abroad(start: datetime, currency: str) -> Query:
    """Of what the lines of a month are that are in other currencies."""
    return select(Line.source).where(Line.mode == gateway().mode, *_dated(start), Line.currency != currency)


def _lines_of(thing: Any, currency: str) -> Query:
    line = aliased(Line)
    return select(line.id).where(
        line.source == thing.stripe_id, line.mode == thing.mode, line.currency == currency
    )


def _told_at(thing: Any, own: Any) -> ColumnElement[datetime]:
    """In the month of what does not belong, as in `sums`: of its last line but its own, or of that."""
    line = aliased(Line)
    last = select(func.max(line.made_at)).where(line.source == thing.stripe_id, line.mode == thing.mode)
    others = last.where(line.stripe_id != func.coalesce(own, ""))
    return func.coalesce(others.scalar_subquery(), last.scalar_subquery())


def _differing(start: datetime, currency: str, which: str) -> Iterator[Counted]:
    """What does not tie out: all of it, or what was taken off one of the sums."""
    books, month = months.entries(start), f"{start:%Y-%m}"
    columns = {one.stripe_id: "invoices" if one.invoice else "payments" for one in books.payments}
    columns |= dict.fromkeys((one.stripe_id for one in books.refunds), "refunds")
    columns |= dict.fromkeys((one.stripe_id for one in books.disputes), "disputes")
    columns |= dict.fromkeys((one.stripe_id for one in books.transactions), "")
    for sums in add_up(books):
        for one in sums.differences if (sums.month, sums.currency) == (month, currency) else ():
            is_all = which == "difference"
            # What is no payment, refund, dispute or line is an invoice, be it one that we do not have.
            if is_all or columns.get(one.stripe_id, "invoices") == which:
                counted = one.amount if is_all else -one.amount
                yield Counted(None, None, one.why, one.stripe_id, None, None, None, counted)
