"""The monthly letter: the pages' own figures, once a month, to those who keep the books."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from paywall.accounts.models import Reader
from paywall.billing.cashbook import walk
from paywall.db import db
from paywall.mail import Letter, Unsent
from paywall.office.money.letter import REPORTS, monthly
from tests.billing.cashbook.town import gift
from tests.moving import MovingClock
from tests.shop import Shop
from tests.staffing import Staff

pytestmark = [
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
    pytest.mark.settings(stripe_reads_per_second=100),
]
SECOND = datetime(2027, 1, 2, 9, tzinfo=UTC)
LAST_MONTH = "since=2026-12-01&until=2026-12-31"


@pytest.fixture
def owner(shop: Shop, staff: Staff, clock: MovingClock) -> FlaskClient:
    """A newsroom that has sold a membership and a gift in December, and its owner."""
    browser = staff("owner")
    shop.sandbox.advance(to=datetime(2026, 12, 10, tzinfo=UTC))
    shop.join()
    gift(shop)
    shop.sandbox.advance(to=datetime(2027, 1, 1, 1, tzinfo=UTC))
    walk.begin().run()
    return browser


def figures(letters: list[Letter]) -> list[Letter]:
    """The monthly letters among them."""
    return [one for one in letters if one.kind == "figures"]


def test_it_has_the_figures_of_the_pages(
    owner: FlaskClient, clock: MovingClock, letters: Callable[[], list[Letter]]
) -> None:
    clock.set(SECOND)
    monthly()
    (letter,) = figures(letters())
    assert letter.subject == "The figures of December 2026"
    assert letter.to == "owner@staff.example"
    for name in REPORTS:
        path = f"/staff/reports/{name}?{LAST_MONTH}"
        assert path in letter.text
        shown = owner.get(path).text.partition('<dl class="report-figures">')[2].partition("</dl>")[0]
        found = re.findall(r"<dt>(.*?)</dt>\s*<dd class=\"now\">(?:<a [^>]*>)?([^<]*)", shown)
        assert found
        for title, now in found:
            assert f"- {unescape(title)}: {unescape(now)}" in letter.text
            assert unescape(title) in unescape(letter.html)
    assert "- Ties out: yes" in letter.text
    assert "- Net, EUR: €33.97" in letter.text
    assert "/staff/tie-out?month=2026-12" in letter.text


def test_it_goes_once_to_each_who_keeps_the_books(
    owner: FlaskClient, staff: Staff, clock: MovingClock, letters: Callable[[], list[Letter]]
) -> None:
    clock.set(SECOND.replace(day=1))
    monthly()
    assert figures(letters()) == []
    staff("editor")
    for day in (2, 3):
        clock.set(SECOND.replace(day=day))
        monthly()
        monthly()
    staff("bookkeeper")
    for day in (4, 5):
        clock.set(SECOND.replace(day=day))
        monthly()
    assert [one.to for one in figures(letters())] == ["owner@staff.example", "bookkeeper@staff.example"]
    clock.set(SECOND.replace(month=2))
    monthly()
    assert len(figures(letters())) == 4


def test_who_has_left_the_staff_meanwhile_gets_none(
    owner: FlaskClient, clock: MovingClock, letters: Callable[[], list[Letter]], work: Callable[[], int]
) -> None:
    clock.set(SECOND)
    monthly()
    reader = db.session.scalars(select(Reader).where(Reader.email == "owner@staff.example")).one()
    reader.roles = []
    db.session.commit()
    work()
    (letter,) = figures(letters())
    assert (letter.sent_at, letter.unsent) == (None, Unsent.UNTRUE)


@pytest.mark.settings(monthly_letter=False)
def test_it_can_be_switched_off(
    owner: FlaskClient, clock: MovingClock, letters: Callable[[], list[Letter]]
) -> None:
    clock.set(SECOND)
    monthly()
    assert figures(letters()) == []
