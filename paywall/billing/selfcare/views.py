"""Pages of the reader's own hand: cancel and keep."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from paywall.accounts.limits import limiter
from paywall.accounts.routes import may_enter
from paywall.billing.selfcare import leaving, owned
from paywall.billing.selfcare.forms import CancelForm

selfcare = Blueprint("selfcare", __name__, url_prefix="/account/membership/<int(max=2147483647):held_id>")


@selfcare.after_request
def _keep_to_yourself(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _reader_key() -> str:
    return f"reader:{current_user.get_id()}"


changes = limiter.limit("60/hour", key_func=_reader_key, methods=["POST"])


@selfcare.route("/cancel", methods=["GET", "POST"])
@may_enter("reader")
@changes
def cancel(held_id: int) -> ResponseReturnValue:
    """Say until when the reader reads on, ask why, and cancel."""
    held, form = owned.mine(current_user.id, held_id), CancelForm()
    if form.validate_on_submit():
        leaving.cancel(current_user.id, held_id, form.said)
        flash(gettext("Your membership is cancelled. Thank you for having been a patron."), "success")
        return _back()
    return render_template("billing/cancel.html", held=held, form=form, leaving=leaving.outlook(held))


@selfcare.post("/keep")
@may_enter("reader")
@changes
def keep(held_id: int) -> ResponseReturnValue:
    """Take the cancellation back."""
    leaving.keep(current_user.id, held_id)
    flash(gettext("Good that you stay. Your membership goes on as before."), "success")
    return _back()


def _back() -> Response:
    return redirect(url_for("billing.account"), 303)
