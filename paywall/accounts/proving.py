"""Proving once more who is signed in, where a session that is some minutes old is not enough."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from paywall.accounts import letters, privacy, proofs, sessions
from paywall.accounts.forms import PresentPasswordForm
from paywall.accounts.limits import checks_secret, writes_to_owner
from paywall.accounts.returning import destination, safe_next
from paywall.accounts.routes import READER, may_enter
from paywall.db import db

proving = Blueprint("proving", __name__)
proving.after_request(privacy.unshared)
proving.after_request(privacy.unreferred)


@proving.route("/sign-in/once-more", methods=["GET", "POST"])
@may_enter(READER)
@checks_secret
def once_more() -> ResponseReturnValue:
    """The password again, or a letter for those without; then back to what they were about to do."""
    form, next_path = PresentPasswordForm(), _next()
    if form.validate_on_submit():
        sessions.prove()
        return redirect(destination(next_path), 303)
    return render_template("accounts/once_more.html", form=form, next=next_path)


@proving.post("/sign-in/once-more/letter")
@may_enter(READER)
@writes_to_owner
def letter() -> ResponseReturnValue:
    """A code to the address of who is signed in: they sign in again with it."""
    email, next_path = current_user.email, _next()
    begun = proofs.begin(email, next_path=next_path)
    letters.with_proof("sign_in", email, begun)
    db.session.commit()
    sessions.wait_for({"id": begun.id, "email": email, "next": next_path, "is_new": False})
    return redirect(url_for("accounts.code"), 303)


def _next() -> str | None:
    return safe_next(request.form.get("next") or request.args.get("next"))
