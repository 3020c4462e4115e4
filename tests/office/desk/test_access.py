"""The desk gives access and time to pay, moves their ends, and both come by themselves."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from paywall import clock as ours
from paywall.billing.reconcile import walk
from paywall.db import db
from paywall.membership import applied, comps
from paywall.membership.models import Subscription
from paywall.membership.policy import Cause
from paywall.membership.rules import Source, Status
from paywall.office.desk.forms import end_of
from paywall.sandbox import Sandbox
from tests.moving import MovingClock
from tests.office.desk.conftest import Counter

pytestmark = pytest.mark.story


def day(ahead: int) -> date:
    """A day so many ahead."""
    return (ours.now() + timedelta(days=ahead)).date()


def plan_id(counter: Counter) -> str:
    """The supporters' plan."""
    found = str(counter.shop.price().plan_id)
    db.session.rollback()
    return found


def test_access_is_given_with_a_reason_ends_by_itself_and_a_second_click_gives_none(
    counter: Counter, clock: MovingClock
) -> None:
    form = counter.fill("/access", plan=plan_id(counter), kind="hardship", until=str(day(30)))
    asked = counter.send("/access", form).text
    assert "Nothing is charged, and it ends by itself." in asked
    form["confirmed"] = "yes"
    for _click in range(2):
        assert counter.send("/access", form).status_code == 303
    held = counter.held()
    assert (held.source, held.status, held.access_until) == (Source.COMP, Status.ACTIVE, end_of(day(30)))
    assert held.access_cause is Cause.CANCELED
    assert counter.trail() == ["access given"]
    assert counter.acts()[0].after == {"plan": "supporter", "until": str(end_of(day(30))), "kind": "hardship"}
    assert counter.ledger() == ["started", "canceling"]
    clock.set(end_of(day(30)) + timedelta(minutes=1))
    assert "No membership opens anything now" in counter.see()
    comps.end_due()
    assert counter.held().status is Status.CANCELED
    assert counter.held().ended_at == held.access_until
    assert counter.ledger() == ["started", "canceling", "ended"]


def test_the_end_of_given_access_is_moved_and_then_comes_at_once(counter: Counter) -> None:
    counter.do("/access", plan=plan_id(counter), kind="complimentary", until=str(day(30)))
    rest = f"/membership/{counter.held().id}/end"
    for _click in range(2):
        counter.do(rest, until=str(day(60)))
    assert counter.held().access_until == end_of(day(60))
    form = {**counter.fill(rest, now="y"), "confirmed": "yes"}
    for _click in range(2):
        assert counter.send(rest, form).status_code == 303
    assert counter.held().status is Status.CANCELED
    assert counter.trail() == ["access given", "access moved", "access ended"]
    assert counter.send(rest, {**form, "now": "", "until": str(day(9))}).status_code == 303
    assert "This access has ended" in counter.see()


def test_no_access_is_given_without_a_day_that_can_be(counter: Counter) -> None:
    form = {**counter.fill("/access", plan=plan_id(counter), kind="hardship"), "confirmed": "yes"}
    for until in ("", "2020-01-01", "9999-12-31", "soon"):
        assert counter.send("/access", {**form, "until": until}).status_code in (200, 303)
    assert db.session.scalar(select(Subscription.id)) is None
    db.session.rollback()
    assert counter.trail() == []


def failing(counter: Counter, sandbox: Sandbox) -> str:
    """A membership whose renewal was not paid; the address of its time to pay."""
    held = counter.shop.join(number="4000000000000341")
    assert held.period_end
    sandbox.advance(to=held.period_end + timedelta(hours=2))
    counter.sync()
    assert counter.held().status is Status.PAST_DUE
    return f"/membership/{held.id}/grace"


def test_time_to_pay_is_given_and_every_look_at_stripe_keeps_it(counter: Counter, sandbox: Sandbox) -> None:
    rest = failing(counter, sandbox)
    policy = counter.held().access_until
    assert policy
    counter.do(rest, until=str(day(40)))
    counter.do(rest, until=str(day(40)))
    given = end_of(day(40))
    assert counter.held().access_until == given
    assert counter.held().grace_from < policy  # type: ignore[operator]
    counter.sync()
    assert applied.apply() == 0
    assert list(walk.begin().drifts()) == []
    assert counter.held().access_until == given
    assert counter.trail() == ["grace changed"]
    counter.do(rest, policy="y")
    assert counter.held().access_until == policy
    counter.do(rest, now="y")
    assert counter.held().access_until <= ours.now()  # type: ignore[operator]
    assert "No membership opens anything now" in counter.see()


def test_a_date_by_hand_is_for_one_bill_and_goes_when_it_is_paid(counter: Counter, sandbox: Sandbox) -> None:
    rest = failing(counter, sandbox)
    counter.do(rest, until=str(day(40)))
    stripe = counter.stripe()
    held = counter.held()
    bill = stripe.subscriptions.retrieve(held.external_id).latest_invoice
    stripe.invoices.pay(str(bill), {"payment_method": "pm_card_visa"})
    counter.sync()
    held = counter.held()
    assert (held.status, held.grace_until) == (Status.ACTIVE, None)
    assert counter.browser.get(counter.path(rest)).status_code == 200
    form = {**counter.fill(rest, until=str(day(50))), "confirmed": "yes"}
    assert counter.send(rest, form).status_code == 303
    assert "Nothing of this membership is unpaid now" in counter.see()
    assert counter.held().grace_until is None
