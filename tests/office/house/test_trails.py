"""The trail's page: lines by person, act, reader and days, and the same as a file; nothing can be changed."""

import csv
import io
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient

from paywall.accounts.models import Reader
from paywall.accounts.trail import StaffAct
from paywall.db import db
from tests.staffing import Staff

PAGE = "/staff/trail"
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def owner(app: Flask, staff: Staff) -> FlaskClient:
    """The owner at a browser, after some acts in October."""
    browser = staff("owner")
    with app.app_context():
        db.session.add(ana := Reader(email="ana@example.org"))
        db.session.flush()
        for day in range(1, 32):
            one = {"act": "refund", "about": f"in_{day}", "reader_id": ana.id if day < 3 else None}
            db.session.add(
                StaffAct(
                    at=datetime(2026, 10, day, 12, tzinfo=UTC),
                    actor="vera@example.org" if day % 2 else "mia@example.org",
                    before={"amount": 5},
                    after={"amount": 0},
                    reason="=1+1" if day == 1 else "",
                    **one,
                )
            )
        db.session.add(StaffAct(actor="shell (x)", act="plan written", about="plan x", before={}, after={}))
        db.session.commit()
    return browser


def numbers(browser: FlaskClient, **asked: str) -> list[str]:
    """What the lines of the file are about, oldest first."""
    answer = browser.get(f"{PAGE}.csv", query_string=asked)
    rows = csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig")))
    return [row["about"] for row in rows][::-1]


ASKED: list[tuple[dict[str, str], list[str]]] = [
    ({"act": "plan written"}, ["plan x"]),
    ({"reader": "Ana@example.org"}, ["in_1", "in_2"]),
    ({"reader": "ana@example.org", "actor": "mia@example.org"}, ["in_2"]),
    ({"since": "2026-10-03", "until": "2026-10-04"}, ["in_3", "in_4"]),
    ({"until": "2026-10-01"}, ["in_1"]),
    ({"actor": "nobody"}, []),
]


def test_lines_are_found_and_the_file_has_the_same(owner: FlaskClient) -> None:
    for asked, found in ASKED:
        page = owner.get(PAGE, query_string=asked).text
        assert all(f"<td>{about}</td>" in page for about in found)
        assert page.count('<td class="when">') == len(found)
        assert ("There is no such line." in page) == (not found)
        assert numbers(owner, **asked) == found


def test_no_cell_of_the_file_is_a_formula(owner: FlaskClient) -> None:
    assert "'=1+1" in owner.get(f"{PAGE}.csv").text
    assert "amount: 5,amount: 0" in owner.get(f"{PAGE}.csv").text


NOT_ASKED: list[tuple[dict[str, str], int, str]] = [
    ({"since": "yesterday"}, 400, "is no day"),
    ({"until": "9999-12-31"}, 400, "is no day"),
    ({"reader": "nobody@example.org"}, 404, "There is no reader nobody@example.org."),
]


def test_what_cannot_be_asked_is_said(owner: FlaskClient) -> None:
    for asked, status, said in NOT_ASKED:
        page = owner.get(PAGE, query_string=asked)
        assert (page.status_code, said in page.text) == (status, True)
        assert owner.get(f"{PAGE}.csv", query_string=asked).status_code == status


def test_a_long_trail_goes_on(app: Flask, owner: FlaskClient) -> None:
    with app.app_context():
        db.session.add_all(
            StaffAct(actor="x", act="y", about=f"n{n}", before={}, after={}) for n in range(40)
        )
        db.session.commit()
    first = owner.get(PAGE).text
    assert first.count('<td class="when">') == 50
    below = first.partition("below=")[2].partition("&")[0]
    assert owner.get(PAGE, query_string={"below": below}).text.count('<td class="when">') == 22


def test_nothing_changes_it(owner: FlaskClient) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert owner.open(PAGE, method=method).status_code in (400, 405)
