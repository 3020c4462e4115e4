"""A patron cancels and takes it back on our own pages, whatever is clicked twice, lost or out of date."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from paywall.accounts.models import Reader
from paywall.billing.models import StripeCustomer
from paywall.billing.selfcare import turns
from paywall.db import db
from paywall.membership.models import MembershipEvent
from paywall.membership.rules import Change, Status
from paywall.sandbox import Fault, FaultKind
from tests.accounts.browser import token_in
from tests.billing.selfcare.conftest import Desk

pytestmark = pytest.mark.story


def changes() -> list[Change]:
    """The ledger so far."""
    db.session.rollback()
    return [line.change for line in db.session.query(MembershipEvent).order_by(MembershipEvent.id)]


def test_a_patron_cancels_with_a_reason_and_reads_to_the_end_of_the_period(desk: Desk) -> None:
    held = desk.join()
    page = desk.browser.get(desk.path("cancel")).text
    assert "Nothing is charged any more" in page
    assert "It costs too much" in page
    answer = desk.press("cancel", feedback="too_expensive", comment="Rent went up.")
    assert (answer.status_code, answer.location) == (303, "/account")
    text = desk.account()
    assert "Your membership is cancelled." in text
    assert "You cancelled. You can read everything until" in text
    details = desk.at_stripe().cancellation_details
    assert (details.feedback, details.comment) == ("too_expensive", "Rent went up.")
    assert desk.held().cancel_at == desk.held().access_until == held.period_end
    desk.shop.sandbox.advance(to=held.period_end)
    desk.sync()
    assert desk.held().status is Status.CANCELED
    assert changes() == [Change.STARTED, Change.CANCELING, Change.ENDED]


@pytest.mark.parametrize("feedback", ["", "because", "other"])
def test_no_reason_has_to_be_given_and_a_made_up_one_is_none(desk: Desk, feedback: str) -> None:
    desk.join()
    assert desk.press("cancel", feedback=feedback).status_code == 303
    assert desk.at_stripe().cancellation_details.feedback == ("other" if feedback == "other" else None)
    assert desk.held().cancel_at


def test_who_cancelled_stays_after_all(desk: Desk) -> None:
    desk.join()
    desk.press("cancel")
    assert "Keep my membership" in desk.account()
    desk.press("keep")
    assert "Your membership goes on as before." in desk.account()
    assert desk.held().cancel_at is None
    assert not desk.at_stripe().cancel_at_period_end
    assert changes() == [Change.STARTED, Change.CANCELING, Change.CANCEL_UNDONE]


def test_an_end_that_was_planned_in_the_portal_is_taken_back_here(desk: Desk) -> None:
    held = desk.join()
    page = desk.browser.post(
        "/account/portal", data={"csrf_token": token_in(desk.browser.get("/account").text)}
    )
    desk.shop.sandbox.portal.cancel(page.location.rpartition("/")[2], held.external_id)
    desk.press("keep")
    assert desk.at_stripe().cancel_at is None
    assert desk.held().cancel_at is None


def test_a_second_click_changes_nothing(desk: Desk) -> None:
    desk.join()
    for _ in range(2):
        assert desk.press("cancel").status_code == 303
    for _ in range(2):
        assert desk.press("keep").status_code == 303
    assert changes() == [Change.STARTED, Change.CANCELING, Change.CANCEL_UNDONE]


def test_a_tab_that_was_left_open_does_what_it_says_or_that_it_is_over(desk: Desk) -> None:
    desk.join()
    token = token_in(desk.browser.get(desk.path("cancel")).text)
    desk.shop.sandbox.advance(months=2)
    assert desk.browser.post(desk.path("cancel"), data={"csrf_token": token}).status_code == 303
    ends = desk.held().cancel_at
    assert ends == desk.held().period_end
    assert ends
    assert ends > desk.shop.sandbox.now()
    desk.shop.sandbox.advance(months=2)
    late = desk.browser.post(desk.path("keep"), data={"csrf_token": token})
    assert late.status_code == 409
    assert "This membership has ended." in late.text
    assert desk.browser.post(desk.path("cancel"), data={"csrf_token": token}).status_code == 303


@pytest.mark.parametrize("deed", ["cancel", "keep"])
def test_an_answer_that_is_lost_is_looked_for_at_stripe(desk: Desk, deed: str) -> None:
    held = desk.join()
    if deed == "keep":
        desk.press("cancel")
    match = f"/v1/subscriptions/{held.external_id}"
    # Three times: the package itself tries twice more.
    desk.shop.sandbox.faults.set(Fault(FaultKind.API_LOST, times=3, match=match))
    assert desk.press(deed).status_code == 303
    assert (desk.held().cancel_at is not None) == (deed == "cancel")


def test_while_stripe_is_silent_nothing_is_said_to_be_cancelled(desk: Desk) -> None:
    desk.join()
    token = token_in(desk.browser.get(desk.path("cancel")).text)
    desk.shop.sandbox.faults.set(Fault(FaultKind.API_ERROR, times=None))
    answer = desk.browser.post(desk.path("cancel"), data={"csrf_token": token})
    assert answer.status_code == 503
    desk.shop.sandbox.faults.clear()
    assert "cancelled" not in desk.account()
    assert desk.press("cancel").status_code == 303


def test_with_a_bill_unpaid_it_ends_at_once_and_nothing_is_collected(desk: Desk) -> None:
    held = desk.join(number="4000000000000341")
    assert held.period_end
    desk.shop.sandbox.advance(to=held.period_end + timedelta(hours=3))
    desk.sync()
    assert "Your membership ends at once" in desk.browser.get(desk.path("cancel")).text
    desk.press("cancel", feedback="unused")
    assert desk.held().status is Status.CANCELED
    assert desk.held().access_until is None
    assert not desk.at_stripe().latest_invoice.auto_advance


def test_a_trial_that_is_cancelled_costs_nothing(desk: Desk) -> None:
    desk.join("circle")
    desk.press("cancel")
    assert "nothing will be charged" in desk.account()
    desk.shop.sandbox.advance(by=timedelta(days=15))
    desk.sync()
    assert desk.held().status is Status.CANCELED
    assert desk.at_stripe().latest_invoice.total == 0


@pytest.mark.parametrize("deed", ["cancel", "keep"])
def test_another_readers_membership_is_not_found(desk: Desk, deed: str) -> None:
    own = desk.join()
    other = Reader(email="other@example.org", confirmed_at=desk.shop.sandbox.now())
    db.session.add(other)
    db.session.commit()
    mine, desk.shop.reader = desk.shop.reader, other
    foreign = desk.shop.join()
    desk.shop.reader = mine
    token = token_in(desk.browser.get("/account").text)
    for known in (foreign.id, 999):
        path = f"/account/membership/{known}/{deed}"
        assert desk.browser.post(path, data={"csrf_token": token}).status_code == 404
    assert desk.browser.get(f"/account/membership/{foreign.id}/cancel").status_code == 404
    assert own.id != foreign.id


@pytest.mark.parametrize("deed", ["cancel", "keep"])
def test_a_form_without_its_token_does_nothing(desk: Desk, deed: str) -> None:
    desk.join()
    answer = desk.browser.post(desk.path(deed))
    assert answer.status_code == 400 or "Cancel the membership" in answer.text
    assert desk.held().cancel_at is None


def test_of_two_tabs_one_waits_for_the_other(desk: Desk) -> None:
    desk.join()
    token = token_in(desk.browser.get(desk.path("cancel")).text)
    reader_id = desk.shop.reader.id
    db.session.rollback()
    with turns.alone(reader_id):
        answer = desk.browser.post(desk.path("cancel"), data={"csrf_token": token})
    assert answer.status_code == 409
    assert "in another tab" in answer.text
    assert desk.held().cancel_at is None
    assert desk.press("cancel").status_code == 303


def test_a_process_that_was_killed_holds_the_reader_up_for_minutes_only(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.join()
    reader_id = desk.shop.reader.id
    db.session.rollback()
    monkeypatch.setattr(turns, "LONGEST", timedelta(seconds=-1))
    with turns.alone(reader_id):
        assert desk.press("cancel").status_code == 303
    assert db.session.query(StripeCustomer).one().busy_until is None


def test_who_never_paid_has_nothing_to_cancel(desk: Desk, letters: Callable[[], list[object]]) -> None:
    assert letters()
    assert desk.browser.get("/account/membership/1/cancel").status_code == 404
    assert "Cancel" not in desk.account()
