"""How many seats: never more given than paid for, and what happens when their number changes."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from paywall import clock as ours
from paywall.accounts.models import Reader
from paywall.billing.gateway import gateway
from paywall.billing.groups import inviting, seats
from paywall.billing.groups.models import Seat
from paywall.billing.groups.rules import Left
from paywall.db import db
from paywall.errors import PaywallError
from paywall.membership import applied
from paywall.membership.models import Subscription
from paywall.membership.rules import Source, Status
from paywall.sandbox import Fault, FaultKind
from paywall.sandbox.collection import AfterRetries, Dunning
from tests.accounts.browser import send
from tests.billing.apart import reads
from tests.billing.groups.conftest import MIA, NOA, OWNER, UMA, School
from tests.conftest import let_settings_say

pytestmark = pytest.mark.story

SECOND = timedelta(seconds=1)
DECLINES_LATER = "4000000000000341"


def at_once(school: School, *tries: tuple[str, str]) -> list[str]:
    """Readers (by address) accept the invitations with these links at the same instant; who got a seat."""
    db.session.rollback()
    ids = {
        email: db.session.scalars(select(Reader.id).where(Reader.email == email)).one() for email, _ in tries
    }
    db.session.rollback()
    start, won = threading.Barrier(len(tries)), []

    def accept(email: str, path: str) -> None:
        with school.shop.app.test_request_context():
            start.wait(10)
            try:
                inviting.accept(db.session.get_one(Reader, ids[email]), path.partition("token=")[2])
                db.session.commit()
                won.append(email)
            except PaywallError:
                db.session.rollback()

    threads = [threading.Thread(target=accept, args=each) for each in tries]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return won


def test_of_many_with_one_link_at_the_same_instant_one_has_the_seat(school: School) -> None:
    school.buy(5)
    school.invite(MIA)
    for email in (MIA, NOA, UMA):
        school.browser(email)
    won = at_once(school, *((email, school.link(MIA)) for email in (MIA, NOA, UMA)))
    assert len(won) == 1
    assert [reads(school.browser(email)) for email in (MIA, NOA, UMA)] == [
        email == won[0] for email in (MIA, NOA, UMA)
    ]


def test_of_three_links_for_one_seat_at_the_same_instant_one_opens_it(school: School) -> None:
    school.buy(4)
    school.invite(MIA, NOA, UMA)
    for email in (MIA, NOA, UMA):
        school.browser(email)
    school.change(quantity=2)
    won = at_once(school, *((email, school.link(email)) for email in (MIA, NOA, UMA)))
    assert len(won) == 1
    assert len(db.session.scalars(select(Seat)).all()) == 1
    late = next(email for email in (MIA, NOA, UMA) if email not in won)
    answer = school.accept(late, school.link(late))
    assert answer.status_code == 409
    assert f"Please ask {OWNER}" in answer.text


def test_one_reader_with_two_links_at_the_same_instant_has_one_seat(school: School) -> None:
    school.buy(5)
    school.invite(MIA, NOA)
    school.browser(MIA)
    at_once(school, (MIA, school.link(MIA)), (MIA, school.link(NOA)))
    assert len(db.session.scalars(select(Seat)).all()) == 1
    assert reads(school.browser(MIA))


def test_nobody_is_invited_beyond_the_free_seats(school: School) -> None:
    school.buy(3)
    assert "There are only 2 free seats." in school.invite(MIA, NOA, UMA).text
    assert school.letters("group_invitation") == []
    school.invite(MIA)
    assert "There is only one free seat." in school.invite(NOA, UMA).text
    assert UMA in school.invite(NOA, UMA).text


def test_fewer_seats_than_members_take_nothing_at_once(school: School) -> None:
    school.buy(4)
    browsers = {email: school.joins(email) for email in (MIA, NOA, UMA)}
    school.change(quantity=2)
    until = school.group().surplus_until
    assert until == min(school.paid().period_end or ours.now(), ours.now() + timedelta(days=30))
    assert all(map(reads, browsers.values()))
    assert "You pay for 2 seats, and 4 are taken." in school.page()
    assert "More seats are taken than you pay for" in school.owner.get("/account").text
    school.sync()
    assert len(school.letters("group_surplus", OWNER)) == 1
    assert [school.held(email).cancel_at for email in (MIA, NOA, UMA)] == [None, until, until]
    assert "No seat is free" in school.invite("new@example.org").text
    assert until is not None
    with school.standing_at(until - SECOND):
        assert all(map(reads, browsers.values()))
    school.shop.sandbox.advance(to=until)
    # The dates alone close the door; the job only tidies up.
    assert [reads(browser) for browser in browsers.values()] == [True, False, False]
    for _ in range(2):
        seats.put_right()
    assert school.seat(UMA).why is Left.SURPLUS
    assert school.held(UMA).ended_at == until
    assert [len(school.letters("group_removed", email)) for email in (MIA, NOA, UMA)] == [0, 1, 1]
    assert school.group().surplus_until is None
    assert "2 of 2 seats are taken." in school.page()


def test_an_owner_chooses_who_goes(school: School) -> None:
    school.buy(4)
    mia, noa, uma = (school.joins(email) for email in (MIA, NOA, UMA))
    school.change(quantity=3)
    until = school.group().surplus_until
    assert school.held(UMA).cancel_at == until
    school.post("remove", seat=school.seat(MIA).id)
    assert school.group().surplus_until is None
    assert school.held(UMA).cancel_at is None
    assert until is not None
    school.shop.sandbox.advance(to=until + timedelta(hours=1))
    school.sync()
    seats.put_right()
    assert [reads(browser) for browser in (mia, noa, uma)] == [False, True, True]


def test_an_owner_adds_seats_and_all_stay(school: School) -> None:
    school.buy(4)
    school.joins(MIA)
    school.joins(NOA)
    uma = school.joins(UMA)
    school.change(quantity=2)
    school.change(quantity=4)
    assert school.held(UMA).cancel_at is None
    assert reads(uma)
    assert school.group().surplus_until is None


def test_a_single_plan_leaves_the_owner_alone_after_the_time_to_choose(school: School) -> None:
    school.buy(3)
    mia = school.joins(MIA)
    school.change(quantity=1)
    until = school.group().surplus_until
    assert until is not None
    assert reads(mia)
    school.shop.sandbox.advance(to=until)
    assert not reads(mia)


def price_of(school: School, wanted: int) -> dict[str, str]:
    """Ask what another number of seats costs; the fields of the form by which it is agreed to."""
    text = school.post("seats", seats=wanted).text
    found = {}
    for name in ("seats", "at", "total"):
        found[name] = text.partition(f'name="{name}" value="')[2].partition('"')[0]
    return found


def test_more_seats_cost_what_was_shown_and_are_there_at_once(
    school: School, deliver: Callable[[], int]
) -> None:
    school.buy(3)
    school.shop.sandbox.advance(by=timedelta(days=12))
    offer = price_of(school, 5)
    assert 0 < int(offer["total"]) < 800
    assert school.paid().seats == 3
    school.shop.sandbox.advance(by=timedelta(minutes=20))
    assert school.post("seats/take", **offer).status_code == 303
    assert "You have 5 seats now." in school.page()
    assert (school.paid().seats, school.paid().amount, school.paid().monthly) == (5, 2000, 2000)
    bills = gateway().client.v1.invoices.list({"subscription": school.paid().external_id}).data
    assert (bills[0].total, bills[0].status) == (int(offer["total"]), "paid")
    assert school.post("seats/take", **offer).status_code == 303
    deliver()
    assert len(gateway().client.v1.invoices.list({}).data) == 2


def test_fewer_seats_are_credited(school: School) -> None:
    school.buy(6)
    school.shop.sandbox.advance(by=timedelta(days=12))
    text = school.post("seats", seats=4).text
    assert "To your credit" in text
    offer = price_of(school, 4)
    assert -800 < int(offer["total"]) < 0
    school.post("seats/take", **offer)
    assert school.paid().seats == 4
    customer = gateway().client.v1.customers.list({"email": OWNER}).data[0]
    assert customer.balance == int(offer["total"])


def test_credit_pays_first_for_the_seats_that_come_back(school: School) -> None:
    school.buy(6)
    school.post("seats/take", **price_of(school, 4))
    text = school.post("seats", seats=5).text
    assert "Nothing is charged today." in text
    school.post("seats/take", **price_of(school, 5))
    assert gateway().client.v1.invoices.list({}).data[0].amount_due == 0


def test_a_discount_goes_on_for_more_seats(school: School) -> None:
    school.buy(4)
    coupon = gateway().client.v1.coupons.create({"percent_off": 25, "duration": "forever"}).id
    school.change(discounts=[{"coupon": coupon}])
    assert school.paid().monthly == 1200
    text = school.post("seats", seats=8).text
    assert "€32 a month (before your discount)" in text
    school.post("seats/take", **price_of(school, 8))
    assert school.paid().monthly == 2400


def test_in_a_trial_seats_cost_nothing_yet(school: School) -> None:
    school.buy(3)
    end = int((ours.now() + timedelta(days=5)).timestamp())
    school.change(trial_end=end)
    assert school.paid().status is Status.TRIALING
    assert "Nothing is charged today." in school.post("seats", seats=4).text
    school.post("seats/take", **price_of(school, 4))
    assert (school.paid().seats, school.paid().monthly) == (4, 0)


def test_a_card_that_is_refused_changes_nothing(school: School) -> None:
    school.buy(3, number=DECLINES_LATER)
    school.shop.sandbox.advance(by=timedelta(days=3))
    offer = price_of(school, 5)
    school.post("seats/take", **offer)
    assert "Your card was not charged, and nothing was changed." in school.page()
    school.sync()
    assert (school.paid().seats, school.paid().status) == (3, Status.ACTIVE)


def test_a_price_that_is_too_old_or_was_tampered_with_is_shown_again(school: School) -> None:
    school.buy(3)
    offer = price_of(school, 5)
    future = str(int(offer["at"]) + 20 * 24 * 3600)
    for wrong in (offer | {"total": "1"}, offer | {"at": future}):
        answer = school.post("seats/take", **wrong)
        assert answer.status_code == 200
        assert "Charged today" in answer.text
    school.shop.sandbox.advance(by=timedelta(minutes=31))
    assert "please look at the price again" in school.post("seats/take", **offer).text
    assert school.post("seats/take", **(offer | {"total": "much"})).status_code == 400
    assert school.paid().seats == 3


def test_no_number_is_offered_that_is_not_sold_or_that_has_people_in_it(school: School) -> None:
    school.buy(5)
    school.joins(MIA)
    school.invite(NOA, UMA, "ida@example.org")
    for wanted in (3, 4, 11):
        school.post("seats", seats=wanted)
        assert "Please choose between 5 and 10 seats." in school.page()
    assert school.post("seats", seats=0).status_code == 400
    school.post("seats", seats=5)
    assert "You have this number of seats already." in school.page()


def test_who_owes_money_pays_first(school: School) -> None:
    school.buy(3, number=DECLINES_LATER)
    school.shop.sandbox.advance(to=(school.paid().period_end or ours.now()) + timedelta(hours=2))
    school.sync()
    school.post("seats", seats=4)
    assert "Please pay what is open first" in school.page()


def test_while_stripe_is_down_nothing_changes_and_the_page_says_so(school: School) -> None:
    school.buy(3)
    school.shop.sandbox.faults.set(Fault(FaultKind.API_ERROR, times=None))
    assert school.post("seats", seats=4).status_code == 503
    school.shop.sandbox.faults.clear()
    assert school.paid().seats == 3


@pytest.mark.settings(rate_limits=True)
def test_an_owner_cannot_write_to_the_whole_world(school: School) -> None:
    school.buy(3)
    for number in range(10):
        assert school.invite(f"a{number}@example.org", f"b{number}@example.org").status_code == 303
        for letter in ("a", "b"):
            school.post("revoke", invitation=school.invitation(f"{letter}{number}@example.org").id)
    assert school.invite("one.more@example.org").status_code == 429
    assert school.shop.app.test_client().post("/account/group/invite").status_code in (302, 400)
    assert len(school.letters("group_invitation")) == 20


def test_one_address_is_not_written_to_again_and_again(school: School) -> None:
    school.buy(3)
    for letters in range(1, 6):
        assert school.invite(MIA).status_code == 303
        assert len(school.letters("group_invitation", MIA)) == letters
        school.post("revoke", invitation=school.invitation(MIA).id)
        assert "often enough" in school.invite(MIA).text
        school.shop.sandbox.advance(by=timedelta(hours=2))
    assert "often enough" in school.invite(MIA).text


def test_one_bad_line_and_nobody_is_written_to(school: School) -> None:
    school.buy(3)
    for wrong in ("nobody", "a@b", "<script>@example.org", "mia@example.org boo"):
        answer = school.invite(MIA, wrong)
        assert "does not look like an address" in answer.text
        assert "<script>" not in answer.text
    assert school.letters("group_invitation") == []


def test_a_group_that_is_not_paid_for_takes_nobody_in(school: School) -> None:
    school.buy(4)
    # An invitation stands for thirty days; it is to outlast the month that is paid for.
    school.shop.sandbox.advance(by=timedelta(days=5))
    school.invite(MIA)
    path = school.link(MIA)
    gateway().client.v1.subscriptions.pause(school.paid().external_id)
    school.sync()
    paid_until = school.paid().access_until
    assert paid_until is not None
    school.shop.sandbox.advance(to=paid_until)
    assert "takes nobody in" in school.invite(NOA).text
    answer = school.accept(MIA, path)
    assert answer.status_code == 409
    assert not reads(school.browser(MIA))


def test_a_member_who_joins_while_the_owner_syncs_has_the_same_end(school: School) -> None:
    school.buy(4)
    school.invite(MIA, NOA)
    school.browser(MIA)
    school.browser(NOA)
    gateway().client.v1.subscriptions.update(school.paid().external_id, {"cancel_at_period_end": True})
    sync = threading.Thread(target=lambda: in_context(school, school.sync))
    sync.start()
    at_once(school, (MIA, school.link(MIA)), (NOA, school.link(NOA)))
    sync.join()
    ends: set[datetime | None] = {school.held(email).access_until for email in (MIA, NOA)}
    assert ends == {school.paid().cancel_at}


def test_who_pays_in_another_group_is_a_member_here_like_anyone(school: School) -> None:
    school.buy(3)
    noa = school.browser(NOA)
    price = str(school.shop.price("college").id)
    paying = send(noa, "/join/checkout", page="/join", price=price, seats="2").location.rpartition("/")[2]
    school.shop.pay(paying)
    db.session.rollback()
    noa.get(f"/join/return?session_id={paying}")
    school.invite(NOA)
    assert school.accept(NOA, school.link(NOA), anyway="1").status_code == 303
    db.session.rollback()
    sources = db.session.scalars(select(Subscription.source).join(Reader).where(Reader.email == NOA)).all()
    assert sorted(sources) == [Source.GROUP, Source.STRIPE]
    assert "Your group" in noa.get("/account").text
    assert f"in the group of {OWNER}" in noa.get("/account").text


def in_context(school: School, act: Callable[[], None]) -> None:
    """Do something in a context of its own."""
    with school.shop.app.app_context():
        act()


def test_a_changed_policy_reaches_the_members_too(school: School) -> None:
    school.buy(3)
    school.joins(MIA)
    before = school.held(MIA).access_until
    assert before is not None
    let_settings_say(school.shop.app, renewal_slack_hours=48)
    applied.apply()
    seats.put_right()
    assert school.held(MIA).access_until == school.paid().access_until == before + timedelta(days=1)


def test_where_unpaid_bills_leave_some_days_members_have_them_too(school: School) -> None:
    let_settings_say(school.shop.app, unpaid_days=5)
    school.shop.sandbox.dunning = Dunning((1,), AfterRetries.UNPAID)
    school.buy(3, number=DECLINES_LATER)
    mia = school.joins(MIA)
    end = school.paid().period_end
    assert end is not None
    school.shop.sandbox.advance(to=end + timedelta(days=3))
    school.sync()
    assert school.paid().status is Status.UNPAID
    assert school.paid().access_until == school.held(MIA).access_until
    assert reads(mia)
