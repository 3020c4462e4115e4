"""The plans: what is on sale, written down and made at Stripe; new prices for newcomers or everyone."""

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from paywall import jobs
from paywall.accounts import reasons
from paywall.accounts.models import StaffRole
from paywall.accounts.routes import may_enter
from paywall.billing import setting_up
from paywall.billing.gateway import gateway
from paywall.billing.models import StripeTwin, TwinKind
from paywall.billing.repricing import announcing, moving, planning
from paywall.billing.repricing.models import PriceChange
from paywall.config import Settings
from paywall.db import db
from paywall.errors import Conflict, NotFound, PaywallError
from paywall.membership import plans as keeping
from paywall.membership.models import Plan, PlanState, Subscription
from paywall.membership.rules import HOLDING, Interval
from paywall.office import words
from paywall.office.house import plan_forms
from paywall.reports.rollup import zone

MAY_READ = (StaffRole.OWNER, StaffRole.MEMBERSHIP)
STATES = {
    PlanState.OPEN: "everyone can join",
    PlanState.HIDDEN: "only with its link",
    PlanState.CLOSED: "nobody new; those who hold it keep it",
}

plans = Blueprint("plans", __name__, url_prefix="/staff/plans")


@plans.get("")
@may_enter(*MAY_READ)
def show() -> str:
    """All plans in their order."""
    held = select(Subscription.plan_id, func.count()).where(Subscription.status.in_(HOLDING))
    return render_template(
        "office/house/plans.html",
        plans=list(db.session.scalars(select(Plan).order_by(Plan.position, Plan.id))),
        held={row[0]: row[1] for row in db.session.execute(held.group_by(Subscription.plan_id))},
        at_stripe=_at_stripe(),
        states=STATES,
        run=setting_up.last(),
        local=lambda instant: words.local(instant, zone()),
    )


@plans.post("/set-up")
@may_enter(StaffRole.OWNER, fresh=True)
def set_up() -> ResponseReturnValue:
    """Ask for what is missing at Stripe again."""
    return _asked("What is missing at Stripe is made now.")


@plans.get("/new")
@may_enter(StaffRole.OWNER, fresh=True)
def new() -> str:
    """The form for a new plan."""
    return _form(None, {"state": PlanState.HIDDEN, "currency": _currency()})


@plans.post("/new")
@may_enter(StaffRole.OWNER, fresh=True)
def create() -> ResponseReturnValue:
    """Write a new plan down."""
    try:
        text = plan_forms.text(request.form, _currency())
        if db.session.scalar(select(Plan.id).where(Plan.slug == text.slug)):
            raise Conflict("There is a plan with this short name already.")
        keeping.write(text, reasons.given())
    except PaywallError as refused:
        db.session.rollback()
        return _form(None, request.form, refused.message), refused.status
    return _asked(f"{text.name} is written down, and made at Stripe now.")


@plans.get("/<slug>")
@may_enter(StaffRole.OWNER, fresh=True)
def one(slug: str) -> str:
    """One plan: its words, its prices, and what is planned."""
    plan = _plan(slug)
    return _form(plan, plan_forms.shown(plan))


@plans.post("/<slug>")
@may_enter(StaffRole.OWNER, fresh=True)
def change(slug: str) -> ResponseReturnValue:
    """Change a plan; a new price is for newcomers."""
    plan = _plan(slug)
    try:
        keeping.write(plan_forms.text(request.form, _currency_of(plan), slug), reasons.given())
    except PaywallError as refused:
        db.session.rollback()
        return _form(_plan(slug), request.form, refused.message), refused.status
    return _asked("The plan is changed, and made so at Stripe now.")


@plans.post("/<slug>/price")
@may_enter(StaffRole.OWNER, fresh=True)
def price(slug: str) -> ResponseReturnValue:
    """A new price for everyone: first how many it concerns, then, once that was seen, for good."""
    plan = _plan(slug)
    try:
        wanted = plan_forms.wanted(request.form, plan, _currency_of(plan), zone())
        begun = planning.begun(wanted)
        reasons.check("price changed", reasons.given())
        if "do" in request.form:
            begun or planning.begin(wanted, reasons.given())
            jobs.later(moving.carry_out)
            db.session.commit()
            flash("Newcomers pay the new price now. Present patrons are written to by the worker.", "success")
            return redirect(url_for("plans.one", slug=slug), 303)
        number = len(announcing.concerned(plan.id, wanted.interval, wanted.money))
    except PaywallError as refused:
        db.session.rollback()
        plan = _plan(slug)
        return _form(plan, plan_forms.shown(plan), refused.message), refused.status
    return render_template(
        "office/house/price.html", plan=plan, wanted=wanted, number=number, given=request.form
    )


def _asked(said: str) -> ResponseReturnValue:
    setting_up.ask()
    db.session.commit()
    flash(said, "success")
    return redirect(url_for("plans.show"), 303)


def _form(plan: Plan | None, given: object, message: str = "") -> str:
    return render_template(
        "office/house/plan.html",
        plan=plan,
        given=given,
        message=message,
        states=STATES,
        intervals=list(Interval),
        changes=_changes(plan) if plan else [],
        at_stripe=_at_stripe(),
        local=lambda instant: words.local(instant, zone()),
    )


def _changes(plan: Plan) -> list[PriceChange]:
    query = select(PriceChange).where(PriceChange.plan_id == plan.id, PriceChange.closed_at.is_(None))
    return list(db.session.scalars(query.order_by(PriceChange.id)))


def _plan(slug: str) -> Plan:
    found = db.session.scalar(select(Plan).where(Plan.slug == slug))
    if found is None:
        raise NotFound(f"There is no plan {slug}.")
    return found


def _currency() -> str:
    settings: Settings = current_app.extensions["settings"]
    return settings.currency.lower()


def _currency_of(plan: Plan) -> str:
    return next((one.currency for one in plan.prices if one.active), _currency())


def _at_stripe() -> set[int]:
    """The prices (their row ids) that Stripe knows."""
    twins = select(StripeTwin.own_id).where(
        StripeTwin.kind == TwinKind.PRICE, StripeTwin.mode == gateway().mode
    )
    return set(db.session.scalars(twins))
