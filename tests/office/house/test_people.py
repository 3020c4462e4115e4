"""Owners appoint, change and end the staff; there is always an owner, and each act is in the trail."""

from threading import Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from paywall.accounts import factors, readers
from paywall.accounts import staff as keeping
from paywall.accounts.models import StaffRole
from paywall.accounts.trail import StaffAct
from paywall.db import db
from paywall.errors import Conflict
from tests.accounts.browser import Letters, link_in, press, send
from tests.staffing import Staff, set_up

LIST, ED = "/staff/people", "ed@example.org"


@pytest.fixture
def owner(staff: Staff) -> FlaskClient:
    return staff("owner")


def roles(app: Flask, email: str) -> frozenset[str]:
    with app.app_context():
        found = readers.find(email)
        return found.staff_roles if found else frozenset()


def number(app: Flask, email: str) -> int:
    with app.app_context():
        found = readers.find(email)
        assert found
        return found.id


def lines(app: Flask) -> list[tuple[str, str, str]]:
    with app.app_context():
        found = db.session.scalars(select(StaffAct).order_by(StaffAct.id))
        return [(line.actor, line.act, line.reason) for line in found]


def test_whoever_is_appointed_sets_up_a_factor_and_does_their_work(
    app: Flask, owner: FlaskClient, letters: Letters
) -> None:
    assert send(owner, LIST, email=ED, role="bookkeeper", reason="Does the books").location == LIST
    page = owner.get(LIST).text
    assert f"{ED} is now bookkeeper." in page
    assert "not yet" in page
    ed = app.test_client()
    assert press(ed, link_in(letters()[-1])).location == "/account/factor/set-up"
    set_up(ed)
    assert ed.get("/staff").status_code == 200
    assert ed.get(LIST).status_code == 403
    assert "not yet" not in owner.get(LIST).text
    assert lines(app)[0] == ("owner@staff.example", "role given", "Does the books")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_slip_is_said_and_appoints_nobody(app: Flask, owner: FlaskClient) -> None:
    nobody = send(owner, LIST, email="ed at example", role="editor", reason="New")
    silent = send(owner, LIST, email=ED, role="editor", reason=" ")
    assert (silent.status_code, "Say why" in silent.text) == (400, True)
    for answer in (send(owner, LIST, email=ED, role="king"), send(owner, LIST, email=ED)):
        assert answer.status_code == 400
        assert "Choose one of the roles." in answer.text
    assert nobody.status_code == 400
    assert "ed at example is not an e-mail address" in nobody.text
    assert lines(app) == []


def test_roles_are_changed_with_a_reason(app: Flask, owner: FlaskClient, staff: Staff) -> None:
    editor = staff("editor")
    page = f"{LIST}/{number(app, 'editor@staff.example')}"
    refused = send(owner, f"{page}/roles", page=page, role="membership")
    assert refused.status_code == 400
    assert "Say why" in refused.text
    assert editor.get("/staff").status_code == 403
    done = send(owner, f"{page}/roles", page=page, role="bookkeeper", reason="Does the books now")
    assert done.location == page
    assert roles(app, "editor@staff.example") == {"bookkeeper"}
    assert editor.get("/staff").status_code == 200
    assert lines(app) == [("owner@staff.example", "roles changed", "Does the books now")]


def test_who_ends_is_signed_out_and_stays_a_reader(app: Flask, owner: FlaskClient, staff: Staff) -> None:
    editor = staff("editor")
    assert editor.get("/staff/simulate").status_code == 200
    page = f"{LIST}/{number(app, 'editor@staff.example')}"
    assert send(owner, f"{page}/end", page=page, reason="Moved on").location == LIST
    assert roles(app, "editor@staff.example") == frozenset()
    assert editor.get("/staff/simulate").location == "/sign-in?next=/staff/simulate"
    assert owner.get(page).status_code == 404
    left = number(app, "owner@staff.example")
    with app.app_context():
        assert factors.owners() == {left}
    assert lines(app) == [("owner@staff.example", "staff ended", "Moved on")]


@pytest.mark.parametrize("act", ["roles", "end"])
def test_the_last_owner_stays(app: Flask, owner: FlaskClient, staff: Staff, act: str) -> None:
    page = f"{LIST}/{number(app, 'owner@staff.example')}"
    answer = send(owner, f"{page}/{act}", page=page, role="editor", reason="Holidays")
    assert answer.status_code == 409
    assert "This is the last owner" in answer.text
    assert roles(app, "owner@staff.example") == {"owner"}
    assert lines(app) == []
    staff("owner", email="second@staff.example")
    assert send(owner, f"{page}/{act}", page=page, role="editor", reason="Holidays").status_code == 303
    assert roles(app, "owner@staff.example") == ({"editor"} if act == "roles" else frozenset())


def test_of_two_owners_who_end_each_other_at_once_one_stays(app: Flask, staff: Staff) -> None:
    people = ["one@staff.example", "two@staff.example"]
    for email in people:
        staff("owner", email=email)
    said: list[str] = []

    def end(email: str) -> None:
        with app.app_context():
            reader = readers.find(email)
            assert reader
            try:
                keeping.change_roles(reader, (), "At once")
                db.session.commit()
            except Conflict:
                db.session.rollback()
                said.append(email)

    threads = [Thread(target=end, args=(email,)) for email in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(said) == 1
    assert roles(app, said[0]) == {StaffRole.OWNER}


def test_an_owner_resets_a_lost_factor(
    app: Flask, owner: FlaskClient, staff: Staff, letters: Letters
) -> None:
    editor = staff("editor")
    page = f"{LIST}/{number(app, 'editor@staff.example')}"
    assert send(owner, f"{page}/factor", page=page, reason="Phone in the lake").location == page
    assert "not yet: they cannot enter" in owner.get(page).text
    assert editor.get("/staff/simulate").location == "/sign-in?next=/staff/simulate"
    assert (letters()[-1].kind, letters()[-1].to) == ("second_factor", "editor@staff.example")
    assert lines(app) == [("owner@staff.example", "second factor reset", "Phone in the lake")]
