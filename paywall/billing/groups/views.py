"""Pages of groups: the owner's, where seats are given and taken back, and the one behind an invitation."""

from datetime import UTC, datetime

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext
from flask_login import current_user
from werkzeug.wrappers import Response

from paywall import clock
from paywall.accounts import privacy
from paywall.accounts.limits import by_reader, checks_secret, limiter
from paywall.accounts.models import Reader
from paywall.accounts.routes import may_enter
from paywall.billing.groups import inviting, rules, seats, sizing
from paywall.billing.groups.forms import InviteForm, lines_of
from paywall.billing.groups.models import Group
from paywall.billing.quotes import QuoteOver
from paywall.db import db
from paywall.errors import BadInput, Conflict, NotFound

grouped = Blueprint("groups", __name__)
grouped.after_request(privacy.unshared)
grouped.after_request(privacy.unreferred)


def _letters_a_day() -> str:
    group = seats.owned(current_user.id) if current_user.is_authenticated else None
    return f"{rules.letters_a_day(group.owned.seats if group else 0)}/day"


def _letters_asked() -> int:
    return max(1, len(lines_of(request.form.get("addresses", ""))))


writes_invitations = limiter.shared_limit(
    _letters_a_day, "invitations", key_func=by_reader, cost=_letters_asked
)


@grouped.get("/account/group")
@may_enter("reader")
def show() -> ResponseReturnValue:
    """The owner's page: who has a seat, who is invited, what is free."""
    return _page(InviteForm())


@grouped.post("/account/group/invite")
@may_enter("reader")
@writes_invitations
def invite() -> ResponseReturnValue:
    """Write to the addresses given, if all are good and there are seats for them."""
    form, group = InviteForm(), _own()
    if not form.validate_on_submit():
        return _page(form)
    try:
        written = inviting.invite(group.id, form.found)
    except Conflict as refused:
        db.session.rollback()
        form.addresses.errors = [refused.message]
        return _page(form)
    db.session.commit()
    _tell(written)
    return redirect(url_for("groups.show"), 303)


@grouped.post("/account/group/resend")
@may_enter("reader")
@writes_invitations
def resend() -> Response:
    """Write once more to one who has not come."""
    try:
        address = inviting.resend(current_user.id, _number("invitation"))
    except Conflict as refused:
        db.session.rollback()
        flash(refused.message, "warning")
    else:
        db.session.commit()
        flash(gettext("We have written to %(email)s again.", email=address), "success")
    return redirect(url_for("groups.show"), 303)


@grouped.post("/account/group/revoke")
@may_enter("reader")
def revoke() -> Response:
    """Take an invitation back."""
    address = inviting.revoke(current_user.id, _number("invitation"))
    db.session.commit()
    flash(gettext("The invitation of %(email)s is taken back.", email=address), "success")
    return redirect(url_for("groups.show"), 303)


@grouped.post("/account/group/remove")
@may_enter("reader")
def remove() -> Response:
    """Take a member's seat back."""
    seat = seats.remove(current_user.id, _number("seat"))
    db.session.commit()
    flash(gettext("The seat of %(email)s is free again.", email=seat.reader.email), "success")
    return redirect(url_for("groups.show"), 303)


@grouped.post("/account/group/leave")
@may_enter("reader")
def leave() -> Response:
    """Give one's own seat back."""
    seats.leave(current_user.id, _number("seat"))
    db.session.commit()
    flash(gettext("You have left the group."), "success")
    return redirect(url_for("billing.account"), 303)


@grouped.post("/account/group/seats")
@may_enter("reader")
@limiter.limit("60/hour", key_func=by_reader)
def offer() -> ResponseReturnValue:
    """Show what another number of seats would cost, before anything is done."""
    try:
        return _offered(_number("seats"))
    except (BadInput, Conflict) as refused:
        db.session.rollback()
        flash(refused.message, "warning")
        return redirect(url_for("groups.show"), 303)


@grouped.post("/account/group/seats/take")
@may_enter("reader")
@limiter.limit("30/hour", key_func=by_reader)
def take() -> ResponseReturnValue:
    """Change the number of seats at the price that was shown."""
    wanted, at = _number("seats"), datetime.fromtimestamp(_number("at", most=2**35), UTC)
    shown = request.form.get("total", type=int)
    if shown is None:
        abort(400)
    try:
        done = sizing.take(current_user.id, wanted, at, shown)
    except QuoteOver as over:
        flash(over.message, "warning")
        return _offered(wanted)
    except (BadInput, Conflict) as refused:
        db.session.rollback()
        flash(refused.message, "warning")
    else:
        words = ngettext("You have one seat now.", "You have %(num)d seats now.", done.seats)
        flash(words, "success")
    return redirect(url_for("groups.show"), 303)


@grouped.get("/group/join")
@may_enter("public")
def join() -> ResponseReturnValue:
    """Where the link of an invitation leads; who is not signed in does that first, and comes back."""
    return _invited(request.args.get("token", ""))


@grouped.post("/group/join")
@may_enter("reader")
@checks_secret
def accept() -> ResponseReturnValue:
    """Take the seat."""
    token = request.form.get("token", "")
    try:
        seat = inviting.accept(_reader(), token, anyway="anyway" in request.form)
    except inviting.HasOwn as own:
        db.session.rollback()
        return _invited(token, own=own.message)
    except (Conflict, NotFound) as refused:
        db.session.rollback()
        return render_template("billing/group_join.html", refused=refused.message), refused.status
    owner = seat.group.owner.email
    db.session.commit()
    flash(gettext("You have a seat in the group of %(owner)s: read on.", owner=owner), "success")
    return redirect(url_for("billing.account"), 303)


def _page(form: InviteForm) -> ResponseReturnValue:
    group = seats.owned(current_user.id)
    if group is None:
        return redirect(url_for("billing.account"))
    least, most = sizing.bounds(group)
    return render_template(
        "billing/group.html",
        group=group,
        room=inviting.room(group),
        members=seats.taken(group.id),
        waiting=inviting.waiting(group.id),
        form=form,
        least=least,
        most=most,
        now=clock.now(),
    )


def _offered(wanted: int) -> str:
    found = sizing.offer(current_user.id, wanted)
    return render_template("billing/group_seats.html", offer=found, at=int(found.at.timestamp()))


def _invited(token: str, own: str | None = None) -> ResponseReturnValue:
    try:
        one = inviting.find(token)
    except NotFound as refused:
        return render_template("billing/group_join.html", refused=refused.message), refused.status
    page = render_template("billing/group_join.html", invitation=one, token=token, own=own)
    return page, 409 if own else 200


def _tell(written: list[str]) -> None:
    if not written:
        flash(gettext("Nobody was written to: all of them are members or invited already."), "info")
        return
    words = ngettext("One invitation is on its way.", "%(num)d invitations are on their way.", len(written))
    flash(words, "success")


def _own() -> Group:
    group = seats.owned(current_user.id)
    if group is None:
        raise NotFound(gettext("You have no group."))
    return group


def _number(name: str, *, most: int = 2**31 - 1) -> int:
    found: int = request.form.get(name, 0, type=int)
    if not 0 < found <= most:
        abort(400)
    return found


def _reader() -> Reader:
    reader: Reader = current_user._get_current_object()
    return reader
