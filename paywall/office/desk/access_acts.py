"""What the desk does for a reader who is to read without paying: given access, and time to pay."""

from datetime import datetime

from flask.typing import ResponseReturnValue
from sqlalchemy import select

from paywall import clock
from paywall.accounts import readers
from paywall.accounts.routes import may_enter
from paywall.db import db
from paywall.membership import comps, record
from paywall.membership.comps import Kind
from paywall.membership.models import Plan
from paywall.membership.rules import Source
from paywall.office.desk import forms, grace, person, sheets
from paywall.office.desk.forms import AccessForm, EndForm, GraceForm
from paywall.office.desk.sheets import Sheet, at
from paywall.office.desk.views import ACTS, desk

READER = "/<int(max=2147483647):reader_id>"
HELD = f"{READER}/membership/<int(max=2147483647):held_id>"
BOTH = ["GET", "POST"]
RULE = (
    "It holds for the bill that is unpaid now: once that is paid, the policy says all again. A date on which"
    " they cancelled, or a dispute, still ends it sooner."
)


@desk.route(f"{READER}/access", methods=BOTH)
@may_enter(*ACTS)
def access(reader_id: int) -> ResponseReturnValue:
    """Let the reader read for nothing until a day."""
    reader, form = person.reader(reader_id), AccessForm()
    form.offer({plan.id: plan.name for plan in _plans()})

    def will() -> list[str]:
        plan = db.session.get_one(Plan, form.plan.data)
        said = [
            f"{reader.email} reads what {plan.name} opens, from now up to and including {form.until.data}."
        ]
        said.append("Nothing is charged, and it ends by itself.")
        if paying := record.billed(reader.id):
            said.append(f"They go on paying for {paying[0].plan.name}: this does not stop it.")
        return said

    def do() -> bool:
        plan = db.session.get_one(Plan, form.plan.data)
        until = forms.end_of(form.until.data)
        kind = Kind(form.kind.data)
        given = comps.give(reader, plan, until, kind=kind, reason=form.why, key=form.once)
        db.session.commit()
        return given is not None

    return sheets.run(
        reader, Sheet("Give access", "Give access", "They can read from now on.", will=will), form, do
    )


@desk.route(f"{HELD}/end", methods=BOTH)
@may_enter(*ACTS)
def end(reader_id: int, held_id: int) -> ResponseReturnValue:
    """Move the end of access that was given, or end it now."""
    held, form = person.held(reader_id, held_id, Source.COMP), EndForm()

    def will() -> list[str]:
        when = "now" if form.now.data else f"at the end of {form.until.data}"
        return [f"{held.plan.name} for {held.reader.email} ends {when}, and not on {at(held.cancel_at)}."]

    def do() -> bool:
        readers.hold(reader_id)
        db.session.refresh(held)
        if form.now.data:
            is_done = comps.end(held, reason=form.why)
        else:
            is_done = comps.change_end(held, forms.end_of(form.until.data), reason=form.why)
        db.session.commit()
        return is_done

    sheet = Sheet("End given access, or move its end", "Change it", "The end is changed.", will=will)
    return sheets.run(held.reader, sheet, form, do)


@desk.route(f"{HELD}/grace", methods=BOTH)
@may_enter(*ACTS)
def put_off(reader_id: int, held_id: int) -> ResponseReturnValue:
    """Give more time to pay, or less."""
    held, form = person.held(reader_id, held_id, Source.STRIPE), GraceForm()
    policy = grace.by_policy(held)

    def until() -> datetime | None:
        if form.policy.data:
            return None
        return clock.now() if form.now.data else forms.end_of(form.until.data)

    def will() -> list[str]:
        when = f"until {at(until() or policy)}" if not form.now.data else "no longer"
        return [
            f"{held.reader.email} reads {when}, though a bill is unpaid. By the policy: until {at(policy)}.",
            RULE,
        ]

    def do() -> bool:
        is_done = grace.put(reader_id, held_id, until(), form.why)
        db.session.commit()
        return is_done

    hints = [f"Reads until {at(held.access_until)}; by the policy until {at(policy)}."]
    sheet = Sheet("Time to pay", "Change it", "The time to pay is changed.", hints, will)
    return sheets.run(held.reader, sheet, form, do)


def _plans() -> list[Plan]:
    query = select(Plan).where(Plan.seats_min.is_(None)).order_by(Plan.position, Plan.id)
    return list(db.session.scalars(query))
