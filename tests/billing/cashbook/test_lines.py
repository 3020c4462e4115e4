"""The lines behind the sums of a month: together they are the sum, whatever is wrong in the books."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from paywall.billing.cashbook import lines, months
from paywall.billing.cashbook.facts import DisputeFacts, Entries, TransactionFacts
from paywall.billing.cashbook.models import Dispute
from paywall.billing.cashbook.sums import add_up
from paywall.db import db
from tests.billing.cashbook.test_months import APRIL, MAY, PAID, drawn, line, right, write

SUMS = (*lines.LINES, "difference")
DISPUTE = DisputeFacts("du_0", "ch_1", PAID, -PAID, "eur", "lost", "fraudulent", MAY, None, None)
TAKEN = replace(line("du_0", -PAID, 1500, None), category="dispute", made_at=MAY)
FEE = replace(line("fee_0", -120, 7, None), category="fee", source=None)
STRANGE = line("ch_none", PAID, 15, None)
TOP_UP = replace(line("tu_0", PAID, 3, None), category="topup")
SECOND = replace(line("ch_0", 1, 0, None), stripe_id="txn_2")
SENT = replace(line("po_none", -PAID, 9, None), category="payout")


def in_dollars(source: str) -> Callable[[TransactionFacts], TransactionFacts]:
    """The lines of a thing in another currency than its own; all others as they are."""
    return lambda one: replace(one, currency="usd", amount=540, net=525) if one.source == source else one


def with_lines(*more: TransactionFacts, source: str = "") -> Entries:
    """Books that are right but for some lines more, and those of a thing that was turned into dollars."""
    books = replace(right(), disputes=(DISPUTE,))
    moved = (*books.transactions, *more)
    return replace(books, transactions=tuple(map(in_dollars(source), moved)))


def with_own_line_late() -> Entries:
    """A payment in dollars whose own line came a month after another: it counts in the month of the other."""
    books = with_lines(TAKEN, SECOND, source="ch_0")
    moved = (replace(one, made_at=MAY) if one.stripe_id == "txn_ch_0" else one for one in books.transactions)
    return replace(books, transactions=tuple(moved))


def check(books: Entries) -> None:
    """Each sum, of each month and currency, is what stands behind it."""
    db.session.execute(delete(Dispute))
    write(books)
    for one in add_up(books):
        start = months.month(one.month)
        behind = {
            which: sum(each.counted for each in lines.behind(start, one.currency, which)) for which in SUMS
        }
        assert behind == {which: getattr(one, which) for which in SUMS}
    db.session.rollback()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_each_sum_is_what_stands_behind_it_whatever_is_wrong_in_the_books(
    context: None, data: st.DataObject
) -> None:
    check(drawn(data))


@pytest.mark.parametrize(
    "books",
    [
        with_lines(TAKEN),
        with_lines(TAKEN, source="du_0"),
        with_lines(TAKEN, source="ch_0"),
        with_lines(TAKEN, source="ch_gift"),
        with_lines(TAKEN, source="re_0"),
        with_lines(TAKEN, replace(SECOND, made_at=MAY), source="ch_0"),
        with_own_line_late(),
        with_lines(FEE, STRANGE, TOP_UP, SENT),
        with_lines(STRANGE, SENT, source="ch_none"),
    ],
    ids=[
        "dispute",
        "dollars of a dispute",
        "of a bill",
        "of a gift",
        "of a refund",
        "later",
        "own line late",
        "rest",
        "strange",
    ],
)
def test_each_kind_of_line_stands_behind_its_sum(context: None, books: Entries) -> None:
    check(books)


def test_a_line_says_what_it_is_of(context: None) -> None:
    db.session.execute(delete(Dispute))
    write(with_lines(TAKEN))
    (back,) = lines.behind(months.month(f"{MAY:%Y-%m}"), "eur", "refunds")
    assert (back.at, back.line, back.why, back.source) == (MAY, "txn_re_0", "refund", "re_0")
    assert (back.invoice, back.counted, back.amount, back.net) == ("in_0", -PAID, -PAID, -PAID)
    of_april = lines.behind(months.month(f"{APRIL:%Y-%m}"), "eur", "fees")
    assert [(one.source, one.counted, one.payout) for one in of_april] == [
        ("ch_0", -15, "po_0"),
        ("ch_1", -15, "po_0"),
        ("ch_gift", -15, "po_0"),
    ]
    db.session.rollback()
