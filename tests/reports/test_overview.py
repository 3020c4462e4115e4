"""Staff's first page, whatever happened: each figure on it is what the lines of the ledger say."""

import re
from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from paywall.accounts.models import Reader
from paywall.db import db
from paywall.money import Money
from tests.moving import MovingClock
from tests.reports import histories
from tests.reports.naive import Books
from tests.reports.test_rolled import ZONE, Case, cases, let_it_be_emptied, play
from tests.staffing import Staff

FIGURE = re.compile(r'<div class="figure"><b>(.*?)</b> <span>(.*?)</span></div>')
ROW = re.compile(r'<tr><th scope="row">(.*?)</th><td class="num">(.*?)</td><td>')


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
        figures, rows = told(Books(case.rows, ZONE), today)
        assert {name: said for said, name in FIGURE.findall(text)} == figures
        assert dict(ROW.findall(text)) == rows

    check()


def told(books: Books, today: date) -> tuple[dict[str, str], dict[str, str]]:
    """The figures by their names, and the rows of the table below them."""
    stands, moved = books.standing(today), books.crossed(today.replace(day=1), today)
    patrons = stands["active"] + stands["trial"] + stands["grace"]
    new, left = moved["joined"] + moved["rejoined"], moved["left"]
    figures = {"active patrons": patrons, "new this month": new, "ended this month": left}
    rows = {
        "Active patrons": patrons,
        "of these in trial": stands["trial"],
        "of these with a failed payment": stands["grace"],
        "New this month": new,
        "Ended this month": left,
    }
    rows |= {"Members of groups": stands["members"]} if stands["members"] else {}
    money = {currency: books.monthly(today, currency) for currency in sorted(books.currencies)}
    worth = {name.upper(): Money(sum_, name).text("en_GB") for name, sum_ in money.items() if sum_}
    said = {f"a month (MRR, {name})": text for name, text in worth.items()} or {"a month (MRR)": "0"}
    return (
        {name: str(value) for name, value in figures.items()} | said,
        {name: str(value) for name, value in rows.items()}
        | {f"MRR in {name}": text for name, text in worth.items()},
    )
