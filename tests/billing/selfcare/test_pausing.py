"""A patron pauses and goes on: what is paid for is read, and each new period is paid before it is read."""

from datetime import timedelta

import pytest

from paywall.billing.gateway import gateway
from paywall.db import db
from paywall.membership.policy import Cause
from paywall.membership.rules import Status
from paywall.sandbox import Fault, FaultKind
from tests.accounts.browser import token_in
from tests.billing.selfcare.conftest import Desk

FAILS_LATER = "4000000000000341"

pytestmark = [
    pytest.mark.story,
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
    pytest.mark.settings(pauses=True),
]


def paid(desk: Desk) -> list[int]:
    """What was paid so far, oldest first."""
    assert desk.at_stripe()
    found = gateway().client.v1.invoices.list({"limit": 100}).data
    return [one.amount_paid for one in reversed(found) if one.amount_paid]


def test_a_pause_leaves_what_was_paid_for_and_charges_nothing(desk: Desk) -> None:
    held = desk.join()
    desk.shop.sandbox.advance(by=timedelta(days=5))
    page = desk.browser.get(desk.path("pause")).text
    assert "What you have paid for you read, until" in page
    assert "nothing begins again by itself" in page
    assert desk.press("pause").location == "/account"
    text = desk.account()
    assert "Your membership is paused. You can resume it here at any time." in text
    assert "What you have paid for opens patrons’ articles until" in text
    after = desk.held()
    assert (after.status, after.access_cause) == (Status.PAUSED, Cause.BREAK)
    assert after.access_until == held.period_end
    assert gateway().client.v1.customers.retrieve(str(desk.at_stripe().customer)).balance == 0
    desk.shop.sandbox.advance(months=4)
    desk.sync()
    assert "closed to you until you resume" in desk.account()
    assert paid(desk) == [500]


def test_who_goes_on_before_the_paid_day_pays_nothing(desk: Desk) -> None:
    held = desk.join()
    desk.press("pause")
    desk.shop.sandbox.advance(by=timedelta(days=5))
    assert "so nothing is charged today" in desk.browser.get(desk.path("resume")).text
    desk.press("resume")
    assert "Welcome back." in desk.account()
    assert (desk.held().status, desk.held().period_end) == (Status.ACTIVE, held.period_end)
    assert paid(desk) == [500]


def test_who_goes_on_later_begins_a_new_period_that_is_paid_first(desk: Desk) -> None:
    desk.join()
    desk.press("pause")
    desk.shop.sandbox.advance(months=3)
    desk.sync()
    assert "Today €5 is charged to your card" in desk.browser.get(desk.path("resume")).text
    for _ in range(2):
        assert desk.press("resume").location == "/account"
    assert desk.held().status is Status.ACTIVE
    assert paid(desk) == [500, 500]


def test_a_card_that_does_not_pay_leaves_the_pause_until_it_does(desk: Desk) -> None:
    desk.join(number=FAILS_LATER)
    desk.press("pause")
    desk.shop.sandbox.advance(months=3)
    assert desk.press("resume").location == desk.path("pay")
    assert "Your membership goes on as soon as €5 is paid" in desk.browser.get(desk.path("pay")).text
    assert desk.held().status is Status.PAUSED
    desk.shop.sandbox.invoices.pay_hosted(desk.at_stripe().latest_invoice.id, None)
    answer = desk.browser.get(desk.path("pay"), follow_redirects=True)
    assert "Everything is paid." in answer.text
    assert desk.held().status is Status.ACTIVE
    assert paid(desk) == [500, 500]


@pytest.mark.parametrize(("deed", "done"), [("pause", Status.PAUSED), ("resume", Status.ACTIVE)])
def test_a_second_click_and_a_lost_answer_change_nothing(desk: Desk, deed: str, done: Status) -> None:
    held = desk.join()
    if deed == "resume":
        desk.press("pause")
    match = f"/v1/subscriptions/{held.external_id}/{deed}"
    desk.shop.sandbox.faults.set(Fault(FaultKind.API_LOST, times=3, match=match))
    for _ in range(2):
        assert desk.press(deed).status_code == 303
    assert desk.held().status is done


def test_who_is_paused_leaves_on_the_paid_day(desk: Desk) -> None:
    held = desk.join()
    desk.press("pause")
    desk.press("cancel", feedback="unused")
    after = desk.held()
    assert after.cancel_at == after.access_until == held.period_end
    assert held.period_end
    desk.shop.sandbox.advance(to=held.period_end + timedelta(minutes=1))
    desk.sync()
    assert desk.held().status is Status.CANCELED
    assert paid(desk) == [500]


def test_a_trial_cannot_be_paused(desk: Desk) -> None:
    desk.join("circle")
    assert "Pause" not in desk.account()
    assert desk.browser.get(desk.path("pause")).status_code == 409
    assert desk.press("pause").status_code == 409
    assert desk.held().status is Status.TRIALING


def test_going_on_without_a_pause_does_nothing(desk: Desk) -> None:
    desk.join()
    assert desk.browser.get(desk.path("resume")).status_code == 409
    assert desk.press("resume").location == "/account"
    assert paid(desk) == [500]


@pytest.mark.settings(pauses=False)
def test_the_newsroom_decides_whether_there_are_pauses(desk: Desk) -> None:
    desk.join()
    assert "Pause" not in desk.account()
    assert desk.press("pause").status_code == 409
    assert desk.held().status is Status.ACTIVE


def test_who_is_paused_already_goes_on_even_where_pauses_are_no_more(desk: Desk) -> None:
    held = desk.join()
    db.session.rollback()
    gateway().pause(held.external_id)
    desk.sync()
    token = token_in(desk.browser.get("/account").text)
    assert "Resume the membership" in desk.account()
    assert desk.browser.post(desk.path("resume"), data={"csrf_token": token}).status_code == 303
    assert desk.held().status is Status.ACTIVE
