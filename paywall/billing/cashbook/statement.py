"""The statement of a month: what Stripe held before, what came in and what went, and what it held after."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from paywall import clock
from paywall.billing.cashbook import held, months
from paywall.billing.cashbook.facts import PayoutFacts
from paywall.billing.cashbook.models import CashWalk, Payout
from paywall.billing.cashbook.sums import Difference, Sums
from paywall.billing.gateway import gateway
from paywall.db import db

# What the balance moved by, in the order of the statement; the last is all that is left unexplained.
COLUMNS = {
    "invoices": "Paid on invoices",
    "payments": "Paid without an invoice",
    "refunds": "Given back",
    "disputes": "Disputed",
    "fees": "Stripe’s fees",
    "other": "All else",
    "difference": "Not explained",
}


@dataclass(frozen=True, slots=True)
class Statement:
    """A month in one currency, in minor units; money that leaves is negative.

    `opening`: what Stripe held for us when the month began. `payouts`: those begun in it, oldest first.
    """

    sums: Sums
    opening: int
    payouts: tuple[PayoutFacts, ...]

    @property
    def closing(self) -> int:
        """What Stripe held when the month was over: to be paid out later."""
        return self.opening + self.sums.net + self.sums.payouts

    @property
    def steps(self) -> list[tuple[str, int]]:
        """What the net is made of; its parts add up to it."""
        return [(words, getattr(self.sums, name)) for name, words in COLUMNS.items()]

    @property
    def found(self) -> list[Difference]:
        """All that does not tie out."""
        return [*self.sums.differences, *self.sums.misfits]


@dataclass(frozen=True, slots=True)
class Month:
    """The statements of a month, one for each currency in which Stripe held or moved anything.

    `read_until`: up to when all of the account's balance is in our books; None if it never was read.
    """

    start: datetime
    end: datetime
    read_until: datetime | None
    statements: tuple[Statement, ...]

    @property
    def is_over(self) -> bool:
        """Whether nothing more can happen in it."""
        return self.end <= clock.now()

    @property
    def is_whole(self) -> bool:
        """Whether all of it that has happened is in our books, as far as one can say."""
        return self.read_until is not None and (not self.is_over or self.read_until >= self.end)

    @property
    def ties_out(self) -> bool:
        """Whether all is there and agrees to the last cent."""
        return self.is_whole and all(one.sums.ties_out for one in self.statements)


def of(start: datetime) -> Month:
    """The statements of the month that begins at an instant."""
    end = months.following(start)
    opening, sent = held.at(start), _sent(start, end)
    sums = {one.currency: one for one in months.sums(start) if one != Sums(one.month, one.currency)}
    name = f"{start:%Y-%m}"
    statements = tuple(
        Statement(
            sums.get(currency) or Sums(name, currency), opening.get(currency, 0), sent.get(currency, ())
        )
        for currency in sorted(opening.keys() | sums.keys() | sent.keys())
    )
    return Month(start, end, _read_until(), statements)


def _sent(start: datetime, end: datetime) -> dict[str, tuple[PayoutFacts, ...]]:
    found = months.read(PayoutFacts, Payout, Payout.made_at >= start, Payout.made_at < end)
    sent: dict[str, tuple[PayoutFacts, ...]] = {}
    for one in sorted(found, key=lambda payout: (payout.made_at, payout.stripe_id)):
        sent[one.currency] = (*sent.get(one.currency, ()), one)
    return sent


def _read_until() -> datetime | None:
    return db.session.scalar(select(CashWalk.seen_until).where(CashWalk.mode == gateway().mode))
