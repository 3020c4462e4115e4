"""The desk cancels, takes back, and gives money back: once, whatever is clicked twice, lost or stale."""

import os
import signal

import pytest
from sqlalchemy import update

from paywall import clock
from paywall.accounts.models import Reader
from paywall.billing.models import StripeCustomer
from paywall.db import db
from paywall.membership.rules import Status
from paywall.sandbox import Fault, FaultKind
from tests.office.desk.conftest import REASON, Counter
from tests.staffing import grow_stale

pytestmark = pytest.mark.story


def test_a_membership_is_cancelled_for_the_end_of_its_period_and_that_is_taken_back(counter: Counter) -> None:
    held = counter.shop.join()
    rest = f"/membership/{held.id}"
    form = counter.fill(f"{rest}/cancel", when="later")
    asked = counter.send(f"{rest}/cancel", form).text
    assert "is this right?" in asked
    assert "Nothing is charged any more." in asked
    assert counter.trail() == []
    counter.do(f"{rest}/cancel", when="later")
    assert counter.held().cancel_at == held.period_end
    assert counter.stripe().subscriptions.retrieve(held.external_id).cancel_at_period_end
    assert counter.trail() == ["membership cancelled asked", "membership cancelled"]
    done = counter.acts()[-1]
    assert (done.actor, done.reason) == ("membership@staff.example", REASON)
    assert done.after["ends"] == str(held.period_end)
    assert "Take the cancellation back" in counter.see()
    counter.do(f"{rest}/keep")
    assert counter.held().cancel_at is None
    assert counter.ledger() == ["started", "canceling", "cancel_undone"]


def test_it_is_cancelled_at_once_with_its_money_back_and_a_second_click_does_nothing(
    counter: Counter,
) -> None:
    held = counter.shop.join()
    rest = f"/membership/{held.id}/cancel"
    form = counter.fill(rest, when="now", refunds="y")
    assert "€5 (EUR) goes back to the card" in counter.send(rest, form).text
    form["confirmed"] = "yes"
    assert counter.send(rest, form).status_code == 303
    again = counter.send(rest, form)
    assert again.status_code == 303
    assert counter.held().status is Status.CANCELED
    assert counter.payment().refunded == 500
    assert [refund.amount for refund in counter.stripe().refunds.list().data] == [500]
    assert "it had been done already" in counter.see()
    assert counter.trail() == [
        "membership cancelled asked",
        "membership cancelled",
        "refund asked",
        "refund",
    ]


def test_part_of_a_payment_is_given_back_and_a_stale_tab_gives_no_more(counter: Counter) -> None:
    counter.shop.join()
    rest = f"/refund/{counter.payment().id}"
    assert "At most €5 can be given back now" in counter.see(rest)
    stale = counter.fill(rest, amount="2")
    counter.do(rest, amount="1.50")
    assert counter.payment().refunded == 150
    assert counter.send(rest, {**stale, "confirmed": "yes"}).status_code == 303
    assert "Nothing more was given." in counter.see()
    assert counter.payment().refunded == 150
    assert counter.held().access_until, "a part changes nothing"
    done = counter.acts()[-1]
    assert (done.act, done.before, done.after) == (
        "refund",
        {"given back": "€0"},
        {"given back": "€1.50"},
    )
    assert "€1.50 given back" in counter.see()


def test_no_more_than_is_left_is_given_back(counter: Counter) -> None:
    counter.shop.join()
    rest = f"/refund/{counter.payment().id}"
    form = counter.fill(rest)
    for amount in ("5.01", "0", "-1", "two", "", "1.001", "1e400"):
        assert 'name="confirmed"' not in counter.send(rest, {**form, "amount": amount}).text
        sent = counter.send(rest, {**form, "amount": amount, "confirmed": "yes"})
        assert sent.status_code in (200, 303), amount
    assert counter.stripe().refunds.list().data == []
    assert counter.trail() == []


def test_a_whole_refund_says_that_reading_ends_with_it(counter: Counter) -> None:
    counter.shop.join()
    rest = f"/refund/{counter.payment().id}"
    asked = counter.send(rest, counter.fill(rest, amount="5")).text
    assert "it is read no longer, from the refund on" in asked
    counter.do(rest, amount="5")
    assert "No membership opens anything now" in counter.see()


@pytest.mark.parametrize("kind", [FaultKind.API_ERROR, FaultKind.API_LOST])
def test_an_answer_of_stripe_that_is_lost_gives_money_back_once(counter: Counter, kind: FaultKind) -> None:
    counter.shop.join()
    rest = f"/refund/{counter.payment().id}"
    form = {**counter.fill(rest, amount="5"), "confirmed": "yes"}
    counter.shop.sandbox.faults.set(Fault(kind, times=None, match="/v1/refunds"))
    assert counter.send(rest, form).status_code == 303
    counter.shop.sandbox.faults.clear()
    assert counter.send(rest, form).status_code == 303
    assert [refund.amount for refund in counter.stripe().refunds.list().data] == [500]
    assert counter.payment().refunded == 500
    assert counter.trail()[0] == "refund asked"
    assert counter.trail()[-1] == "refund"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_process_killed_once_stripe_has_given_money_back_leaves_it_given_once(counter: Counter) -> None:
    counter.shop.join()
    rest = f"/refund/{counter.payment().id}"
    form = {**counter.fill(rest, amount="5"), "confirmed": "yes"}
    db.engine.dispose()
    if (child := os.fork()) == 0:
        counter.shop.sandbox.on_event = lambda: os.kill(os.getpid(), signal.SIGKILL)
        counter.send(rest, form)
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert counter.trail() == ["refund asked"]
    assert counter.payment().refunded == 0
    assert counter.send(rest, form).status_code == 303
    assert "Somebody changes this membership just now" in counter.see()
    db.session.execute(update(StripeCustomer).values(busy_until=clock.wall()))
    db.session.commit()
    assert counter.send(rest, form).status_code == 303
    assert "By now €5 of this payment is given back" in counter.see()
    assert [refund.amount for refund in counter.stripe().refunds.list().data] == [500]
    counter.sync()
    assert counter.payment().refunded == 500


def test_what_the_bank_has_taken_up_is_not_given_back(counter: Counter) -> None:
    counter.shop.join(number="4000000000000259")
    counter.sync()
    assert counter.browser.get(counter.path(f"/refund/{counter.payment().id}")).status_code == 303
    assert "The bank has taken this payment up" in counter.see()


def test_who_has_signed_in_long_ago_proves_it_before_money_moves(counter: Counter) -> None:
    counter.shop.join()
    grow_stale(counter.browser, minutes=16)
    answer = counter.browser.get(counter.path(f"/refund/{counter.payment().id}"))
    assert answer.status_code == 302
    assert answer.location.startswith("/sign-in/")


def test_what_belongs_to_another_reader_is_not_found(counter: Counter) -> None:
    held, payment = counter.shop.join().id, counter.payment().id
    form = {**counter.fill(f"/refund/{payment}"), "confirmed": "yes", "when": "now", "amount": "5"}
    db.session.add(eva := Reader(email="eva@example.org"))
    db.session.commit()
    counter.reader_id = eva.id
    assert "eva@example.org" in counter.see()
    acts = [f"/membership/{held}/{act}" for act in ("cancel", "keep", "grace", "end")]
    for rest in (*acts, f"/refund/{payment}", "/invoice/1", "/letter/1"):
        assert counter.browser.get(counter.path(rest)).status_code == 404, rest
        assert counter.send(rest, form).status_code == 404, rest
    assert counter.stripe().refunds.list().data == []
