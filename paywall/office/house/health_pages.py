"""The health page, and the two walks that can be begun from it."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from paywall import clock, jobs
from paywall.accounts import trail
from paywall.accounts.models import StaffRole
from paywall.accounts.routes import may_enter
from paywall.billing.cashbook import walk as cash_walk
from paywall.billing.reconcile import walk
from paywall.db import db
from paywall.membership import applied, policy_words
from paywall.office import words
from paywall.office.house import health
from paywall.reports.rollup import zone

ROLES = (StaffRole.OWNER, StaffRole.MEMBERSHIP)

wellbeing = Blueprint("wellbeing", __name__, url_prefix="/staff/health")


@wellbeing.get("")
@may_enter(*ROLES)
def show() -> str:
    """How the house does now."""
    return render_template(
        "office/house/health.html",
        rows=list(health.rows(zone())),
        policy=policy_words.rows(applied.in_force()),
        now=words.local(clock.now(), zone()),
    )


@wellbeing.post("/reconcile")
@may_enter(*ROLES)
def reconcile() -> ResponseReturnValue:
    """Compare all books with Stripe's, as is done each night."""
    jobs.later(walk.nightly)
    return _begun("reconcile begun", "All books are compared now.")


@wellbeing.post("/money")
@may_enter(*ROLES)
def money() -> ResponseReturnValue:
    """Read on in the account's balance, as is done each hour."""
    jobs.later(cash_walk.hourly)
    return _begun("cash walk begun", "The cash book is read on now.")


def _begun(act: str, said: str) -> ResponseReturnValue:
    trail.note(act, "all books")
    db.session.commit()
    flash(f"{said} Load this page again after a while; with many patrons it takes minutes.", "success")
    return redirect(url_for("wellbeing.show"), 303)
