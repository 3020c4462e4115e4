"""A patron changes plan or rhythm at the price that was shown, whatever card, network or time do."""

import re
from datetime import timedelta

import pytest

from paywall.accounts.models import Reader
from paywall.billing.gateway import gateway
from paywall.billing.selfcare import switching
from paywall.db import db
from paywall.membership import plans
from paywall.membership.plans import PlanText
from paywall.membership.rules import Interval
from paywall.membership.seats import SeatRange
from paywall.money import Money
from paywall.sandbox import Fault, FaultKind
from tests.accounts.browser import token_in
from tests.billing.selfcare.conftest import Desk

FAILS_LATER = "4000000000000341"
ASKS = "4000002760003184"
Fields = dict[str, str]

# What is done on both databases is in test_leaving; here the word is Stripe's.
pytestmark = [pytest.mark.story, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]


def target(desk: Desk, slug: str = "circle", interval: Interval = Interval.MONTH) -> str:
    """The address of the page of a price."""
    price_id = desk.shop.price(slug, interval).id
    return desk.path(f"plan/{price_id}")


def shown(desk: Desk, path: str) -> Fields:
    """What the form of the page carries."""
    page = desk.browser.get(path)
    assert page.status_code == 200, page.text
    found = re.findall(r'name="(at|total|due)"[^>]*value="(-?\d+)"', page.text)
    return {"csrf_token": token_in(page.text), **dict(found)}


def stays(desk: Desk) -> bool:
    """Whether the patron still has what they joined, here and at Stripe."""
    held, there = desk.held(), desk.at_stripe()
    return held.plan.slug == "supporter" and there.items.data[0].price.unit_amount == 500


def bills(desk: Desk) -> list[int]:
    """What was really paid at Stripe so far, oldest first; bills for nothing left out."""
    db.session.rollback()
    found = gateway().client.v1.invoices.list({"limit": 100}).data
    return [one.amount_paid for one in reversed(found) if one.amount_paid]


def test_a_patron_sees_to_the_cent_what_another_plan_comes_to_and_pays_just_that(desk: Desk) -> None:
    desk.join()
    desk.shop.sandbox.advance(by=timedelta(days=15))
    assert "Circle" in desk.browser.get(desk.path("plan")).text
    fields = shown(desk, target(desk))
    text = desk.browser.get(target(desk)).text
    assert "What you have paid and not used" in text
    assert f"Change and pay {Money(int(fields['due']), 'eur').text('en-GB')}" in text
    assert 450 < int(fields["due"]) < 550
    desk.shop.sandbox.advance(by=timedelta(minutes=20))
    answer = desk.browser.post(target(desk), data=fields)
    assert (answer.status_code, answer.location) == (303, "/account")
    assert "Your plan is changed." in desk.account()
    assert (desk.held().plan.slug, desk.held().amount) == ("circle", 1500)
    assert bills(desk) == [500, int(fields["due"])]


def test_from_months_to_a_year_a_new_period_begins(desk: Desk) -> None:
    held = desk.join()
    assert held.period_end
    desk.shop.sandbox.advance(by=timedelta(days=10))
    path = target(desk, "supporter", Interval.YEAR)
    fields = shown(desk, path)
    desk.browser.post(path, data=fields)
    after = desk.held()
    assert after.interval is Interval.YEAR
    assert after.period_end
    assert after.period_end > held.period_end + timedelta(days=300)
    assert bills(desk) == [500, int(fields["due"])]
    assert int(fields["due"]) < 5000


def test_who_moves_down_keeps_what_is_left_for_later_bills(desk: Desk) -> None:
    desk.join("supporter", interval=Interval.YEAR)
    path = target(desk, "supporter", Interval.MONTH)
    fields = shown(desk, path)
    assert fields["due"] == "0"
    text = desk.browser.get(path).text
    assert "Left for your next payments" in text
    assert "it is not paid out" in text
    desk.browser.post(path, data=fields)
    assert desk.held().interval is Interval.MONTH
    customer = gateway().client.v1.customers.retrieve(str(desk.at_stripe().customer))
    assert customer.balance == int(fields["total"]) < 0
    desk.shop.sandbox.advance(months=2)
    desk.sync()
    assert bills(desk) == [5000]


def test_a_discount_that_runs_lowers_what_the_change_comes_to(desk: Desk) -> None:
    held = desk.join()
    db.session.rollback()
    v1 = gateway().client.v1
    coupon = v1.coupons.create({"percent_off": 20, "duration": "forever"})
    v1.subscriptions.update(held.external_id, {"discounts": [{"coupon": coupon.id}]})
    desk.sync()
    path = target(desk, "supporter", Interval.YEAR)
    fields = shown(desk, path)
    text = desk.browser.get(path).text
    assert "Discount" in text
    assert "Your discount is taken off that as long as it runs." in text
    assert desk.browser.post(path, data=fields).location == "/account"
    assert bills(desk) == [500, int(fields["due"])]
    assert int(fields["due"]) < 4000


def test_a_trial_changes_plan_for_nothing(desk: Desk) -> None:
    desk.join("circle")
    path = target(desk, "supporter")
    fields = shown(desk, path)
    assert fields["due"] == "0"
    assert "Your trial goes on, and nothing is charged today." in desk.browser.get(path).text
    desk.browser.post(path, data=fields)
    assert desk.held().plan.slug == "supporter"
    assert bills(desk) == []


@pytest.mark.parametrize("late", [timedelta(minutes=31), timedelta(days=3)])
def test_a_price_that_was_shown_long_ago_is_shown_again(desk: Desk, late: timedelta) -> None:
    desk.join()
    desk.shop.sandbox.advance(by=timedelta(days=5))
    fields = shown(desk, target(desk))
    desk.shop.sandbox.advance(by=late)
    answer = desk.browser.post(target(desk), data=fields)
    assert (answer.status_code, answer.location) == (303, target(desk))
    assert "please look at the price again" in desk.browser.get(target(desk)).text
    assert stays(desk)
    assert bills(desk) == [500]


@pytest.mark.parametrize("name", ["total", "due"])
def test_a_price_that_has_changed_meanwhile_is_shown_again(desk: Desk, name: str) -> None:
    desk.join()
    fields = shown(desk, target(desk))
    fields[name] = str(int(fields[name]) - 1)
    answer = desk.browser.post(target(desk), data=fields, follow_redirects=True)
    assert "The price has changed meanwhile" in answer.text
    assert stays(desk)


def test_an_instant_in_the_future_is_no_price(desk: Desk) -> None:
    desk.join()
    fields = shown(desk, target(desk))
    fields["at"] = str(int(fields["at"]) + 86_400)
    desk.browser.post(target(desk), data=fields)
    assert stays(desk)


@pytest.mark.parametrize("fields", [{}, {"at": "x", "total": "1", "due": "1"}, {"at": "1"}])
def test_a_form_without_a_price_changes_nothing(desk: Desk, fields: Fields) -> None:
    desk.join()
    token = token_in(desk.browser.get("/account").text)
    answer = desk.browser.post(target(desk), data={"csrf_token": token, **fields})
    assert "Change to Circle" in answer.text
    assert stays(desk)


def test_a_second_click_charges_once(desk: Desk) -> None:
    desk.join()
    desk.shop.sandbox.advance(by=timedelta(days=5))
    fields = shown(desk, target(desk))
    for _ in range(2):
        assert desk.browser.post(target(desk), data=fields).location == "/account"
    assert bills(desk) == [500, int(fields["due"])]


def test_an_answer_that_is_lost_is_found_in_the_books(desk: Desk) -> None:
    held = desk.join()
    desk.shop.sandbox.advance(by=timedelta(days=5))
    fields = shown(desk, target(desk))
    match = f"/v1/subscriptions/{held.external_id}"
    # Three times: the package itself tries twice more.
    desk.shop.sandbox.faults.set(Fault(FaultKind.API_LOST, times=3, match=match))
    assert desk.browser.post(target(desk), data=fields).location == "/account"
    assert desk.held().plan.slug == "circle"
    assert bills(desk) == [500, int(fields["due"])]


def test_while_stripe_is_silent_nothing_is_shown_and_nothing_changes(desk: Desk) -> None:
    desk.join()
    fields = shown(desk, target(desk))
    desk.shop.sandbox.faults.set(Fault(FaultKind.API_ERROR, times=None))
    assert desk.browser.get(target(desk)).status_code == 503
    assert desk.browser.post(target(desk), data=fields).status_code == 503
    desk.shop.sandbox.faults.clear()
    assert stays(desk)


@pytest.mark.parametrize("number", [FAILS_LATER, ASKS])
def test_a_change_that_the_card_does_not_pay_waits_and_takes_nothing(desk: Desk, number: str) -> None:
    join_with(desk, number)
    desk.shop.sandbox.advance(by=timedelta(days=5))
    fields = shown(desk, target(desk))
    for _ in range(2):
        answer = desk.browser.post(target(desk), data=fields)
        assert (answer.status_code, answer.location) == (303, desk.path("pay"))
    text = desk.browser.get(desk.path("pay")).text
    assert "Your plan has not changed yet, and nothing was charged" in text
    assert "/sandbox/invoices/" in text
    assert stays(desk)
    account = desk.account()
    assert "Your change of plan waits for its payment" in account
    assert "You are a patron. The next payment, €5" in account
    assert "Change the plan" not in account
    assert bills(desk) == [500]


@pytest.mark.parametrize("number", [FAILS_LATER, ASKS])
def test_it_is_made_as_soon_as_it_is_paid_on_stripes_page(desk: Desk, number: str) -> None:
    join_with(desk, number)
    desk.shop.sandbox.advance(by=timedelta(days=5))
    fields = shown(desk, target(desk))
    desk.browser.post(target(desk), data=fields)
    invoice = desk.at_stripe().latest_invoice.id
    paid = desk.shop.sandbox.invoices.pay_hosted(invoice, None)
    if number == ASKS:
        assert paid.state == "requires_action"
        desk.shop.sandbox.invoices.authenticate(invoice, passed=True)
    answer = desk.browser.get(desk.path("pay"), follow_redirects=True)
    assert "Everything is paid." in answer.text
    assert desk.held().plan.slug == "circle"
    assert bills(desk) == [500, int(fields["due"])]


def test_who_thinks_better_of_it_keeps_the_plan(desk: Desk) -> None:
    join_with(desk, FAILS_LATER)
    desk.browser.post(target(desk), data=shown(desk, target(desk)))
    for _ in range(2):
        assert desk.press("plan/forget").location == "/account"
    assert stays(desk)
    assert desk.at_stripe().pending_update is None
    assert "Change the plan" in desk.account()


def test_who_leaves_lets_go_of_a_change_that_waits(desk: Desk) -> None:
    join_with(desk, FAILS_LATER)
    desk.browser.post(target(desk), data=shown(desk, target(desk)))
    desk.press("cancel")
    assert stays(desk)
    assert desk.at_stripe().pending_update is None
    assert desk.at_stripe().latest_invoice.status == "void"
    assert desk.held().cancel_at


def test_after_a_day_a_change_that_was_not_paid_is_forgotten(desk: Desk) -> None:
    join_with(desk, FAILS_LATER)
    desk.browser.post(target(desk), data=shown(desk, target(desk)))
    desk.shop.sandbox.advance(by=timedelta(days=1))
    desk.sync()
    assert stays(desk)
    assert "waits for its payment" not in desk.account()


def test_of_two_tabs_with_other_wishes_one_state_comes(desk: Desk) -> None:
    desk.join()
    desk.shop.sandbox.advance(by=timedelta(days=5))
    first = shown(desk, target(desk))
    path = target(desk, "supporter", Interval.YEAR)
    second = shown(desk, path)
    assert desk.browser.post(target(desk), data=first).location == "/account"
    answer = desk.browser.post(path, data=second, follow_redirects=True)
    assert "The price has changed meanwhile" in answer.text
    assert desk.held().plan.slug == "circle"
    assert bills(desk) == [500, int(first["due"])]


def test_a_tab_that_changes_after_another_has_cancelled_is_told(desk: Desk) -> None:
    desk.join()
    fields = shown(desk, target(desk))
    desk.press("cancel")
    answer = desk.browser.post(target(desk), data=fields)
    assert answer.status_code == 409
    assert "Keep your membership first" in answer.text
    assert stays(desk)
    assert desk.held().cancel_at


def test_what_is_not_on_offer_cannot_be_had(desk: Desk) -> None:
    desk.join()
    fields = shown(desk, target(desk))
    plans.write(PlanText("dollar", "Dollar", "", {Interval.MONTH: Money(700, "usd")}), "For the test")
    db.session.commit()
    own, dollar = target(desk, "supporter"), target(desk, "dollar")
    for path in (own, dollar, desk.path("plan/999")):
        assert desk.browser.get(path).status_code == 404
    assert desk.browser.post(dollar, data=fields).status_code == 404
    assert desk.browser.post(desk.path("plan/999"), data=fields).status_code == 404
    assert "Dollar" not in desk.browser.get(desk.path("plan")).text
    assert stays(desk)


def test_another_readers_plan_is_not_found(desk: Desk) -> None:
    desk.join()
    path = target(desk)
    fields = shown(desk, path)
    other = Reader(email="other@example.org", confirmed_at=desk.shop.sandbox.now())
    db.session.add(other)
    db.session.commit()
    mine, desk.shop.reader = desk.shop.reader, other
    foreign = desk.shop.join()
    desk.shop.reader = mine
    there = path.replace(f"/{desk.held().id}/", f"/{foreign.id}/")
    assert desk.browser.get(there).status_code == 404
    assert desk.browser.post(there, data=fields).status_code == 404
    for deed in ("plan", "pay", "pause", "resume"):
        assert desk.browser.get(f"/account/membership/{foreign.id}/{deed}").status_code == 404


def test_who_pays_for_several_seats_keeps_the_plan_until_it_is_one(desk: Desk) -> None:
    desk.join()
    plans.write(
        PlanText("group", "Group", "", {Interval.MONTH: Money(300, "eur")}, seats=SeatRange(2, 5)),
        "For the test",
    )
    db.session.commit()
    fields = shown(desk, target(desk))
    assert "Group" not in desk.browser.get(desk.path("plan")).text
    item = desk.at_stripe().items.data[0].id
    gateway().client.v1.subscription_items.update(item, {"quantity": 3})
    for answer in (desk.browser.get(target(desk)), desk.browser.post(target(desk), data=fields)):
        assert answer.status_code == 409
        assert "You pay for several seats" in answer.text
    assert "You pay for several seats" in desk.browser.get(desk.path("plan")).text
    assert "everyone who has a seat" in desk.browser.get(desk.path("cancel")).text
    assert stays(desk)


def test_prices_that_can_be_chosen_leave_out_what_is_held(desk: Desk) -> None:
    desk.join()
    db.session.rollback()
    held = db.session.merge(desk.held())
    found = [(price.plan.slug, price.interval) for price in switching.choices(held)]
    assert found == [("circle", Interval.MONTH), ("supporter", Interval.YEAR)]


def join_with(desk: Desk, number: str) -> None:
    """Join with a card; a bank that asks is answered."""
    if number != ASKS:
        desk.join(number=number)
        return
    session_id = desk.shop.begin()
    desk.shop.pay(session_id, number)
    desk.shop.sandbox.checkout.authenticate(session_id, passed=True)
    desk.browser.get(f"/join/return?session_id={session_id}")


def test_who_was_sold_a_quarter_by_staff_is_told_so_and_may_move_to_a_month(desk: Desk) -> None:
    desk.join()
    desk.shop.sell_by_the_quarter()
    assert "€15 every 3 months" in desk.account()
    page = desk.browser.get(desk.path("plan")).text
    assert "at €15 every 3 months" in page
    assert target(desk, "supporter") in page
