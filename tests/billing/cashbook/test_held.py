"""What Stripe held: sums kept by month and the lines since say what all lines add up to, whatever happens."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event, select, update

from paywall.billing.cashbook import held, months
from paywall.billing.cashbook.facts import Entries, TransactionFacts
from paywall.billing.cashbook.keeping import keep
from paywall.billing.cashbook.models import BalanceTransaction, CashMonth
from paywall.db import db

FIRST = datetime(2026, 1, 31, 23, 59, tzinfo=UTC)
STARTS = [months.month(name) for name in ("2026-01", "2026-02", "2026-03", "2026-12")]
# A line that comes (again, and says something else), turns or goes; and what is added up, now and then.
COME = st.tuples(
    st.just("come"),
    st.tuples(st.integers(0, 5), st.integers(-3, 3), st.sampled_from(("eur", "usd")), st.integers(0, 40)),
)
ACT = st.one_of(COME, COME, st.tuples(st.sampled_from(("add up", "turn", "go")), st.integers(0, 5)))


def line(number: int, net: int, currency: str = "eur", days: int = 0) -> Entries:
    """One line of the balance."""
    at = FIRST + timedelta(days=days)
    said = ("charge", "charge", net, 0, net, currency, "available")
    return Entries(transactions=(TransactionFacts(f"txn_{number}", *said, f"ch_{number}", None, at, at),))


def added(start: datetime) -> dict[str, int]:
    """What all lines before an instant come to."""
    found: dict[str, int] = {}
    for one in db.session.scalars(select(BalanceTransaction)):
        if one.made_at < start:
            found[one.currency] = found.get(one.currency, 0) + one.net
    return {currency: amount for currency, amount in found.items() if amount}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(ACT, max_size=12))
def test_it_is_what_all_lines_add_up_to(context: None, acts: list[tuple[str, object]]) -> None:
    db.session.execute(delete(BalanceTransaction))
    db.session.commit()
    for ticket, (act, what) in enumerate(acts):
        if act == "come":
            keep(line(*what), ticket, readers={})  # type: ignore[misc]  # drawn in its order
        elif act == "add up":
            held.add_up()
        elif act == "turn":
            turned = update(BalanceTransaction).values(net=-BalanceTransaction.net)
            db.session.execute(turned.where(BalanceTransaction.stripe_id == f"txn_{what}"))
        else:
            gone = delete(BalanceTransaction).where(BalanceTransaction.stripe_id == f"txn_{what}")
            db.session.execute(gone)
        db.session.commit()
        assert [held.at(start) for start in STARTS] == [added(start) for start in STARTS]
    db.session.rollback()


def test_each_line_is_added_once_and_then_not_read_again(context: None) -> None:
    for number in range(3):
        keep(line(number, 5), 1, readers={})
        db.session.commit()
        held.add_up()
        db.session.commit()
        held.add_up()
        db.session.commit()
    assert [(one.month, one.net) for one in db.session.scalars(select(CashMonth))] == [("2026-01", 15)]
    keep(line(1, 5), 2, readers={})
    assert db.session.scalar(select(CashMonth.net)) == 15, "who says the same again changes nothing"


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_no_line_is_passed_over_whose_number_was_given_out_but_not_committed(
    app: Flask, context: None
) -> None:
    keep(line(1, 1), 1, readers={})
    db.session.commit()
    is_written, may_commit = threading.Event(), threading.Event()

    def slow() -> None:
        with app.app_context():
            keep(line(2, 10), 1, readers={})
            is_written.set()
            may_commit.wait(10)
            db.session.commit()

    def hold(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if statement.startswith("LOCK TABLE"):
            may_commit.set()

    writer = threading.Thread(target=slow)
    writer.start()
    assert is_written.wait(10)
    keep(line(3, 100), 1, readers={})
    db.session.commit()
    event.listen(db.engine, "before_cursor_execute", hold)
    held.add_up()
    db.session.commit()
    event.remove(db.engine, "before_cursor_execute", hold)
    writer.join()
    assert db.session.scalar(select(CashMonth.net)) == 111
    assert held.at(STARTS[-1]) == {"eur": 111}
