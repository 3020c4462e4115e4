"""What the desk does for a reader's money: a membership cancelled or kept, a payment given back."""

from flask.typing import ResponseReturnValue

from paywall.accounts.routes import may_enter
from paywall.billing.cashbook.models import Payment
from paywall.membership import applied
from paywall.membership.models import Subscription
from paywall.membership.rules import Source
from paywall.money import Money
from paywall.office.desk import leaving, person, refunding, sheets
from paywall.office.desk.forms import ActForm, CancelForm, RefundForm
from paywall.office.desk.leaving import When
from paywall.office.desk.refunding import Refundable
from paywall.office.desk.sheets import Sheet, at
from paywall.office.desk.views import ACTS, desk

READER = "/<int(max=2147483647):reader_id>"
HELD = f"{READER}/membership/<int(max=2147483647):held_id>"
BOTH = ["GET", "POST"]


@desk.route(f"{HELD}/cancel", methods=BOTH)
@may_enter(*ACTS, fresh=True)
def cancel(reader_id: int, held_id: int) -> ResponseReturnValue:
    """End a membership that Stripe bills, and give the last payment back if that is wished."""
    held, form = person.held(reader_id, held_id, Source.STRIPE), CancelForm()
    possible = leaving.choices(held)
    form.offer(possible)
    payment = _payment(held, form)

    def will() -> list[str]:
        return _leaving(held, form, payment)

    def do() -> bool:
        is_ended = leaving.cancel(reader_id, held_id, When(form.when.data), form.why)
        return _refunded_too(reader_id, form) or is_ended

    sheet = Sheet("Cancel a membership", "Cancel it", "It is cancelled.", will=will, is_grave=True)
    return sheets.run(held.reader, sheet, form, do)


@desk.route(f"{HELD}/keep", methods=BOTH)
@may_enter(*ACTS)
def keep(reader_id: int, held_id: int) -> ResponseReturnValue:
    """Take a planned end back."""
    held, form = person.held(reader_id, held_id, Source.STRIPE), ActForm()

    def will() -> list[str]:
        bill = f"the next time {held.next_payment.text()}, on {at(held.period_end)}"
        return [f"{held.plan.name} of {held.reader.email} goes on, and is charged again: {bill}."]

    sheet = Sheet("Take a cancellation back", "Let it go on", "It goes on as before.", will=will)
    return sheets.run(held.reader, sheet, form, lambda: leaving.keep(reader_id, held_id, form.why))


@desk.route(f"{READER}/refund/<int(max=2147483647):payment_id>", methods=BOTH)
@may_enter(*ACTS, fresh=True)
def refund(reader_id: int, payment_id: int) -> ResponseReturnValue:
    """Give a payment back, in full or part of it."""
    found = refunding.look(reader_id, payment_id)
    currency = found.paid.currency
    form = RefundForm(amount=str(found.left.major()), given=found.given.amount)

    def will() -> list[str]:
        return _giving_back(reader_id, found, form)

    def do() -> bool:
        amount = form.money(currency) or Money(0, currency)
        given = int(form.given.data or 0)
        refunding.give_back(reader_id, payment_id, amount, given=given, key=form.once, reason=form.why)
        return True

    hints = [
        f"Paid: {found.paid.text()} ({currency.upper()}). Given back so far: {found.given.text()}.",
        f"At most {found.left.text()} can be given back now, as Stripe says.",
    ]
    sheet = Sheet(
        "Give money back", "Give it back", "The money is on its way back.", hints, will, is_grave=True
    )
    return sheets.run(person.reader(reader_id), sheet, form, do)


def _payment(held: Subscription, form: CancelForm) -> Payment | None:
    """The payment that can be given back with it: the one that the form was made for, or else the last."""
    if form.payment.data and form.payment.validate(form):
        return refunding.for_membership(held, int(form.payment.data))
    payment = refunding.last_of(held)
    if payment is not None:
        form.payment.data, form.given.data = str(payment.id), str(payment.refunded)
    form.offer_refund(_left(payment) if payment else None)
    return payment


def _left(payment: Payment) -> Money:
    return Money(payment.amount - payment.refunded, payment.currency)


def _leaving(held: Subscription, form: CancelForm, payment: Payment | None) -> list[str]:
    who, is_now = f"{held.plan.name} of {held.reader.email}", When(form.when.data) is When.NOW
    if is_now:
        said = [f"{who} ends now. They read no more by it, and nothing is charged any more."]
    else:
        said = [f"{who} ends on {at(held.period_end)}. Nothing is charged any more."]
        until = leaving.later(held)
        said += [f"They read until {at(until)}."] if until else []
    if form.refunds.data and payment:
        left = _left(payment)
        said.append(f"{left.text()} ({left.currency.upper()}) goes back to the card that paid it.")
        if not is_now and refunding.ends_access(payment, left):
            said.append(f"That gives back the present period whole: it is read {_after_refund()}.")
    return said


def _refunded_too(reader_id: int, form: CancelForm) -> bool:
    if not (form.refunds.data and form.payment.data and form.given.data):
        return False
    payment_id, given = int(form.payment.data), int(form.given.data)
    payment = refunding.mine(reader_id, payment_id)
    if payment.refunded != given:
        return False
    refunding.give_back(reader_id, payment_id, _left(payment), given=given, key=form.once, reason=form.why)
    return True


def _giving_back(reader_id: int, found: Refundable, form: RefundForm) -> list[str]:
    amount = form.money(found.paid.currency)
    if amount is None:
        return []
    if not 0 < amount.amount <= found.left.amount:
        form.amount.errors = [f"Between nothing and {found.left.text()} can be given back."]
        return []
    what = f"{amount.text()} ({amount.currency.upper()}) of {found.paid.text()}"
    said = [f"{what} goes back to the card that paid it. Stripe keeps its fee."]
    payment = refunding.mine(reader_id, found.payment_id)
    if held := refunding.ends_access(payment, amount):
        said.append(
            f"The present period of {held.plan.name} is then given back whole: it is read {_after_refund()}."
            " The membership itself goes on and is charged again, unless you cancel it as well."
        )
    return said


def _after_refund() -> str:
    days = applied.in_force().refund.days
    return f"for {days} more days" if days else "no longer, from the refund on"
