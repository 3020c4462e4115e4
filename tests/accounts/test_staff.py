"""Staff are readers with a role."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from paywall.accounts import readers, staff
from paywall.accounts.models import StaffRole
from paywall.db import db
from paywall.errors import BadInput
from tests.accounts.browser import Letters, link_in, press, sign_up

Appoint = Callable[[str, StaffRole], staff.Appointment]


@pytest.fixture
def appoint(app: Flask) -> Appoint:
    """`flask paywall staff`, without the command line."""

    def run(email: str, role: StaffRole) -> staff.Appointment:
        with app.app_context():
            done = staff.appoint(email, role, "For the test")
            db.session.commit()
            return done

    return run


def roles(app: Flask, email: str) -> frozenset[str]:
    with app.app_context():
        reader = readers.find(email)
        assert reader is not None
        return reader.staff_roles


def test_a_newcomer_is_appointed_and_signs_in_by_the_letter(
    app: Flask, client: FlaskClient, letters: Letters, appoint: Appoint
) -> None:
    done = appoint("Ed@Example.org", StaffRole.EDITOR)
    assert (done.email, done.is_new_reader, done.is_new_role) == ("ed@example.org", True, True)
    letter = letters()[-1]
    assert (letter.kind, letter.to) == ("welcome_staff", "ed@example.org")
    assert "editor" in letter.text
    assert press(client, link_in(letter)).location == "/account/factor/set-up"
    assert "Your address is ed@example.org" in client.get("/account/security").text
    assert roles(app, "ed@example.org") == {"editor"}


def test_a_reader_is_appointed_to_several_roles(
    app: Flask, client: FlaskClient, letters: Letters, appoint: Appoint
) -> None:
    sign_up(client, letters, "ed@example.org")
    assert not appoint("ed@example.org", StaffRole.EDITOR).is_new_reader
    assert appoint("ed@example.org", StaffRole.OWNER).is_new_role
    assert roles(app, "ed@example.org") == {"editor", "owner"}


def test_appointing_twice_changes_and_writes_nothing(app: Flask, letters: Letters, appoint: Appoint) -> None:
    appoint("ed@example.org", StaffRole.EDITOR)
    again = appoint("ed@example.org", StaffRole.EDITOR)
    assert (again.is_new_reader, again.is_new_role) == (False, False)
    assert len(letters()) == 1


@pytest.mark.parametrize("role", list(StaffRole))
def test_every_role_can_be_given(app: Flask, appoint: Appoint, role: StaffRole) -> None:
    appoint("ed@example.org", role)
    appoint("eva@example.org", role)
    assert roles(app, "ed@example.org") == roles(app, "eva@example.org") == {role.value}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_slip_in_the_address_is_said(appoint: Appoint) -> None:
    with pytest.raises(BadInput, match="ed at example is not an e-mail address"):
        appoint("ed at example", StaffRole.EDITOR)
