"""How many patrons there are, and what they bring a month, a year and on average."""

from collections.abc import Iterator

from paywall.money import Money
from paywall.reports import measures, page
from paywall.reports.asked import Asked
from paywall.reports.fold import Kind
from paywall.reports.page import Chart, Column, Figure, Report, Row, Shape, Table
from paywall.reports.patrons import lists
from paywall.reports.patrons.look import BY_DAY, Look, look
from paywall.reports.stretch import Stretch

PATRONS = "Readers who hold a membership that is paid, in grace or in trial, when the last day ends."
ACTIVE = "Of these, with a membership that is paid, given or free. With several, the best one counts."
GRACE = "Of these, whose last payment failed and is tried again. Still counted in MRR."
TRIAL = "Of these, who try it and have paid nothing yet. They count nothing in MRR."
JOINED = "Became patrons in these days for the first time."
REJOINED = "Had been patrons before, held nothing any more, and became patrons again in these days."
LEFT = "Held nothing any more when a day ended. Who takes a break by which the membership pauses leaves, too."
ENDED = "Were patrons once, and hold nothing when the last day ends."
MEMBERS = "Read with a seat that a patron pays for. No patrons themselves: a group is one patron, its owner."
MRR = (
    "Monthly recurring revenue when the last day ends: what each pays a month after discounts, a yearly "
    "price divided by twelve. Nothing in a trial, nor while no bills are collected. Currencies never add up."
)
ARR = "Annual recurring revenue: twelve times MRR."
PAYING = "Patrons who bring anything a month in this currency."
AVERAGE = "MRR divided by the patrons who pay."
LIFETIME = (
    "What a paying patron brings until they leave, if they leave as often as in these days: the average a "
    "month divided by the share of paying patrons lost in a month (whole months only). None if none was lost."
)
COUNTS = (
    "Paid",
    "In grace",
    "In trial",
    "Patrons",
    "Joined",
    "Came back",
    "Left",
    "Ended",
    "Members of groups",
)


@page.report("patrons", "Patrons")
def patrons(asked: Asked) -> Report:
    """Where readers stand, month by month, and what that comes to in each currency."""
    seen = look(asked)
    tables = [_counts(seen), *(_revenue(seen, currency) for currency in seen.currencies)]
    money = [figure for currency in seen.currencies for figure in _money(seen, currency)]
    return Report("Patrons", (*_figures(seen), *money), tables, (BY_DAY, *seen.notes))


lists.standing("patrons", *lists.STOCKED)
lists.moves("patrons", "joined", "Who became a patron", Kind.JOINED)
lists.moves("patrons", "rejoined", "Who became a patron again", Kind.REJOINED)
lists.moves("patrons", "left", "Who left", Kind.LEFT)
lists.moves("patrons", "came", "Who became a patron, for the first time or again", Kind.JOINED, Kind.REJOINED)


def _figures(seen: Look) -> Iterator[Figure]:
    yield seen.figure("Patrons", lambda days: days.patrons(), PATRONS, "patrons")
    yield seen.figure("Paid", lambda days: measures.standing(days).active, ACTIVE, "paid")
    yield seen.figure("In grace", lambda days: measures.standing(days).grace, GRACE, "grace")
    yield seen.figure("In trial", lambda days: measures.standing(days).trial, TRIAL, "trial")
    yield seen.figure("Joined", lambda days: days.happened(Kind.JOINED).readers, JOINED, "joined")
    yield seen.figure("Came back", lambda days: days.happened(Kind.REJOINED).readers, REJOINED, "rejoined")
    yield seen.figure("Left", lambda days: days.happened(Kind.LEFT).readers, LEFT, "left")
    yield seen.figure("Ended", lambda days: measures.standing(days).ended, ENDED, "ended")
    yield seen.figure("Members of groups", lambda days: measures.standing(days).members, MEMBERS, "members")


def _money(seen: Look, currency: str) -> Iterator[Figure]:
    name = currency.upper()
    now, before = _worth(seen, currency)
    yield seen.figure(f"MRR in {name}", lambda days: Money(days.monthly(currency), currency), MRR, "paying")
    yield Figure(f"ARR in {name}", now.yearly, before.yearly, ARR, "paying")
    yield seen.figure(f"Paying in {name}", lambda days: days.payers(currency), PAYING, "paying", currency)
    yield Figure(f"Average in {name}", now.average, before.average, AVERAGE)
    yield Figure(f"Lifetime value in {name}", now.lifetime, before.lifetime, LIFETIME)


def _worth(seen: Look, currency: str) -> tuple[measures.Worth, measures.Worth]:
    now, before = (
        measures.worth(
            span.whole(),
            currency,
            measures.churn(measures.whole_months(span.months()), currency).payers,
        )
        for span in (seen.now, seen.before)
    )
    return now, before


def _counts(seen: Look) -> Table:
    columns = (Column("Month", page.Kind.MONTH), *(Column(name, page.Kind.NUMBER) for name in COUNTS))
    meaning = "Where readers stand when each month ends, or the last day; and who came and went in it."
    rows = [_count(month) for month in seen.now.months()]
    chart = Chart(Shape.STACKED, ("Paid", "In grace", "In trial"))
    return Table("Patrons by month", meaning, columns, rows, chart)


def _count(month: Stretch) -> Row:
    found = measures.standing(month)
    came = [month.happened(kind).readers for kind in (Kind.JOINED, Kind.REJOINED, Kind.LEFT)]
    stand = (found.active, found.grace, found.trial, found.patrons)
    return (month.since.replace(day=1), *stand, *came, found.ended, found.members)


def _revenue(seen: Look, currency: str) -> Table:
    columns = (
        Column("Month", page.Kind.MONTH),
        Column("Paying", page.Kind.NUMBER),
        *(Column(name, page.Kind.MONEY) for name in ("MRR", "ARR", "Average")),
    )
    rows: list[Row] = []
    for month in seen.now.months():
        worth = measures.worth(month, currency, None)
        money = Money(month.monthly(currency), currency)
        rows.append((month.since.replace(day=1), month.payers(currency), money, worth.yearly, worth.average))
    meaning = "When each month ends, or the last day."
    return Table(f"Revenue in {currency.upper()}", meaning, columns, rows, Chart(Shape.LINES, ("MRR",)))
