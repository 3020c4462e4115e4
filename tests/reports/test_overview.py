"""Staff's first page, whatever happened: each figure on it is what the lines of the ledger say."""

import re
from datetime import datetime, time, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from paywall.accounts.models import Reader
from paywall.db import db
from paywall.money import Money
from paywall.reports.asked import Asked
from tests.moving import MovingClock
from tests.reports import histories
from tests.reports.naive import Books
from tests.reports.test_rolled import ZONE, Case, cases, let_it_be_emptied, play
from tests.staffing import Staff

LARGE = re.compile(r'<div class="figure"><b>(?:<a [^>]*>)?(.*?)(?:</a>)?</b> <span>(.*?)</span>')
ROW = re.compile(
    r'<tr><th scope="row">(.*?)</th><td class="num"><a [^>]*>(.*?)</a></td><td class="num">(.*?)</td><td>'
)
NAMES = {"active patrons": "Active patrons", "new this month": "New this month"}
NAMES |= {"ended this month": "Ended this month"}
# Others are shown when there is anything to them.
SHOWN = {*NAMES.values(), "of these in trial", "of these with a failed payment"}


@pytest.mark.usefixtures("context")
def test_the_overview_says_what_the_ledger_says(database: str, clock: MovingClock, staff: Staff) -> None:
    histories.newsroom()
    # With a number of its own: those of the newsroom are given by hand.
    db.session.add(Reader(id=99, email="bookkeeper@staff.example"))
    db.session.commit()
    let_it_be_emptied()

    @settings(
        max_examples=25 if database.startswith("sqlite") else 8,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
        database=None,
    )
    @given(cases(), st.integers(0, 40))
    def check(case: Case, later: int) -> None:
        last = max((row.at for row in case.rows), default=histories.BEGAN).astimezone(ZONE).date()
        today = last + timedelta(days=later)
        clock.set(datetime.combine(today, time(23), ZONE))
        play(case)
        db.session.rollback()
        text = staff("bookkeeper").get("/staff").text
        asked = Asked(today.replace(day=1), today)
        now, before = (told(Books(case.rows, ZONE), days) for days in (asked, asked.before))
        expected = {
            name: (now[name], before[name]) for name in now if name in SHOWN or now[name] or before[name]
        }
        assert {name: (said, was) for name, said, was in ROW.findall(text)} == {
            name: (words(name, one), words(name, other)) for name, (one, other) in expected.items()
        }
        large = {name: words(row, now[row]) for name, row in NAMES.items()} | {
            f"a month (MRR, {row[-3:]})": words(row, now[row]) for row in expected if row.startswith("MRR")
        }
        assert {name: said for said, name in LARGE.findall(text)} == (
            large if len(large) > len(NAMES) else large | {"a month (MRR)": "0"}
        )

    check()


def told(books: Books, days: Asked) -> dict[str, int]:
    """The figures by their names; money in minor units."""
    stands, moved = books.standing(days.until), books.crossed(days.since, days.until)
    return {
        "Active patrons": stands["active"] + stands["trial"] + stands["grace"],
        "of these in trial": stands["trial"],
        "of these with a failed payment": stands["grace"],
        "Members of groups": stands["members"],
        "New this month": moved["joined"] + moved["rejoined"],
        "Ended this month": moved["left"],
    } | {f"MRR in {name.upper()}": books.monthly(days.until, name) for name in sorted(books.currencies)}


def words(name: str, number: int) -> str:
    """As the page writes a figure."""
    return Money(number, name[-3:].lower()).text() if name.startswith("MRR") else f"{number:,}"
