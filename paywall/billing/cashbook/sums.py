"""What money moved in a month and whether it ties out: billed, paid, given back, charged and paid out. Pure.

Each thing that moves money (a payment, a refund, a dispute) has lines in our balance: what the thing says
must be what its lines add up to, and what an invoice says was paid must be what its payments are. Where it is
not so, the difference is named with the id of the thing, in the month of what does not belong: a second line,
a payment in another month than its invoice's; so what ties out within its month needs no look at any other.
Months are those of the lines, in UTC. Currencies never add: a charge that Stripe converted leaves its own one
by `other`, and enters the other one by it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from paywall.billing.cashbook.facts import Entries, PayoutFacts, TransactionFacts
from paywall.billing.cashbook.rules import UNDONE

# https://docs.stripe.com/reports/reporting-categories: what is neither a thing of ours nor one of these is
# `other`.
OURS = frozenset({"charge", "charge_failure", "refund", "refund_failure", "dispute", "dispute_reversal"})
FEES = frozenset({"fee", "network_cost"})
PAYOUTS = frozenset({"payout", "payout_reversal"})
T = TypeVar("T")
Key = tuple[str, str]
Lines = Mapping[str, Sequence[TransactionFacts]]


@dataclass(frozen=True, slots=True)
class Difference:
    """What does not tie out: by how much the balance, or the payments, have more than the thing says.

    `parts`: what it was held against (lines of the balance, payments), by Stripe's ids.
    """

    stripe_id: str
    amount: int
    why: str
    parts: tuple[str, ...] = ()


@dataclass(slots=True)
class Sums:
    """A month in one currency, in minor units; money that leaves is negative.

    `invoices` and `payments` (those without an invoice: gifts, charges of strangers), `refunds`, `disputes`,
    `fees`, `other` and the `differences` together are `net`, the balance's own sum of all lines but payouts.
    Net and `payouts` together are by how much the balance moved. `misfits`: payouts that their lines are not.
    """

    month: str
    currency: str
    invoices: int = 0
    payments: int = 0
    refunds: int = 0
    disputes: int = 0
    fees: int = 0
    other: int = 0
    net: int = 0
    payouts: int = 0
    differences: list[Difference] = field(default_factory=list)
    misfits: list[Difference] = field(default_factory=list)

    @property
    def difference(self) -> int:
        """What is left unexplained of the net."""
        return sum(one.amount for one in self.differences)

    @property
    def ties_out(self) -> bool:
        """Whether all agrees to the last cent."""
        return not self.differences and not self.misfits

    def add(self, column: str, amount: int) -> None:
        """Add to one of the sums."""
        setattr(self, column, getattr(self, column) + amount)


@dataclass(frozen=True, slots=True)
class _Thing:
    """What should be found in the balance: in which column, how much. `line`: its own, if it names one."""

    stripe_id: str
    line: str | None
    column: str
    amount: int
    currency: str
    at: datetime


class _Months(dict[Key, Sums]):
    def __missing__(self, key: Key) -> Sums:
        self[key] = Sums(*key)
        return self[key]

    def of(self, at: datetime, currency: str) -> Sums:
        return self[f"{at:%Y-%m}", currency]


def add_up(books: Entries) -> list[Sums]:
    """The sums of each month and currency, oldest first.

    The books must have, of all months, each line of whatever thing and each thing of whatever line they have.
    """
    months = _Months()
    things = {one.stripe_id: one for one in _things(books)}
    lines = _by(books.transactions, "source")
    for line in books.transactions:
        _add_line(months.of(line.made_at, line.currency), line, things)
    for thing in things.values():
        _tie(months, thing, lines.get(thing.stripe_id, ()))
    _tie_invoices(months, books)
    _tie_payouts(months, books.payouts, lines, _by(books.transactions, "payout"))
    return [months[key] for key in sorted(months)]


def _things(books: Entries) -> Iterator[_Thing]:
    for paid in books.payments:
        column = "invoices" if paid.invoice else "payments"
        # A charge without a line is still under way; one that failed late has two that add up to nothing.
        amount = paid.amount if paid.transaction and paid.status != "failed" else 0
        yield _Thing(paid.stripe_id, paid.transaction, column, amount, paid.currency, paid.made_at)
    for refund in books.refunds:
        amount = -refund.amount if refund.transaction and refund.status not in UNDONE else 0
        yield _Thing(refund.stripe_id, refund.transaction, "refunds", amount, refund.currency, refund.made_at)
    for dispute in books.disputes:
        yield _Thing(dispute.stripe_id, None, "disputes", dispute.moved, dispute.currency, dispute.opened_at)


def _add_line(sums: Sums, line: TransactionFacts, things: Mapping[str, _Thing]) -> None:
    if line.category in PAYOUTS:
        sums.payouts += line.net
        return
    sums.net += line.net
    sums.fees -= line.fee
    thing = things.get(line.source or "")
    if thing is not None:
        sums.add(thing.column if thing.currency == line.currency else "other", line.amount)
    elif line.category in OURS:
        why = f"a {line.category} of {line.source}, which we do not have"
        sums.differences.append(Difference(line.stripe_id, line.amount, why, (line.source or "",)))
    else:
        sums.add("fees" if line.category in FEES else "other", line.amount)


def _tie(months: _Months, thing: _Thing, lines: Sequence[TransactionFacts]) -> None:
    """What a thing says, and what its lines add up to."""
    others = [line for line in lines if line.stripe_id != thing.line] or lines
    sums = months.of(max((line.made_at for line in others), default=thing.at), thing.currency)
    if lines and all(line.currency != thing.currency for line in lines):
        sums.add(thing.column, thing.amount)
        sums.other -= thing.amount
        return
    moved = sum(line.amount for line in lines)
    more = moved - thing.amount
    _differ(sums, thing.column, Difference(thing.stripe_id, more, "its lines say otherwise", _ids(lines)))


def _tie_invoices(months: _Months, books: Entries) -> None:
    """What an invoice says was paid by way of Stripe, and its payments."""
    paid_by = _by((one for one in books.payments if one.status == "succeeded"), "invoice")
    for one in books.invoices:
        payments = paid_by.pop(one.stripe_id, [])
        paid = sum(each.amount for each in payments)
        at = one.paid_at or one.made_at
        astray = (each.made_at for each in payments if f"{each.made_at:%Y-%m}" != f"{at:%Y-%m}")
        sums = months.of(max(astray, default=at), one.currency)
        more = paid - (one.amount_paid - one.amount_off_stripe)
        why = "its payments say otherwise"
        _differ(sums, "invoices", Difference(one.stripe_id, more, why, _ids(payments)))
    for stripe_id, payments in paid_by.items():
        for each in payments:
            sums = months.of(each.made_at, each.currency)
            why = "an invoice that we do not have"
            _differ(sums, "invoices", Difference(stripe_id, each.amount, why, (each.stripe_id,)))


def _tie_payouts(months: _Months, payouts: Iterable[PayoutFacts], lines: Lines, parts: Lines) -> None:
    """What went to the bank, the line that says so, and the lines that it is made of."""
    for one in payouts:
        misfits = months.of(one.made_at, one.currency).misfits
        own = lines.get(one.stripe_id, ())
        more = -sum(line.net for line in own) - (0 if one.status in UNDONE else one.amount)
        if more:
            misfits.append(Difference(one.stripe_id, more, "its lines say otherwise", _ids(own)))
        if one.is_automatic and one.reconciliation == "completed":
            made_of = [each for each in parts.get(one.stripe_id, ()) if each.source != one.stripe_id]
            more = sum(each.net for each in made_of) - one.amount
            if more:
                misfits.append(Difference(one.stripe_id, more, "it is made of other sums", _ids(made_of)))


def _ids(found: Iterable[Any]) -> tuple[str, ...]:
    return tuple(one.stripe_id for one in found)


def _differ(sums: Sums, column: str, found: Difference) -> None:
    if found.amount:
        sums.add(column, -found.amount)
        sums.differences.append(found)


def _by(found: Iterable[T], name: str) -> dict[str, list[T]]:
    sorted_out: dict[str, list[T]] = defaultdict(list)
    for one in found:
        key = getattr(one, name)
        if key is not None:
            sorted_out[key].append(one)
    return sorted_out
