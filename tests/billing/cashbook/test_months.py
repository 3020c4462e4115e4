"""A month out of our tables: what the database adds up, and the rest, is what the whole books say."""

from dataclasses import astuple, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from paywall.billing.cashbook import months
from paywall.billing.cashbook.facts import (
    Entries,
    InvoiceFacts,
    PaymentFacts,
    PayoutFacts,
    RefundFacts,
    TransactionFacts,
)
from paywall.billing.cashbook.keeping import keep
from paywall.billing.cashbook.models import BalanceTransaction, Invoice, Payment, Payout, Refund
from paywall.billing.cashbook.sums import Sums, add_up
from paywall.db import db

APRIL, MAY = datetime(2026, 4, 3, tzinfo=UTC), datetime(2026, 5, 4, tzinfo=UTC)
PAID = 500
# What may be said instead, of one thing at a time.
AMOUNTS, CURRENCIES, TIMES = (PAID, 300), ("eur", "usd"), (APRIL, MAY)
SOURCES = ("ch_0", "ch_1", "re_0", "po_0", "ch_none", None)
FAULTS: dict[str, dict[str, tuple[Any, ...]]] = {
    "invoices": {
        "amount_paid": AMOUNTS,
        "amount_off_stripe": (0, 200),
        "paid_at": TIMES,
        "currency": CURRENCIES,
    },
    "payments": {
        "amount": AMOUNTS,
        "currency": CURRENCIES,
        "status": ("succeeded", "failed", "pending"),
        "transaction": ("txn_0", None),
        "invoice": ("in_0", "in_1", "in_none", None),
        "made_at": TIMES,
    },
    "refunds": {"amount": AMOUNTS, "status": ("succeeded", "failed"), "transaction": ("txn_r", None)},
    "transactions": {
        "amount": AMOUNTS,
        "net": AMOUNTS,
        "currency": CURRENCIES,
        "source": SOURCES,
        "payout": ("po_0", "po_1", None),
        "category": ("charge", "refund", "fee", "payout"),
        "made_at": TIMES,
    },
    "payouts": {
        "amount": (970, 300),
        "status": ("paid", "failed"),
        "is_automatic": (True, False),
        "reconciliation": ("completed", "in_progress"),
        "made_at": TIMES,
    },
}
ANY_FAULT = st.sampled_from([(part, name) for part, names in FAULTS.items() for name in names])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_month_says_what_the_whole_books_say_of_it_whatever_is_wrong_in_them(
    context: None, data: st.DataObject
) -> None:
    books = drawn(data)
    write(books)
    whole = add_up(books)
    for start in (months.month("2026-04"), months.month("2026-05")):
        name = f"{start:%Y-%m}"
        assert [sorted_out(one) for one in months.sums(start) if one != Sums(name, one.currency)] == [
            sorted_out(one) for one in whole if one.month == name and one != Sums(name, one.currency)
        ]
    db.session.rollback()


def test_of_what_plainly_ties_out_nothing_is_looked_at_one_by_one(context: None) -> None:
    write(right())
    looked_at = months.entries(months.month("2026-04"))
    assert {one.stripe_id for one in looked_at.payments} == {"ch_gift"}
    assert (looked_at.invoices, looked_at.payouts) == ((), ())
    (april,) = months.sums(months.month("2026-04"))
    assert (april.invoices, april.payments, april.fees) == (2 * PAID, PAID, -45)
    assert april.ties_out


def right() -> Entries:
    """Two bills in April, one of them given back in May, a gift, a try that failed, and a payout."""
    paid = [payment(f"ch_{number}", f"in_{number}") for number in range(2)]
    gift = payment("ch_gift", None)
    failed = replace(payment("ch_bad", "in_1"), status="failed", transaction=None)
    back = RefundFacts("re_0", "ch_0", PAID, "eur", "succeeded", None, None, "txn_re_0", MAY)
    lines = [line(one.stripe_id, PAID, 15, "po_0") for one in (*paid, gift)]
    given_back = replace(line("re_0", -PAID, 0, None), category="refund", made_at=MAY)
    sent = PayoutFacts("po_0", 3 * (PAID - 15), "eur", "paid", True, "completed", None, APRIL, APRIL)
    gone = replace(line("po_0", -sent.amount, 0, "po_0"), category="payout")
    return Entries(
        invoices=tuple(invoice(f"in_{number}") for number in range(2)),
        payments=(*paid, gift, failed),
        refunds=(back,),
        transactions=(*lines, given_back, gone),
        payouts=(sent,),
    )


def invoice(stripe_id: str) -> InvoiceFacts:
    """One that is paid in April."""
    amounts = {"amount": PAID, "discount": 0, "tax": 0, "amount_due": PAID, "amount_paid": PAID}
    more = {"amount_remaining": 0, "amount_off_stripe": 0, "currency": "eur"}
    named: dict[str, Any] = {"customer": None, "subscription": None, "number": None, "reason": None}
    days = {"made_at": APRIL, "paid_at": APRIL, "period_start": APRIL, "period_end": MAY}
    urls = {"page_url": None, "pdf_url": None}
    return InvoiceFacts(stripe_id=stripe_id, status="paid", **named, **amounts, **more, **days, **urls)  # type: ignore[arg-type]


def payment(stripe_id: str, bill: str | None) -> PaymentFacts:
    """One of April that has a line."""
    line_of = f"txn_{stripe_id}"
    return PaymentFacts(
        stripe_id,
        None,
        None,
        bill,
        PAID,
        0,
        "eur",
        "succeeded",
        None,
        False,
        line_of,
        APRIL,
    )


def line(source: str, amount: int, fee: int, payout: str | None) -> TransactionFacts:
    """The line of a thing, in April."""
    said = ("charge", "charge", amount, fee, amount - fee, "eur", "available")
    return TransactionFacts(f"txn_{source}", *said, source, payout, APRIL, APRIL + timedelta(days=2))


def drawn(data: st.DataObject) -> Entries:
    """Books with some faults in them, or none."""
    books = right()
    for part, name in data.draw(st.lists(ANY_FAULT, max_size=4)):
        books = spoiled(books, part, name, data.draw(st.integers(0, 5)), data.draw(st.integers(0, 5)))
    return books


def spoiled(books: Entries, part: str, name: str, which: int, what: int) -> Entries:
    """Let one thing say something else; or let it be gone."""
    things = list(getattr(books, part))
    if not things:
        return books
    values = FAULTS[part][name]
    one = things.pop(which % len(things))
    if what < len(values):
        things.append(replace(one, **{name: values[what]}))
    return replace(books, **{part: tuple(things)})


def write(books: Entries) -> None:
    """Let our tables have these books and no others."""
    for table in (Invoice, Payment, Refund, BalanceTransaction, Payout):
        db.session.execute(delete(table))
    keep(books, 1, readers={})


def sorted_out(one: Sums) -> Sums:
    """With its differences in an order."""
    for found in (one.differences, one.misfits):
        each_sorted = [replace(each, parts=tuple(sorted(each.parts))) for each in found]
        found[:] = sorted(each_sorted, key=astuple)
    return one


class TestWhereADifferenceStands:
    """In the month of what does not belong, whichever that is; the month of what does stays right."""

    @pytest.mark.parametrize(("own", "second"), [(APRIL, MAY), (MAY, APRIL)])
    def test_a_second_line(self, own: datetime, second: datetime) -> None:
        paid = replace(payment("ch_1", None), made_at=own)
        first = replace(line("ch_1", PAID, 0, None), made_at=own)
        other = replace(first, stripe_id="txn_other", made_at=second)
        found = add_up(Entries(payments=(paid,), transactions=(first, other)))
        assert {one.month: one.difference for one in found} == {f"{own:%Y-%m}": 0, f"{second:%Y-%m}": PAID}

    def test_a_second_payment(self) -> None:
        paid = [payment(f"ch_{number}", "in_1") for number in range(2)]
        paid[1] = replace(paid[1], made_at=MAY)
        lines = [replace(line(one.stripe_id, PAID, 0, None), made_at=one.made_at) for one in paid]
        found = add_up(Entries((invoice("in_1"),), tuple(paid), transactions=tuple(lines)))
        assert {one.month: one.difference for one in found} == {"2026-04": 0, "2026-05": PAID}
        assert [each.stripe_id for one in found for each in one.differences] == ["in_1"]
