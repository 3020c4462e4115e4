"""What each figure means, computed from lines of the ledger: pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from paywall.membership.rules import HOLDING, Change, Source, Status
from paywall.money import Money


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the ledger as the measures need it."""

    at: datetime
    reader_id: int
    subscription_id: int
    status: Status
    change: Change
    delta: Money
    source: Source = Source.STRIPE


@dataclass(frozen=True, slots=True)
class Overview:
    """The first page of the report. `monthly`: what patrons bring a month, by currency, never added.

    `members` read with a seat that another patron pays for.
    """

    patrons: int
    trials: int
    in_grace: int
    new: int
    ended: int
    monthly: tuple[Money, ...]
    members: int = 0


def overview(lines: Iterable[Line], *, since: datetime) -> Overview:
    """The figures as of the last of `lines` (in the order of the ledger); new and ended count from `since`.

    A patron is a reader with a subscription that is trialing, active or past due. A reader is new if they
    held nothing before and hold something now; ended the other way round. A group is one patron, its owner:
    a seat makes nobody a patron.
    """
    members: dict[int, dict[int, Status]] = {}
    holds: dict[int, dict[int, Status]] = {}
    before: set[int] = set()
    monthly: Counter[str] = Counter()
    for line in lines:
        if line.source is Source.GROUP:
            _take(members.setdefault(line.reader_id, {}), line)
            continue
        held = holds.setdefault(line.reader_id, {})
        if line.at < since:
            _take(held, line)
            _keep(before, line.reader_id, is_patron=bool(held))
        else:
            _take(held, line)
        monthly[line.delta.currency] += line.delta.amount
    now = {reader_id for reader_id, held in holds.items() if held}
    return Overview(
        patrons=len(now),
        trials=sum(set(held.values()) == {Status.TRIALING} for held in holds.values()),
        in_grace=sum(set(held.values()) == {Status.PAST_DUE} for held in holds.values()),
        new=len(now - before),
        ended=len(before - now),
        monthly=tuple(Money(amount, currency) for currency, amount in sorted(monthly.items()) if amount),
        members=sum(map(bool, members.values())),
    )


def _take(held: dict[int, Status], line: Line) -> None:
    if line.status in HOLDING:
        held[line.subscription_id] = line.status
    else:
        held.pop(line.subscription_id, None)


def _keep(patrons: set[int], reader_id: int, *, is_patron: bool) -> None:
    if is_patron:
        patrons.add(reader_id)
    else:
        patrons.discard(reader_id)
