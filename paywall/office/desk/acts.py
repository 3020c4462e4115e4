"""What the desk does for a reader's account: names, addresses, letters, sessions, and joining two."""

from flask import abort, flash
from flask.typing import ResponseReturnValue
from flask_login import current_user

from paywall.accounts import trail
from paywall.accounts.models import Reader, StaffRole
from paywall.accounts.routes import may_enter
from paywall.billing import customers
from paywall.db import db
from paywall.errors import Conflict, Unavailable
from paywall.office.desk import addressing, finding, merging, person, resending, sheets
from paywall.office.desk.forms import ActForm, AddressForm, JoinForm, NameForm, SignOutForm
from paywall.office.desk.merging import Join
from paywall.office.desk.resending import How
from paywall.office.desk.sheets import Sheet
from paywall.office.desk.views import ACTS, desk

READER = "/<int(max=2147483647):reader_id>"
BOTH = ["GET", "POST"]
HOW = {
    How.NOW: "It still waits to be sent, after a try that failed: the next try is now.",
    How.COPY: "We have its words still: they go out once more as they were.",
    How.ANEW: "It is written anew, with a new link or code where it has one.",
    How.NOT: "Its words are wiped, because links in letters are keys, and it cannot be written anew.",
}
LATER = "Done. Stripe did not answer: it is told with the next look at this reader's books."


@desk.post(f"{READER}/sync")
@may_enter(*ACTS)
def sync(reader_id: int) -> ResponseReturnValue:
    """Read the reader's books at Stripe again, now."""
    reader = person.reader(reader_id)
    trail.note("synced", reader.email, reader_id=reader_id)
    db.session.commit()
    customers.sync_reader(reader_id)
    flash("Stripe's books were read again: this page shows what they say.", "success")
    return sheets.back(reader_id)


@desk.route(f"{READER}/name", methods=BOTH)
@may_enter(*ACTS)
def name(reader_id: int) -> ResponseReturnValue:
    """Call the reader something else."""
    reader = person.reader(reader_id)
    form = NameForm(name=reader.name)
    sheet = Sheet("What are they called?", "Save the name", "The name is changed.")
    return sheets.run(reader, sheet, form, lambda: _kept(addressing.rename(reader, form.name.data, form.why)))


@desk.route(f"{READER}/address", methods=BOTH)
@may_enter(*ACTS, fresh=True)
def address(reader_id: int) -> ResponseReturnValue:
    """Give the reader another e-mail address."""
    reader, form = _not_above(reader_id), AddressForm()
    before = reader.email

    def will() -> list[str]:
        return [
            f"{before} becomes {form.address}, and {before} can no longer sign in.",
            f"{before} is told of it, and every browser is signed out.",
            f"{form.address} gets a letter with a link. Until it is opened the address counts as not proven.",
            "The customer at Stripe gets the new address, so receipts go there.",
        ]

    def do() -> bool:
        is_moved = _kept(addressing.move(reader, form.address, form.why))
        if is_moved:
            _tell_stripe(reader_id)
        return is_moved

    sheet = Sheet("Change the e-mail address", "Change it", "The address is changed.", will=will)
    return sheets.run(reader, sheet, form, do)


@desk.route(f"{READER}/letter/<int(max=2147483647):letter_id>", methods=BOTH)
@may_enter(*ACTS)
def letter(reader_id: int, letter_id: int) -> ResponseReturnValue:
    """Send a letter once more."""
    reader, again = person.reader(reader_id), resending.mine(reader_id, letter_id)
    form, way = ActForm(), resending.how(again)
    hints = [f"“{again.subject}”, written on {again.created_at:%Y-%m-%d}. {HOW[way]}"]
    hints += [] if way is How.NOT else [f"It goes to {reader.email}."]
    sheet = Sheet("Send a letter again", "Send it", "The letter is on its way.", hints)
    return sheets.run(
        reader,
        sheet,
        form,
        lambda: _kept(resending.again(reader, again, key=form.once, reason=form.why)),
    )


@desk.route(f"{READER}/invoice/<int(max=2147483647):invoice_id>", methods=BOTH)
@may_enter(*ACTS)
def invoice(reader_id: int, invoice_id: int) -> ResponseReturnValue:
    """Send the reader a letter with their invoice."""
    reader, bill, form = person.reader(reader_id), resending.bill(reader_id, invoice_id), ActForm()
    hints = [f"A letter to {reader.email} with a link to invoice {bill.number} and its receipt, at Stripe."]
    sheet = Sheet("Send an invoice", "Send it", "The letter is on its way.", hints)
    return sheets.run(
        reader,
        sheet,
        form,
        lambda: _kept(resending.send_bill(reader, bill, key=form.once, reason=form.why)),
    )


@desk.route(f"{READER}/sign-out", methods=BOTH)
@may_enter(*ACTS)
def sign_out(reader_id: int) -> ResponseReturnValue:
    """Sign the reader out everywhere."""
    reader = _not_above(reader_id)
    form = SignOutForm(seen=addressing.session_mark(reader))
    hints = ["Every browser of this reader is signed out at once. Password and membership stay as they are."]
    sheet = Sheet("Sign out everywhere", "Sign them out", "They are signed out everywhere.", hints)
    return sheets.run(
        reader, sheet, form, lambda: _kept(addressing.sign_out(reader, str(form.seen.data), form.why))
    )


@desk.route(f"{READER}/join", methods=BOTH)
@may_enter(*ACTS, fresh=True)
def join(reader_id: int) -> ResponseReturnValue:
    """Join another account to this one."""
    reader, form = person.reader(reader_id), JoinForm()

    def will() -> list[str]:
        return _joining(reader_id, form)

    def do() -> bool:
        gone = _other(form)
        is_joined = merging.join(reader_id, gone.id, form.why) if gone else False
        if is_joined:
            _tell_stripe(reader_id)
        return is_joined

    hints = [f"{reader.email} stays, and the other account becomes part of it. This cannot be undone here."]
    sheet = Sheet("Join another account", "Join them", "The accounts are joined.", hints, will, is_grave=True)
    return sheets.run(reader, sheet, form, do)


def _joining(reader_id: int, form: JoinForm) -> list[str]:
    gone = _other(form)
    if gone is None:
        return []
    try:
        found = merging.look(reader_id, gone.id)
    except Conflict as refused:
        form.other.errors = [refused.message]
        return []
    what = "memberships, gifts, seats, gift links and free reads move there"
    return [
        f"{found.gone.email} becomes part of {found.kept.email}: {what}.",
        _at_stripe(found),
        f"{found.gone.email} can no longer sign in. Its feed and its tokens for programs end.",
        "What the ledger says of the past stays as it was written, and so do the reports.",
    ]


def _at_stripe(found: Join) -> str:
    if found.takes_customer:
        return "Its customer at Stripe, with memberships, invoices and payments, becomes this account's."
    if found.leaves_customer:
        return (
            "Both were customers at Stripe, and customers cannot be joined: what the other one paid stays"
            " with it, and is shown on this page too."
        )
    return "Nothing of it is known at Stripe."


def _other(form: JoinForm) -> Reader | None:
    found = finding.find(str(form.other.data))
    if not found.is_exact:
        form.other.errors = ["This does not name one account: give its whole e-mail address."]
        return None
    return found.readers[0]


def _not_above(reader_id: int) -> Reader:
    """The reader; an account of staff is for owners alone, or whoever has its letters has its role."""
    reader = person.reader(reader_id)
    if reader.staff_roles and StaffRole.OWNER not in current_user.staff_roles:
        abort(403)
    return reader


def _kept(done: bool) -> bool:  # noqa: FBT001  # it is what was done
    db.session.commit()
    return done


def _tell_stripe(reader_id: int) -> None:
    try:
        customers.sync_reader(reader_id)
    except Unavailable:
        db.session.rollback()
        flash(LATER, "warning")
