"""Who may look at the desk, and who may act there: each page and each act is tried by all who may not."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from paywall import clock
from paywall.accounts.models import Reader
from paywall.accounts.trail import StaffAct
from paywall.db import db
from tests.accounts.browser import token_in
from tests.staffing import Staff

LOOKING = ("/staff/desk", "/staff/desk?q=ana", "/staff/desk/1")
ACTS = (
    "sync",
    "name",
    "address",
    "letter/1",
    "invoice/1",
    "sign-out",
    "join",
    "access",
    "membership/1/end",
    "membership/1/grace",
    "membership/1/cancel",
    "membership/1/keep",
    "refund/1",
    "as",
    "as/article",
)
FORM = {"key": "0" * 16, "reason": "because", "confirmed": "yes", "when": "now", "amount": "1", "given": "0"}


@pytest.fixture
def ana(app: Flask) -> None:
    """The first reader of all."""
    with app.app_context():
        db.session.add(Reader(email="ana@example.org", confirmed_at=clock.now()))
        db.session.commit()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_every_act_of_the_desk_is_tried_here(app: Flask) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("desk.")]
    given = {"reader_id": 1, "held_id": 1, "payment_id": 1, "letter_id": 1, "invoice_id": 1}
    built = (rule.build({name: given[name] for name in rule.arguments}) for rule in rules)
    paths = {found[1] for found in built if found}
    assert paths == {*LOOKING[::2], *(f"/staff/desk/1/{act}" for act in ACTS)}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_who_may_not_act_is_refused_whatever_they_send(app: Flask, ana: None, staff: Staff) -> None:
    for role in ("editor", "bookkeeper"):
        browser = staff(role)
        token = token_in(browser.get("/account").text)
        for act in ACTS:
            for answer in (
                browser.get(f"/staff/desk/1/{act}"),
                browser.post(f"/staff/desk/1/{act}", data={**FORM, "csrf_token": token}),
            ):
                assert answer.status_code in (403, 405), (role, act, answer.status_code)
        for path in LOOKING:
            assert browser.get(path).status_code == (200 if role == "bookkeeper" else 403), (role, path)
    page = staff("bookkeeper").get("/staff/desk/1").text
    assert "ana@example.org" in page
    assert "<form method=" not in page.partition("<main")[2]
    with app.app_context():
        assert db.session.query(StaffAct).count() == 0


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_visitor_is_sent_to_sign_in(client: FlaskClient, ana: None) -> None:
    for path in (*LOOKING, *(f"/staff/desk/1/{act}" for act in ACTS if act != "sync")):
        answer = client.get(path)
        assert (answer.status_code, answer.location.partition("?")[0]) == (302, "/sign-in"), path


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_account_of_staff_is_changed_by_owners_alone(app: Flask, ana: None, staff: Staff) -> None:
    staff("owner", email="olga@staff.example")
    for act in ("address", "sign-out"):
        assert staff("membership").get(f"/staff/desk/2/{act}").status_code == 403
        assert staff("owner", email="olga@staff.example").get(f"/staff/desk/2/{act}").status_code == 200


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_form_without_its_token_or_its_reason_does_nothing(app: Flask, ana: None, staff: Staff) -> None:
    browser = staff("membership")
    assert browser.post("/staff/desk/1/name", data={**FORM, "name": "Ana"}).status_code == 400
    token = token_in(browser.get("/staff/desk/1/name").text)
    answer = browser.post("/staff/desk/1/name", data={**FORM, "reason": " ", "csrf_token": token})
    assert "Say why." in answer.text
    with app.app_context():
        assert db.session.query(StaffAct).count() == 0
