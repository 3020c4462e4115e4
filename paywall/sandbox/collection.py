"""Getting an invoice paid: the attempts, what follows from each answer, and when to try again."""

import json
from dataclasses import dataclass
from enum import StrEnum

from paywall.sandbox import invoicing, payments, standing, updates
from paywall.sandbox.books import Books
from paywall.sandbox.cards import Decline
from paywall.sandbox.errors import Doc
from paywall.sandbox.payments import Answer, Attempt, Presence

DAY = 86_400
NO_METHOD = Decline(
    "resource_missing",
    None,
    "This customer has no attached payment source or default payment method. "
    "Please consider adding a default payment method.",
)


class AfterRetries(StrEnum):
    """What becomes of a subscription when the last retry has failed (a setting of the Stripe dashboard)."""

    CANCEL = "cancel"
    UNPAID = "unpaid"
    PAST_DUE = "past_due"
    PAUSE = "pause"


@dataclass(frozen=True)
class Dunning:
    """Days from one failed attempt to the next, and what comes after the last."""

    days: tuple[int, ...] = (3, 5, 7)
    end: AfterRetries = AfterRetries.CANCEL


def dunning(books: Books) -> Dunning:
    """The account's setting."""
    row = books.db.execute("SELECT value FROM meta WHERE name = 'dunning'").fetchone()
    if row is None:
        return Dunning()
    stored = json.loads(row[0])
    return Dunning(tuple(stored["days"]), AfterRetries(stored["end"]))


def set_dunning(books: Books, wanted: Dunning) -> None:
    """Keep the setting."""
    value = json.dumps({"days": wanted.days, "end": wanted.end})
    books.db.execute("INSERT OR REPLACE INTO meta VALUES ('dunning', ?)", (value,))


def collect(
    books: Books, invoice: Doc, method: Doc | None = None, presence: Presence | None = None
) -> Attempt:
    """Try to get an open invoice paid. Without a presence the attempt is automatic, and failure is dunned."""
    if invoice["amount_due"] == 0:
        settle(books, invoice)
        return Attempt(Answer.PAID)
    payment = invoicing.payment_of(books, invoice)
    if payment is None:
        invoicing.ask_for_payment(books, invoice)
        payment = invoicing.payment_of(books, invoice) or {}
    intent = books.find("payment_intent", payment["payment"]["payment_intent"])
    method = method or _method_for(books, invoice)
    attempt = Attempt(Answer.DECLINED, NO_METHOD)
    if method is not None:
        attempt = payments.charge(books, intent, method, presence or Presence())
    return _conclude(books, invoice, attempt, automatic=presence is None)


def settle(books: Books, invoice: Doc) -> None:
    """An open invoice is paid, by its payment intent or because nothing was due."""
    before = books.render(invoice)
    books.stop(invoice["id"])
    payment = invoicing.payment_of(books, invoice)
    if payment:
        payment.update(
            status="paid", amount_paid=payment["amount_requested"], status_transitions={"paid_at": books.now}
        )
        books.save(payment)
    invoice.update(
        status="paid", amount_paid=invoice["amount_due"], amount_remaining=0, next_payment_attempt=None
    )
    invoice.update(attempted=True, auto_advance=False)
    invoice["status_transitions"] = {**invoice["status_transitions"], "paid_at": books.now}
    books.save(invoice)
    if payment:
        books.emit("invoice_payment.paid", payment)
    books.emit("invoice.paid", invoice)
    books.emit("invoice.payment_succeeded", invoice)
    books.emit("invoice.updated", invoice, before)
    _mark_delinquent(books, invoice, value=False)
    subscription = books.find("subscription", invoice["_subscription"])
    updates.apply(books, subscription, invoice)
    standing.recover(books, subscription)


def _conclude(books: Books, invoice: Doc, attempt: Attempt, *, automatic: bool) -> Attempt:
    invoice.update(attempted=True, attempt_count=invoice["attempt_count"] + 1)
    if attempt.answer is Answer.PAID:
        settle(books, invoice)
        return attempt
    before = books.render(books.get(invoice["id"]) or invoice)
    last = automatic and not _plan_retry(books, invoice)
    books.save(invoice)
    books.emit("invoice.payment_failed", invoice)
    if attempt.answer is Answer.ACTION:
        books.emit("invoice.payment_action_required", invoice)
    books.emit("invoice.updated", invoice, before)
    _mark_delinquent(books, invoice, value=True)
    if automatic:
        _tell_subscription(books, books.find("subscription", invoice["_subscription"]), last=last)
    return attempt


def _mark_delinquent(books: Books, invoice: Doc, *, value: bool) -> None:
    customer = books.find("customer", invoice["customer"])
    if customer["delinquent"] != value:
        before = books.render(customer)
        customer["delinquent"] = value
        books.save(customer)
        books.emit("customer.updated", customer, before)


def _plan_retry(books: Books, invoice: Doc) -> bool:
    days = dunning(books).days
    done = int(invoice.get("_retries", 0))
    first = bool(invoice["billing_reason"] == "subscription_create")
    if first or done >= len(days):
        invoice["next_payment_attempt"] = None
        return first
    at = books.now + days[done] * DAY
    invoice.update(next_payment_attempt=at, _retries=done + 1)
    books.timer("retry", invoice["id"], at)
    return True


def _tell_subscription(books: Books, subscription: Doc, *, last: bool) -> None:
    standing.fall_behind(books, subscription)
    if last and subscription["status"] == "past_due":
        match dunning(books).end:
            case AfterRetries.CANCEL:
                standing.end(books, subscription, "payment_failed")
            case AfterRetries.UNPAID:
                standing.change(books, subscription, status="unpaid")
            case AfterRetries.PAUSE:
                standing.pause(books, subscription, "final_payment_failure")
            case AfterRetries.PAST_DUE:
                pass


def _method_for(books: Books, invoice: Doc) -> Doc | None:
    subscription = books.find("subscription", invoice["_subscription"])
    customer = books.find("customer", invoice["customer"])
    wanted = (
        invoice["default_payment_method"]
        or subscription["default_payment_method"]
        or (customer["invoice_settings"] or {}).get("default_payment_method")
    )
    return books.get(wanted) if wanted else None
