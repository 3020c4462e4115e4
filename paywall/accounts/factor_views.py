"""Pages of the second factor of staff: given after the sign-in, set up, changed; codes for a lost phone."""

import base64
import io

import qrcode
import qrcode.image.svg
from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from paywall.accounts import factors, privacy, sessions
from paywall.accounts.forms import FactorForm, PressForm
from paywall.accounts.limits import checks_secret
from paywall.accounts.models import Factor, StaffRole
from paywall.accounts.returning import safe_next
from paywall.accounts.routes import may_enter
from paywall.db import db

SALT = "factor_salt"
STAFF_HOME = "/staff"

factor = Blueprint("factor", __name__)
factor.after_request(privacy.unshared)
factor.after_request(privacy.unreferred)


@factor.route("/sign-in/factor", methods=["GET", "POST"])
@may_enter(*StaffRole, factor=False)
@checks_secret
def ask() -> ResponseReturnValue:
    """The six digits, or a recovery code; then on to what they came for."""
    next_path, form, held = _next(), FactorForm(), factors.of(current_user.id)
    if held is None:
        return redirect(url_for("factor.set_up", next=next_path), 303)
    if form.validate_on_submit():
        if factors.check(current_user, held, form.code.data or ""):
            sessions.give(factors.mark(held))
            _warn_of_last_codes(held)
            db.session.commit()
            return redirect(next_path or STAFF_HOME, 303)
        form.code.errors = ["This code is wrong, or was used before. The app shows another each half minute."]
    return render_template("accounts/factor.html", form=form, next=next_path)


@factor.route("/account/factor/set-up", methods=["GET", "POST"])
@may_enter(*StaffRole, factor=False, fresh=True)
@checks_secret
def set_up() -> ResponseReturnValue:
    """The picture for the app, and its first code; who has a factor gives it before it is changed."""
    form, next_path, held = FactorForm(), _next(), factors.of(current_user.id)
    if held is not None and not sessions.has_given(factors.mark(held), fresh=True):
        return redirect(url_for("factor.ask", next=url_for("factor.set_up")), 303)
    salt = session.setdefault(SALT, factors.new_salt())
    if form.validate_on_submit():
        codes = factors.enrol(current_user, salt, form.code.data or "")
        if codes:
            return _shown_once(codes, next_path)
        form.code.errors = [
            "This is not the code that belongs to the picture. Is the clock of the phone right?"
        ]
    shared = factors.shared(salt, current_user.email)
    picture = _picture(shared.uri)
    return render_template(
        "accounts/factor_set_up.html", form=form, next=next_path, shared=shared, picture=picture, held=held
    )


@factor.get("/account/factor")
@may_enter(*StaffRole, fresh=True)
def held() -> ResponseReturnValue:
    """What is set up, and what can be changed about it."""
    found = _held()
    return render_template(
        "accounts/factor_held.html", factor=found, left=factors.codes_left(found), form=PressForm()
    )


@factor.post("/account/factor/codes")
@may_enter(*StaffRole, fresh=True)
def renew_codes() -> ResponseReturnValue:
    """New recovery codes; the old ones are void."""
    codes = factors.renew_codes(current_user, _held())
    db.session.commit()
    return render_template("accounts/factor_codes.html", codes=codes, next=url_for("factor.held"))


def _shown_once(codes: tuple[str, ...], next_path: str | None) -> str:
    """A new factor is in force, here too."""
    session.pop(SALT)
    sessions.give(factors.mark(_held()))
    db.session.commit()
    return render_template("accounts/factor_codes.html", codes=codes, next=next_path or STAFF_HOME)


def _held() -> Factor:
    found = factors.of(current_user.id)
    assert found is not None
    return found


def _warn_of_last_codes(held: Factor) -> None:
    left = factors.codes_left(held)
    if left < 3:
        flash(
            f"You have {left} recovery codes left. Make new ones on the page about your second factor.",
            "warning",
        )


def _picture(uri: str) -> str:
    """A QR code as the address of an image."""
    drawn = io.BytesIO()
    qrcode.make(uri, image_factory=qrcode.image.svg.SvgPathFillImage, border=2).save(drawn)
    return f"data:image/svg+xml;base64,{base64.b64encode(drawn.getvalue()).decode()}"


def _next() -> str | None:
    return safe_next(request.form.get("next") or request.args.get("next"))
