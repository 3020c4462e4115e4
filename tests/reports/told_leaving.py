"""What the report on why they leave must say, told from the bare lines of the ledger alone."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

from paywall.reports.asked import Asked
from tests.reports.naive import HOLDS, Books, Row, months, share

# In the order of the table by month.
WORDS = {
    "unused": "Does not use it enough",
    "unpaid": "Never paid a bill that had failed",
    "": "Said nothing",
    "a_new_word": "A new word",
}


def leaving(
    books: Books, since: date, until: date, _today: date
) -> tuple[dict[str, Any], dict[str, list[Sequence[Any]]]]:
    """Why they leave."""
    earlier = Asked(since, until).before
    now, before = reasons(books, since, until), reasons(books, earlier.since, earlier.until)
    figures = {
        "Left": now.total(),
        "Gave a reason": now["unused"] + now["a_new_word"],
        "Never paid": now["unpaid"],
        "Asked to end": len(told(books, "canceling", since, until)),
        "Changed their minds": len(told(books, "cancel_undone", since, until)),
    }
    rows: list[Sequence[Any]] = [
        (word, now[one], share(now[one], now.total()), before[one], share(before[one], before.total()))
        for one, word in WORDS.items()
        if one in now or one in before
    ]
    by_month: list[Sequence[Any]] = [
        (first.replace(day=1), *(reasons(books, first, last)[one] for one in WORDS if one in now))
        for first, last in months(since, until)
    ]
    return figures, {
        "Reasons": sorted(rows, key=lambda row: (-row[1], -row[3], row[0])),
        "Reasons by month": by_month,
    }


def reasons(books: Books, since: date, until: date) -> Counter[str]:
    """How many left for each reason."""
    return Counter(reason(books, row) for row in told(books, "ended", since, until))


def reason(books: Books, row: Row) -> str:
    """What was said, or else whether a payment had failed when it ended."""
    if row.feedback:
        return row.feedback
    earlier = [one for one in books.rows if one.subscription == row.subscription and one.id < row.id]
    return "unpaid" if earlier and earlier[-1].status == "past_due" else ""


def told(books: Books, change: str, since: date, until: date) -> list[Row]:
    """The lines that tell of a change in these days; an end is none for whoever reads on."""
    return [
        row
        for row in books.rows
        if row.change == change
        and not (change == "ended" and row.status in HOLDS)
        and since <= row.at.astimezone(books.zone).date() <= until
        and books.plan in {None, row.plan}
        and row.source in ({books.source} if books.source else {"stripe", "patreon"})
    ]
