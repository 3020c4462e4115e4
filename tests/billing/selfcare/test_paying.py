"""What is open is paid on Stripe's page, from one banner and one page, and shows at once."""

from datetime import timedelta

import pytest

from paywall.billing.gateway import gateway
from paywall.db import db
from paywall.membership import applied, record
from paywall.membership.rules import Facts, Interval, Source, Status
from paywall.money import Money
from paywall.sandbox import Fault, FaultKind
from tests.accounts.browser import send
from tests.billing.selfcare.conftest import Desk
from tests.shop import card

FAILS_LATER = "4000000000000341"
ASKS = "4000002760003184"

pytestmark = [pytest.mark.story, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]


@pytest.fixture
def behind(desk: Desk) -> Desk:
    """A patron whose renewal was not paid."""
    held = desk.join(number=FAILS_LATER)
    assert held.period_end
    desk.shop.sandbox.advance(to=held.period_end + timedelta(hours=3))
    desk.sync()
    return desk


def test_who_is_behind_meets_one_banner_and_pays_with_another_card(behind: Desk) -> None:
    text = behind.account()
    assert "A bill of €5 is not paid." in text
    assert text.count("Pay what is open") == 1
    assert "Change the plan" not in text
    page = behind.browser.get(behind.path("pay")).text
    assert "Your last payment did not go through. You can read on until" in page
    invoice = behind.at_stripe().latest_invoice.id
    assert f"/sandbox/invoices/{invoice}" in page
    behind.shop.sandbox.invoices.pay_hosted(invoice, card())
    answer = behind.browser.get(behind.path("pay"), follow_redirects=True)
    assert "Everything is paid. Thank you." in answer.text
    assert "is not paid" not in answer.text
    assert behind.held().status is Status.ACTIVE


def test_a_new_card_comes_by_the_portal_and_is_the_subscriptions_at_once(behind: Desk) -> None:
    page = behind.path("pay")
    answer = send(behind.browser, "/account/portal", page=page, flow="payment_method_update")
    done = behind.shop.sandbox.portal.change_card(answer.location.rpartition("/")[2], card())
    behind.browser.get((done.redirect_url or "").removeprefix("http://127.0.0.1:8000"))
    assert behind.at_stripe().default_payment_method is None


def test_a_bank_that_asks_each_time_is_answered_on_stripes_page(desk: Desk) -> None:
    session_id = desk.shop.begin()
    desk.shop.pay(session_id, ASKS)
    desk.shop.sandbox.checkout.authenticate(session_id, passed=True)
    desk.browser.get(f"/join/return?session_id={session_id}")
    ends = desk.held().period_end
    assert ends
    desk.shop.sandbox.advance(to=ends + timedelta(hours=3))
    desk.sync()
    assert desk.held().status is Status.PAST_DUE
    invoice = desk.at_stripe().latest_invoice.id
    assert "confirm the payment to your bank" in desk.browser.get(desk.path("pay")).text
    desk.shop.sandbox.invoices.pay_hosted(invoice, None)
    desk.shop.sandbox.invoices.authenticate(invoice, passed=True)
    desk.browser.get(desk.path("pay"))
    assert desk.held().status is Status.ACTIVE


def test_the_page_opens_while_stripe_is_silent(behind: Desk) -> None:
    behind.shop.sandbox.faults.set(Fault(FaultKind.API_ERROR, times=None))
    assert "/sandbox/invoices/" in behind.browser.get(behind.path("pay")).text


def test_with_nothing_open_there_is_nothing_to_pay(desk: Desk) -> None:
    desk.join()
    assert desk.browser.get(desk.path("pay")).location == "/account"
    assert "Pay what is open" not in desk.account()


def test_two_memberships_are_both_shown_and_either_can_be_left(desk: Desk) -> None:
    first = desk.join()
    second = desk.at_stripe()
    gateway().client.v1.subscriptions.create(
        {
            "customer": str(second.customer),
            "items": [{"price": second.items.data[0].price.id}],
            "default_payment_method": str(second.default_payment_method),
        }
    )
    desk.sync()
    assert "You also pay for" in desk.account()
    desk.press("cancel")
    path = f"/account/membership/{first.id}/cancel"
    assert send(desk.browser, path, page="/account").status_code == 303
    assert all(one.cancel_at for one in desk.shop.held())
    assert "ends on" in desk.account()


@pytest.mark.parametrize("source", [Source.GIFT, Source.COMP])
def test_what_stripe_does_not_bill_has_none_of_these_buttons(desk: Desk, source: Source) -> None:
    now = desk.shop.sandbox.now()
    given = Facts(
        source=source,
        external_id="given:1",
        plan_id=desk.shop.price().plan_id,
        status=Status.ACTIVE,
        price=Money(0, "eur"),
        interval=Interval.MONTH,
        started_at=now,
        period_end=now + timedelta(days=30),
    )
    record.record(desk.shop.reader, [given], applied.in_force())
    db.session.commit()
    text = desk.account()
    assert not any(words in text for words in ("Cancel", "Change the plan", "Pause", "Change the card"))
    for deed in ("cancel", "plan", "pay"):
        assert desk.browser.get(desk.path(deed)).status_code == 404
    assert desk.press("keep").status_code == 404
