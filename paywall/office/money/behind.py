"""The rows behind the figures of the tie-out, as a bookkeeper reads them: each with its things at Stripe."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from paywall.billing.cashbook import lines, months, statement
from paywall.billing.cashbook.facts import PayoutFacts
from paywall.billing.cashbook.lines import Counted
from paywall.billing.cashbook.models import Payout
from paywall.billing.gateway import gateway
from paywall.billing.remote import Mode
from paywall.money import Money
from paywall.office.money import at_stripe
from paywall.reports.page import Cell, Column, Kind, Link, Row

# By the name of the sum in the cash book.
TITLES = statement.COLUMNS | {"net": "Net", "payouts": "Paid out"}
COLUMNS = (
    Column("Day", Kind.DAY),
    Column("Counts as", Kind.MONEY),
    Column("What"),
    Column("Of"),
    Column("Invoice"),
    Column("Reader"),
    Column("Amount", Kind.MONEY),
    Column("Fee", Kind.MONEY),
    Column("Net", Kind.MONEY),
    Column("Payout"),
    Column("Line"),
)


def rows(start: datetime, currency: str, which: str) -> Iterator[Row]:
    """All that a sum of a month is made of; what counts adds up to it."""
    return _rows(lines.behind(start, currency, which), currency)


def sent(payout: PayoutFacts) -> Iterator[Row]:
    """The lines that a payout is made of, as far as Stripe tells them."""
    return _rows(lines.made_of(payout.stripe_id), payout.currency)


def payout(stripe_id: str) -> PayoutFacts | None:
    """A payout by its id."""
    return next(iter(months.read(PayoutFacts, Payout, Payout.stripe_id == stripe_id)), None)


def _rows(found: Iterable[Counted], currency: str) -> Iterator[Row]:
    mode = gateway().mode
    for one in found:
        yield _row(one, currency, mode)


def _row(one: Counted, currency: str, mode: Mode) -> Row:
    money = (None if amount is None else Money(amount, currency) for amount in (one.amount, one.fee, one.net))
    return (
        one.at.date() if one.at else None,
        Money(one.counted, currency),
        one.why.replace("_", " "),
        _named(one.source, one.source, mode),
        _named(one.invoice, one.number or one.invoice, mode),
        one.email,
        *money,
        _named(one.payout, one.payout, mode),
        _named(one.line, one.line, mode),
    )


def _named(stripe_id: str | None, name: str | None, mode: Mode) -> Cell:
    """A thing at Stripe, with its page there if it has one."""
    url = at_stripe.address(stripe_id, mode) if stripe_id else None
    return Link(name, url) if name and url else name
