"""Pages of the reader's own hand: cancel and keep, another plan, a pause, what is open."""

from contextlib import suppress
from itertools import groupby

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from paywall import clock
from paywall.accounts import privacy
from paywall.accounts.limits import by_reader, limiter
from paywall.accounts.routes import may_enter
from paywall.billing import customers
from paywall.billing.quotes import QuoteOver
from paywall.billing.selfcare import leaving, owned, pausing, switching, waiting
from paywall.billing.selfcare.forms import CancelForm, PlainForm, SwitchForm
from paywall.billing.selfcare.rules import Deed
from paywall.billing.selfcare.switching import Outcome
from paywall.errors import Unavailable

selfcare = Blueprint("selfcare", __name__, url_prefix="/account/membership/<int(max=2147483647):held_id>")
selfcare.after_request(privacy.unshared)

changes = limiter.limit("60/hour", key_func=by_reader, methods=["POST"])
asks = limiter.limit("120/hour", key_func=by_reader)


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
    if Deed.CANCEL not in owned.deeds(held):
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


@selfcare.get("/plan")
@may_enter("reader")
def plan(held_id: int) -> ResponseReturnValue:
    """The prices that the reader can move to."""
    held = owned.mine(current_user.id, held_id)
    owned.require(Deed.SWITCH, held)
    by_plan = groupby(switching.choices(held), key=lambda price: price.plan)
    choices = [(plan, list(prices)) for plan, prices in by_plan]
    return render_template("billing/switch.html", held=held, choices=choices)


@selfcare.route("/plan/<int(max=2147483647):price_id>", methods=["GET", "POST"])
@may_enter("reader")
@asks
def switch(held_id: int, price_id: int) -> ResponseReturnValue:
    """Show what a change comes to, and make it at that price."""
    form = SwitchForm()
    if not form.validate_on_submit():
        offered = switching.offer(current_user.id, held_id, price_id)
        form.show(offered.quote)
        return render_template(
            "billing/switch_price.html",
            held=owned.mine(current_user.id, held_id),
            form=form,
            offer=offered,
            now=clock.now(),
        )
    try:
        outcome = switching.take(current_user.id, held_id, price_id, form.shown)
    except QuoteOver as over:
        flash(over.message, "warning")
        return redirect(url_for("selfcare.switch", held_id=held_id, price_id=price_id), 303)
    if outcome is Outcome.WAITING:
        return redirect(url_for("selfcare.pay", held_id=held_id), 303)
    flash(gettext("Your plan is changed."), "success")
    return _back()


@selfcare.post("/plan/forget")
@may_enter("reader")
@changes
def forget(held_id: int) -> ResponseReturnValue:
    """Let go of a change that waits for its payment."""
    switching.forget(current_user.id, held_id)
    flash(gettext("Your plan stays as it is, and nothing was charged."), "info")
    return _back()


@selfcare.route("/pause", methods=["GET", "POST"])
@may_enter("reader")
@changes
def pause(held_id: int) -> ResponseReturnValue:
    """Say what a pause does, and begin it."""
    held, form = owned.mine(current_user.id, held_id), PlainForm()
    if form.validate_on_submit():
        pausing.pause(current_user.id, held_id)
        flash(gettext("Your membership is paused. You can resume it here at any time."), "success")
        return _back()
    owned.require(Deed.PAUSE, held)
    return render_template("billing/pause.html", held=held, form=form)


@selfcare.route("/resume", methods=["GET", "POST"])
@may_enter("reader")
@changes
def resume(held_id: int) -> ResponseReturnValue:
    """Say what going on costs now, and go on."""
    held, form = owned.mine(current_user.id, held_id), PlainForm()
    if form.validate_on_submit():
        if pausing.resume(current_user.id, held_id) is Outcome.WAITING:
            return redirect(url_for("selfcare.pay", held_id=held_id), 303)
        flash(gettext("Welcome back. Your membership goes on."), "success")
        return _back()
    owned.require(Deed.RESUME, held)
    return render_template("billing/resume.html", held=held, form=form, paid_until=pausing.paid_until(held))


@selfcare.get("/pay")
@may_enter("reader")
@asks
def pay(held_id: int) -> ResponseReturnValue:
    """What is open and why, and the way to pay it; paid meanwhile, it says so."""
    owned.mine(current_user.id, held_id)
    with suppress(Unavailable):
        customers.sync_reader(current_user.id)
    held = owned.mine(current_user.id, held_id)
    bill = waiting.bill(held)
    if bill is None:
        flash(gettext("Everything is paid. Thank you."), "success")
        return _back()
    return render_template("billing/pay.html", held=held, bill=bill, now=clock.now())


def _back() -> Response:
    return redirect(url_for("billing.account"), 303)
