"""What each report must say, told from the bare lines of the ledger alone."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

from paywall.money import Money
from tests.reports.naive import DAY, Books, last_day, months, share
from tests.reports.told_leaving import leaving

Told = dict[str, Any]
# The figures of a report by their names, and the rows of its tables by their titles.
Tables = dict[str, list[Sequence[Any]]]
Report = tuple[Told, Tables]
PARTS = ("new", "returning", "up", "down", "lost")


def patrons(books: Books, since: date, until: date, _today: date) -> Report:
    """Where readers stand, and what it comes to."""
    figures = _standing(books, since, until)
    tables: Tables = {
        "Patrons by month": [
            (first.replace(day=1), *_standing_row(books, first, last)) for first, last in months(since, until)
        ]
    }
    for currency in books.currencies_until(until):
        name = currency.upper()
        lost = books.lost_payers(since, until, currency)
        monthly, average = _money(books, until, currency)
        figures |= {
            f"MRR in {name}": Money(monthly, currency),
            f"ARR in {name}": Money(12 * monthly, currency),
        }
        figures[f"Paying in {name}"] = books.payers(until, currency)
        figures[f"Average in {name}"] = _rounded(average, currency)
        lasting = average / lost if average is not None and lost else None
        figures[f"Lifetime value in {name}"] = _rounded(lasting, currency)
        tables[f"Revenue in {name}"] = []
        for first, last in months(since, until):
            monthly, average = _money(books, last, currency)
            money = (Money(monthly, currency), Money(12 * monthly, currency), _rounded(average, currency))
            row = (first.replace(day=1), books.payers(last, currency), *money)
            tables[f"Revenue in {name}"].append(row)
    return figures, tables


def movement(books: Books, since: date, until: date, _today: date) -> Report:
    """From opening to closing."""
    figures: Told = {}
    tables: Tables = {}
    for currency in books.currencies_until(until):
        name = currency.upper()
        opening, *parts, net, closing = _movement(books, since, until, currency)
        figures |= {
            f"Opening MRR in {name}": opening,
            f"Net in {name}": net,
            f"Closing MRR in {name}": closing,
        }
        figures |= {f"{part.capitalize()} in {name}": money for part, money in zip(PARTS, parts, strict=True)}
        tables[f"MRR in {name} by month"] = [
            (first.replace(day=1), *_movement(books, first, last, currency))
            for first, last in months(since, until)
        ]
        tables[f"Readers who pay in {name}, by month"] = [
            (first.replace(day=1), *(count for count, _ in books.moved(first, last, currency).values()))
            for first, last in months(since, until)
        ]
    return figures, tables


def churn(books: Books, since: date, until: date, _today: date) -> Report:
    """What is lost."""
    figures: Told = {"Patrons lost a month": books.lost_patrons(since, until)}
    tables: Tables = {"Patrons lost by month": []}
    for first, last in months(since, until):
        before, left = books.patrons(first - DAY), books.crossed(first, last)["left"]
        tables["Patrons lost by month"].append((first.replace(day=1), before, left, share(left, before)))
    for currency in books.currencies_until(until):
        name = currency.upper()
        figures[f"Paying in {name} lost a month"] = books.lost_payers(since, until, currency)
        figures[f"MRR in {name} lost a month"] = books.lost_money(since, until, currency)
        rows = tables[f"Lost in {name} by month"] = []
        for first, last in months(since, until):
            payers, monthly = books.payers(first - DAY, currency), books.monthly(first - DAY, currency)
            moved = books.moved(first, last, currency)
            gone = -moved["lost"][1] - moved["down"][1]
            count = moved["lost"][0]
            money = (Money(monthly, currency), Money(gone, currency), share(gone, monthly))
            rows.append((first.replace(day=1), payers, count, share(count, payers), *money))
    return figures, tables


def cohorts(books: Books, since: date, until: date, today: date) -> Report:
    """Who stays."""
    all_of_it = [first.replace(day=1) for first, _ in months(since, until)]
    joined = {month: books.cohort(month) for month in all_of_it}
    figures: Told = {"Joined": sum(map(len, joined.values()))}
    for count in (3, 6, 12):
        over = [month for month in all_of_it if last_day(_later(month, count)) < today.replace(day=1)]
        kept = sum(books.kept(month, _later(month, count)) for month in over)
        begun = sum(len(joined[month]) for month in over)
        figures[f"Still there after {count} months"] = share(kept, begun)
    shares: list[Sequence[Any]] = []
    money: Tables = {currency: [] for currency in books.currencies_until(until)}
    for month in all_of_it:
        later = [_later(month, count) for count in range(13) if _later(month, count) <= today]
        shares.append(
            (month, len(joined[month]), *(share(books.kept(month, one), len(joined[month])) for one in later))
        )
        for currency, rows in money.items():
            brought = (Money(books.kept_money(month, one, currency), currency) for one in later)
            rows.append((month, len(joined[month]), *brought))
    tables = {f"What they bring in {currency.upper()}": rows for currency, rows in money.items()}
    return figures, {"Patrons who stay": shares, **tables}


def trials(books: Books, since: date, until: date, _today: date) -> Report:
    """What became of trials."""
    begun, converted, ended, still_open, paid = _trials(books, since, until)
    figures = {
        "Begun": begun,
        "Paid for": converted,
        "Ended": ended,
        "Still open": still_open,
        "Conversion": paid,
    }
    rows: list[Sequence[Any]] = [
        (first.replace(day=1), *_trials(books, first, last)) for first, last in months(since, until)
    ]
    return figures, {"Trials by month": rows}


def plans(books: Books, since: date, until: date, _today: date) -> Report:
    """Plan by plan."""
    return _by(
        "plan", books, since, until, {f"Plan {plan}": replace(books, plan=plan, known={}) for plan in (1, 2)}
    )


def sources(books: Books, since: date, until: date, _today: date) -> Report:
    """Source by source."""
    names = {
        "Paid by card and bank through Stripe": "stripe",
        "On Patreon": "patreon",
        "Paid by somebody else, for a time": "gift",
        "A seat in a group that somebody pays for": "group",
        "Given by us": "comp",
    }
    parts = {name: replace(books, source=source, known={}) for name, source in names.items()}
    return _by("source", books, since, until, parts)


REPORTS: dict[str, Callable[[Books, date, date, date], Report]] = {
    "patrons": patrons,
    "movement": movement,
    "churn": churn,
    "cohorts": cohorts,
    "trials": trials,
    "plans": plans,
    "sources": sources,
    "leaving": leaving,
}


def _standing(books: Books, since: date, until: date) -> Told:
    names = (
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
    return dict(zip(names, _standing_row(books, since, until), strict=True))


def _standing_row(books: Books, since: date, until: date) -> tuple[int, ...]:
    found, crossed = books.standing(until), books.crossed(since, until)
    stand = (found["active"], found["grace"], found["trial"])
    came = (crossed["joined"], crossed["rejoined"], crossed["left"])
    return (*stand, sum(stand), *came, found["ended"], found["members"])


def _money(books: Books, day: date, currency: str) -> tuple[int, Fraction | None]:
    monthly = books.monthly(day, currency)
    return monthly, share(monthly, books.payers(day, currency))


def _rounded(amount: Fraction | None, currency: str) -> Money | None:
    return None if amount is None else Money(round(amount), currency)


def _movement(books: Books, since: date, until: date, currency: str) -> tuple[Money, ...]:
    opening, closing = books.monthly(since - DAY, currency), books.monthly(until, currency)
    parts = [amount for _, amount in books.moved(since, until, currency).values()]
    return tuple(Money(amount, currency) for amount in (opening, *parts, closing - opening, closing))


def _later(month: date, count: int) -> date:
    for _ in range(count):
        month = last_day(month) + DAY
    return month


def _trials(books: Books, since: date, until: date) -> tuple[int, int, int, int, Fraction | None]:
    begun, converted, ended = books.trials(since, until)
    return begun, converted, ended, begun - converted - ended, share(converted, converted + ended)


def _by(thing: str, books: Books, since: date, until: date, parts: dict[str, Books]) -> Report:
    figures: Told = {"Patrons": books.patrons(until)}
    counts: list[Sequence[Any]] = []
    for name, part in parts.items():
        paid, grace, trial, all_of_them, joined, again, left, _ended, members = _standing_row(
            part, since, until
        )
        counts.append((name, all_of_them, paid, grace, trial, members, joined + again, left))
    tables: Tables = {f"Patrons by {thing}": counts}
    for currency in books.currencies_until(until):
        figures[f"MRR in {currency.upper()}"] = Money(books.monthly(until, currency), currency)
        rows = tables[f"Revenue in {currency.upper()} by {thing}"] = []
        for name, part in parts.items():
            monthly, average = _money(part, until, currency)
            money = (Money(12 * monthly, currency), _rounded(average, currency))
            moved = Money(monthly - part.monthly(since - DAY, currency), currency)
            of_all = share(monthly, books.monthly(until, currency))
            row = (name, part.payers(until, currency), Money(monthly, currency), of_all, *money, moved)
            rows.append(row)
    return figures, tables
