"""The inbox's page: what Stripe told us, what became of it, the last error, and handling it again."""

import json
from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Select, func, select

from paywall.accounts import reasons
from paywall.accounts.models import StaffRole
from paywall.accounts.routes import may_enter
from paywall.billing import claims, replaying
from paywall.billing.models import EventState, StripeEvent
from paywall.db import db
from paywall.errors import NotFound
from paywall.office import words
from paywall.reports.rollup import zone

ON_A_PAGE = 50
ROLES = (StaffRole.OWNER, StaffRole.MEMBERSHIP)
STATES = {
    EventState.RECEIVED: "waits for the worker",
    EventState.HANDLED: "done",
    EventState.IGNORED: "of no concern to us",
    EventState.FAILED: "failed; tried again, or given up",
}

inboxes = Blueprint("inboxes", __name__, url_prefix="/staff/inbox")


@dataclass(frozen=True, slots=True)
class Asked:
    """Which events: of a state, of a customer (cus_...), below a number."""

    state: EventState | None
    customer: str
    below: int | None

    def query(self) -> Select[StripeEvent]:
        """Those, the newest first."""
        found = select(StripeEvent).order_by(StripeEvent.id.desc())
        if self.state:
            found = found.where(StripeEvent.state == self.state)
        if self.customer:
            found = found.where(StripeEvent.customer == self.customer)
        return found.where(StripeEvent.id < self.below) if self.below else found


@inboxes.get("")
@may_enter(*ROLES)
def show() -> str:
    """The newest events."""
    asked = _asked()
    events = list(db.session.scalars(asked.query().limit(ON_A_PAGE + 1)))
    counted = db.session.execute(select(StripeEvent.state, func.count()).group_by(StripeEvent.state))
    return render_template(
        "office/house/inbox.html",
        events=events[:ON_A_PAGE],
        older=events[ON_A_PAGE - 1].id if len(events) > ON_A_PAGE else None,
        asked=asked,
        counts={row[0]: row[1] for row in counted},
        states=STATES,
        most=claims.ATTEMPTS,
        local=lambda instant: words.local(instant, zone()),
    )


@inboxes.get("/<int:number>")
@may_enter(*ROLES)
def one(number: int) -> str:
    """One event with all that Stripe sent."""
    event = _event(number)
    return render_template(
        "office/house/event.html",
        event=event,
        payload=json.dumps(json.loads(event.payload), indent=2, ensure_ascii=False),
        states=STATES,
        most=claims.ATTEMPTS,
        local=lambda instant: words.local(instant, zone()),
    )


@inboxes.post("/<int:number>/replay")
@may_enter(*ROLES)
def replay(number: int) -> ResponseReturnValue:
    """Let it be handled again."""
    event = _event(number)
    replaying.again(StripeEvent.id == event.id, f"event {event.event_id}", reasons.given())
    db.session.commit()
    flash("The worker handles it again now. Load this page again to see how it ended.", "success")
    return redirect(url_for("inboxes.one", number=number), 303)


@inboxes.post("/replay")
@may_enter(*ROLES)
def replay_failed() -> ResponseReturnValue:
    """Let all that failed be handled again."""
    found = replaying.again(StripeEvent.state == EventState.FAILED, "all that failed", reasons.given())
    db.session.commit()
    flash(f"To be handled again by the worker: {len(found)}.", "success")
    return redirect(url_for("inboxes.show"), 303)


def _asked() -> Asked:
    given = request.args.get("state", "")
    state = EventState(given) if given in set(EventState) else None
    return Asked(state, request.args.get("customer", "").strip(), request.args.get("below", type=int))


def _event(number: int) -> StripeEvent:
    found = db.session.get(StripeEvent, number)
    if found is None:
        raise NotFound("There is no such event in the inbox.")
    return found
