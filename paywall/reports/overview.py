"""The figures of staff's first page: this month so far, and the same days of the month before."""

from collections.abc import Iterator
from functools import partial

from paywall.money import Money
from paywall.reports import measures
from paywall.reports.fold import Kind
from paywall.reports.page import Figure
from paywall.reports.patrons.look import Look
from paywall.reports.stretch import Stretch

PATRONS = "Readers who hold a membership that is in trial, paid, or within its grace after a failed payment."
TRIAL = "Nothing paid yet; they count nothing in MRR."
GRACE = "The last payment failed and Stripe tries again; still counted in MRR."
MEMBERS = "Read with a seat that a patron pays for. Not counted above: a group is one patron."
NEW = (
    "Held nothing the day before, for the first time or again. Who comes and goes on the same day is not "
    "counted."
)
LEFT = "Held something the day before, and nothing at the end of the day."
MRR = (
    "The sum of every change in the ledger: monthly prices as they are, yearly ones divided by twelve. "
    "Currencies are never added."
)


def figures(seen: Look) -> Iterator[Figure]:
    """Each leads to a list of the report on patrons."""
    yield seen.figure("Active patrons", lambda days: days.patrons(), PATRONS, "patrons")
    yield seen.figure("of these in trial", lambda days: measures.standing(days).trial, TRIAL, "trial")
    yield seen.figure("of these with a failed payment", _grace, GRACE, "grace")
    members = seen.figure(
        "Members of groups", lambda days: measures.standing(days).members, MEMBERS, "members"
    )
    if members.now or members.before:
        yield members
    yield seen.figure("New this month", _new, NEW, "came")
    yield seen.figure("Ended this month", lambda days: days.happened(Kind.LEFT).readers, LEFT, "left")
    for currency in seen.currencies:
        monthly = seen.figure(f"MRR in {currency.upper()}", partial(_monthly, currency), MRR, "paying")
        if any((seen.now.whole().monthly(currency), seen.before.whole().monthly(currency))):
            yield monthly


def _grace(days: Stretch) -> int:
    return measures.standing(days).grace


def _new(days: Stretch) -> int:
    return days.happened(Kind.JOINED).readers + days.happened(Kind.REJOINED).readers


def _monthly(currency: str, days: Stretch) -> Money:
    return Money(days.monthly(currency), currency)
