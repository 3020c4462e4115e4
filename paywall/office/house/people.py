"""The staff's page: who has which role, appointed, changed and ended by owners."""

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from paywall.accounts import factors, reasons, staff
from paywall.accounts.models import Reader, StaffRole
from paywall.accounts.routes import may_enter
from paywall.db import db
from paywall.errors import BadInput, PaywallError

OWNER = StaffRole.OWNER
MEANINGS = {
    StaffRole.OWNER: "everything, and this page",
    StaffRole.MEMBERSHIP: "the desk, the reports, the inbox",
    StaffRole.EDITOR: "articles and their gates",
    StaffRole.BOOKKEEPER: "the reports and the books, to read and to download",
}

people = Blueprint("people", __name__, url_prefix="/staff/people")


@people.get("")
@may_enter(OWNER)
def everyone() -> str:
    """All of the staff."""
    return _list()


@people.post("")
@may_enter(OWNER, fresh=True)
def appoint() -> ResponseReturnValue:
    """Give someone a role; who has no account gets one, and a letter to sign in with."""
    email, role = request.form.get("email", ""), request.form.get("role", "")
    try:
        done = staff.appoint(email, _role(role), reasons.given())
    except PaywallError as refused:
        db.session.rollback()
        return _list(refused.message), refused.status
    db.session.commit()
    flash(f"{done.email} {'is now' if done.is_new_role else 'was already'} {done.role}.", "success")
    return redirect(url_for("people.everyone"), 303)


@people.get("/<int:reader_id>")
@may_enter(OWNER)
def one(reader_id: int) -> str:
    """One of the staff."""
    return _page(staff.by_id(reader_id))


@people.post("/<int:reader_id>/roles")
@may_enter(OWNER, fresh=True)
def change(reader_id: int) -> ResponseReturnValue:
    """Give them other roles."""
    chosen = {_role(name) for name in request.form.getlist("role")}
    return _done(
        reader_id,
        lambda reader: staff.change_roles(reader, chosen, reasons.given()),
        "Their roles are changed.",
    )


@people.post("/<int:reader_id>/end")
@may_enter(OWNER, fresh=True)
def end(reader_id: int) -> ResponseReturnValue:
    """Take all roles back; they stay a reader."""
    return _done(
        reader_id,
        lambda reader: staff.change_roles(reader, (), reasons.given()),
        "They are no longer of the staff, and signed out everywhere.",
    )


@people.post("/<int:reader_id>/factor")
@may_enter(OWNER, fresh=True)
def reset_factor(reader_id: int) -> ResponseReturnValue:
    """For who lost phone and recovery codes."""
    return _done(
        reader_id,
        lambda reader: staff.reset_factor(reader, reasons.given()),
        "They are signed out everywhere, and set up a second factor at their next sign-in.",
    )


def _done(reader_id: int, act: Callable[[Reader], object], said: str) -> ResponseReturnValue:
    reader = staff.by_id(reader_id)
    try:
        act(reader)
    except PaywallError as refused:
        db.session.rollback()
        return _page(staff.by_id(reader_id), refused.message), refused.status
    db.session.commit()
    flash(f"{reader.email}: {said}", "success")
    back = url_for("people.one", reader_id=reader_id) if reader.roles else url_for("people.everyone")
    return redirect(back, 303)


def _list(message: str = "") -> str:
    return render_template(
        "office/house/people.html",
        people=staff.everyone(),
        with_factor=factors.owners(),
        meanings=MEANINGS,
        message=message,
    )


def _page(reader: Reader, message: str = "") -> str:
    return render_template(
        "office/house/person.html",
        reader=reader,
        factor=factors.of(reader.id),
        meanings=MEANINGS,
        message=message,
    )


def _role(name: str) -> StaffRole:
    try:
        return StaffRole(name)
    except ValueError:
        raise BadInput("Choose one of the roles.") from None
