"""Pages of gifts: give one, come back from paying, redeem a code."""

from zoneinfo import ZoneInfo

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext
from flask_login import current_user

from paywall import clock
from paywall.accounts import privacy
from paywall.accounts.limits import checks_secret, limiter
from paywall.accounts.models import Reader
from paywall.accounts.routes import may_enter
from paywall.billing.gifts import giving, letters, redeeming
from paywall.billing.gifts.forms import GiftForm
from paywall.billing.gifts.rules import GiftState, Present
from paywall.config import Settings
from paywall.db import db
from paywall.errors import NotFound, Unavailable

given = Blueprint("gifts", __name__)
given.after_request(privacy.unshared)
given.after_request(privacy.unreferred)


@given.route("/gift", methods=["GET", "POST"])
@may_enter("public")
@limiter.limit("20/hour", methods=["POST"])
def give() -> ResponseReturnValue:
    """Choose a gift, say whom it is for, and go to Stripe to pay."""
    offered, buyer = giving.on_offer(), _reader()
    settings: Settings = current_app.extensions["settings"]
    form = GiftForm()
    today = clock.now().astimezone(ZoneInfo(settings.timezone)).date()
    form.offer(_choices(offered), today, buyer.email if buyer else None)
    if not form.validate_on_submit():
        return render_template("billing/gift.html", form=form, offered=offered, today=today)
    present = offered[form.present.data][1]
    return redirect(giving.begin(buyer, form.order(present, clock.now(), settings.timezone)), 303)


@given.get("/gift/paid")
@may_enter("public")
def paid() -> ResponseReturnValue:
    """Back from paying: the letters are on their way, or the money is."""
    try:
        gift = giving.returned(
            request.args.get("session_id", ""), current_user.id if current_user.is_authenticated else None
        )
    except Unavailable:
        flash(
            gettext("Your payment is safe. Stripe has not confirmed it to us yet; this takes a minute."),
            "info",
        )
        return redirect(url_for("gifts.give"))
    if gift.state is GiftState.LAPSED:
        flash(
            gettext("The payment was not completed, and nothing was charged. You can try again."), "warning"
        )
        return redirect(url_for("gifts.give"))
    return render_template("billing/gift_paid.html", gift=gift, now=clock.now())


@given.get("/redeem")
@may_enter("public")
def redeem() -> str:
    """Where a code is entered; who is not signed in does that first, and comes back."""
    return render_template("billing/redeem.html", code=_typed(request.args.get("code", "")))


@given.post("/redeem")
@may_enter("reader")
@checks_secret
def take() -> ResponseReturnValue:
    """Redeem a code for the reader who is signed in."""
    reader = _reader()
    assert reader is not None
    typed = request.form.get("code", "")
    try:
        gift = redeeming.redeem(reader, letters.hashed(typed), anyway="anyway" in request.form)
    except redeeming.HasOwn as own:
        return render_template("billing/redeem.html", code=_typed(typed), own=own.message), own.status
    except NotFound as refused:
        return render_template(
            "billing/redeem.html", code=_typed(typed), error=refused.message
        ), refused.status
    db.session.commit()
    flash(gettext("The gift is yours. Thank %(name)s!", name=gift.buyer_name), "success")
    return redirect(url_for("billing.account"), 303)


def _choices(offered: dict[str, tuple[str, Present]]) -> list[tuple[str, str]]:
    settings: Settings = current_app.extensions["settings"]
    return [
        (key, f"{name}, {_length(present.months)}: {present.money.text(settings.language)}")
        for key, (name, present) in offered.items()
    ]


def _length(months: int) -> str:
    if months == 12:
        return str(gettext("a year"))
    return str(ngettext("one month", "%(num)d months", months))


def _typed(code: str) -> str:
    return code[:40]


def _reader() -> Reader | None:
    reader: Reader | None = current_user._get_current_object() if current_user.is_authenticated else None
    return reader
