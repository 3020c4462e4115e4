"""`flask paywall money` and `tieout`: what a bookkeeper asks for from a shell."""

import json
from datetime import timedelta

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import delete

from paywall import clock
from paywall.billing.cashbook import commands, walk
from paywall.billing.cashbook.models import Payment
from paywall.billing.reconcile import pace
from paywall.db import db
from paywall.sandbox import Fault, FaultKind
from tests.billing.cashbook.town import fetch, gift, only
from tests.shop import Shop

pytestmark = pytest.mark.settings(stripe_reads_per_second=100)


@pytest.fixture
def shell(app: Flask) -> FlaskCliRunner:
    """Someone at a shell of the server."""
    return app.test_cli_runner()


def tieout(shell: FlaskCliRunner, *args: str) -> Result:
    """The command for the present month."""
    return shell.invoke(args=["paywall", "tieout", "--month", f"{clock.now():%Y-%m}", *args])


def test_a_month_is_added_up_in_a_table_and_for_machines(shop: Shop, shell: FlaskCliRunner) -> None:
    shop.join()
    gift(shop)
    fetch()
    shown = tieout(shell)
    assert shown.exit_code == 0
    assert [" ".join(line.split()) for line in shown.output.splitlines()] == [
        f"{clock.now():%Y-%m} EUR",
        "Held by Stripe before 0.00",
        "Paid on invoices 5.00",
        "Paid without an invoice 30.00",
        "Given back 0.00",
        "Disputed 0.00",
        "Stripe’s fees -1.03",
        "All else 0.00",
        "Not explained 0.00",
        "Net, as the balance has it 33.97",
        "Paid out 0.00",
        "Held by Stripe after 33.97",
        "It ties out.",
    ]
    told = json.loads(tieout(shell, "--json").output)
    assert (told["invoices"], told["payments"], told["fees"], told["net"]) == (500, 3000, -103, 3397)
    assert (told["opening"], told["closing"], told["difference"], told["ties_out"]) == (0, 3397, 0, True)


def test_what_does_not_tie_out_is_named_with_its_objects(shop: Shop, shell: FlaskCliRunner) -> None:
    gift(shop)
    fetch()
    paid = only(Payment)
    db.session.execute(delete(Payment))
    db.session.commit()
    shown = tieout(shell)
    assert shown.exit_code == 1
    assert f"! {paid.transaction}  30.00  a charge of {paid.stripe_id}, which we do not have" in shown.output
    assert f"held against {paid.stripe_id}" in shown.output
    assert "Not explained                          30.00" in shown.output
    assert shown.output.endswith("It does not tie out.\n")
    told = json.loads(tieout(shell, "--json").output)
    assert (told["ties_out"], told["difference"]) == (False, 3000)
    assert told["differences"] == [
        {
            "stripe_id": paid.transaction,
            "amount": 3000,
            "why": f"a charge of {paid.stripe_id}, which we do not have",
            "parts": [paid.stripe_id],
        }
    ]


def test_a_month_that_was_not_read_to_its_end_does_not_tie_out(shop: Shop, shell: FlaskCliRunner) -> None:
    gift(shop)
    unread = tieout(shell)
    assert unread.exit_code == 1
    assert "was not read up to there: flask paywall money fetch" in unread.stderr
    fetch()
    assert tieout(shell).exit_code == 0
    shop.sandbox.advance(months=1)
    last = shell.invoke(args=["paywall", "tieout"])
    assert (last.exit_code, "was not read up to there" in last.stderr) == (1, True)
    fetch()
    assert shell.invoke(args=["paywall", "tieout"]).exit_code == 0


def test_a_month_without_money_and_one_that_is_none(shop: Shop, shell: FlaskCliRunner) -> None:
    fetch()
    shown = shell.invoke(args=["paywall", "tieout", "--month", "2020-12"])
    assert (shown.exit_code, shown.output) == (0, "No money moved in that month.\n")
    wrong = shell.invoke(args=["paywall", "tieout", "--month", "October"])
    assert wrong.exit_code == 1
    assert "'October' is no month: write it like 2026-10." in wrong.output


def test_the_walk_by_hand_counts_what_it_read(shop: Shop, shell: FlaskCliRunner) -> None:
    nothing = shell.invoke(args=["paywall", "money", "fetch"])
    assert (nothing.exit_code, nothing.output) == (0, "Read: nothing new.\n")
    gift(shop)
    shop.sandbox.advance(by=timedelta(days=4))
    told = json.loads(shell.invoke(args=["paywall", "money", "fetch", "--json"]).output)
    assert told == {"finished": True, "counts": {"lines": 2, "payouts": 1}}
    assert "lines 2" in shell.invoke(args=["paywall", "money", "fetch", "--restart"]).output


def test_a_walk_that_cannot_end_says_so(
    shop: Shop, shell: FlaskCliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "LONGEST", 0)
    shop.sandbox.faults.set(Fault(FaultKind.API_ERROR, match="/v1/balance*", times=None))
    silent = shell.invoke(args=["paywall", "money", "fetch"])
    assert silent.exit_code == 2
    assert "Run it again to go on." in silent.output
    shop.sandbox.faults.clear()
    under_way = walk.begin()
    assert "at work already" in shell.invoke(args=["paywall", "money", "fetch"]).output
    under_way.stop()
    under_way.run()
    monkeypatch.setattr(commands, "begin", lambda **_: under_way)
    stopped = shell.invoke(args=["paywall", "money", "fetch"])
    assert stopped.exit_code == 2
    assert stopped.output == "Stopped; run it again to go on. So far: nothing new.\n"
