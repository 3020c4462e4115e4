"""Plans on the owner's pages: made at Stripe by the worker; prices for newcomers, or for everyone."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from paywall import clock
from paywall.accounts.trail import StaffAct
from paywall.billing.gateway import gateway
from paywall.db import db
from paywall.sandbox.faults import Fault, FaultKind
from tests.accounts.browser import Letters, send
from tests.shop import Shop
from tests.staffing import Staff

LIST = "/staff/plans"
NEW = {
    "slug": "friend",
    "name": "Friend",
    "month": "3,50",
    "state": "open",
    "trial_days": "7",
    "position": "2",
    "reason": "Asked for by readers",
}


@pytest.fixture
def owner(shop: Shop, staff: Staff) -> FlaskClient:
    return staff("owner")


def test_a_new_plan_is_made_at_stripe_and_can_be_joined(
    shop: Shop, owner: FlaskClient, work: Callable[[], int]
) -> None:
    assert send(owner, f"{LIST}/new", **NEW).location == LIST
    page = owner.get(LIST).text
    assert "Making them at Stripe is under way" in page
    assert "not yet" in page
    work()
    page = owner.get(LIST).text
    assert "Made at Stripe without an error" in page
    assert "not yet" not in page
    assert "€3.50 a month" in page
    assert "Friend" in owner.get("/join").text
    products = gateway().client.v1.products.list({"limit": 100}).data
    assert "Friend" in [product.name for product in products]


def test_what_stripe_does_not_answer_is_said_and_asked_again(
    shop: Shop, owner: FlaskClient, work: Callable[[], int]
) -> None:
    shop.sandbox.faults.set(Fault(FaultKind.API_ERROR, times=None))
    send(owner, f"{LIST}/new", **NEW)
    work()
    assert "Making them at Stripe failed" in owner.get(LIST).text
    assert "look" in owner.get("/staff/health").text
    shop.sandbox.faults.clear()
    send(owner, f"{LIST}/set-up", page=LIST)
    work()
    assert "Made at Stripe without an error" in owner.get(LIST).text


SLIPS: list[tuple[dict[str, str], int, str]] = [
    ({"slug": "Friend of ours"}, 400, "A short name has small letters"),
    ({"slug": "supporter"}, 409, "There is a plan with this short name already."),
    ({"name": ""}, 400, "Please fill in: name."),
    ({"month": ""}, 400, "A plan needs a price"),
    ({"month": "cheap"}, 400, "is not an amount"),
    ({"month": "-1"}, 400, "must be more than nothing"),
    ({"trial_days": "900"}, 400, "Trial days: a number from 0 to 730."),
    ({"seats": "many"}, 400, "write 5-50"),
    ({"state": "ajar"}, 400, "Choose one: open, hidden, closed."),
    ({"reason": " "}, 400, "Say why"),
]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_slip_is_said_beside_what_was_written(owner: FlaskClient) -> None:
    for wrong, status, said in SLIPS:
        answer = send(owner, f"{LIST}/new", **{**NEW, "description": "As typed", **wrong})
        assert answer.status_code == status
        assert said in answer.text
        assert "As typed" in answer.text
    assert "Friend" not in owner.get("/join").text


def test_a_plan_is_changed_for_newcomers_and_closed(
    shop: Shop, owner: FlaskClient, work: Callable[[], int]
) -> None:
    shop.join()
    page = f"{LIST}/supporter"
    words = {
        "name": "Backer",
        "month": "6",
        "year": "50",
        "state": "closed",
        "position": "1",
        "reason": "Too many",
    }
    assert send(owner, page, **words).location == LIST
    work()
    text = owner.get(LIST).text
    for said in ("Backer", "€6 a month", "Nobody new; those who hold it keep it"):
        assert said in text
    assert shop.held()[0].amount == 500
    line = db.session.query(StaffAct).filter_by(act="plan written", actor="owner@staff.example").one()
    assert (line.after["state"], line.reason) == ("closed", "Too many")


def test_a_new_price_for_everyone_is_looked_at_first_and_then_told(
    shop: Shop, owner: FlaskClient, letters: Letters, work: Callable[[], int]
) -> None:
    shop.join()
    page = f"{LIST}/supporter"
    day = f"{clock.now() + timedelta(days=40):%Y-%m-%d}"
    asked = {"page": page, "interval": "month", "amount": "7", "from": day, "notice": "30", "reason": "Paper"}
    look = send(owner, f"{page}/price", **asked)
    assert "1 is written to now" in look.text
    assert 'name="reason" value="Paper"' in look.text
    assert "Planned:" not in owner.get(page).text
    assert send(owner, f"{page}/price", **asked, do="1").location == page
    assert "Planned: €7 a month" in owner.get(page).text
    work()
    assert [letter.to for letter in letters() if letter.kind == "price_change"] == ["ana@example.org"]
    assert send(owner, f"{page}/price", **asked, do="1").location == page
    work()
    assert len([letter for letter in letters() if letter.kind == "price_change"]) == 1
    assert db.session.query(StaffAct).filter_by(act="price changed").one().reason == "Paper"


NO_PRICES: list[tuple[dict[str, str], str]] = [
    ({"from": "2020-01-01"}, "That day is too soon"),
    ({"from": "soon"}, "Give the first day of the new price."),
    ({"notice": "3"}, "at least 7 days"),
    ({"amount": ""}, "Please fill in: amount."),
    ({"amount": "0"}, "must be more than nothing"),
    ({"interval": "day"}, "Choose one: month, year."),
    ({"reason": ""}, "Say why"),
]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_price_that_cannot_be_is_refused(owner: FlaskClient) -> None:
    page = f"{LIST}/supporter"
    day = f"{clock.now() + timedelta(days=40):%Y-%m-%d}"
    right = {"interval": "month", "amount": "7", "from": day, "notice": "30", "reason": "Paper"}
    for wrong, said in NO_PRICES:
        answer = send(owner, f"{page}/price", page=page, do="1", **{**right, **wrong})
        assert answer.status_code == 400
        assert said in answer.text
    assert "Planned:" not in owner.get(page).text
