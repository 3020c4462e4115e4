"""Groups over HTTP: bought by the seat, given by invitation, worth what the owner's membership is."""

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from paywall import clock as ours
from paywall.accounts.models import Reader
from paywall.billing.gateway import gateway
from paywall.billing.groups import inviting, letters, seats
from paywall.billing.groups.models import Invitation, Seat
from paywall.billing.models import StripeCustomer, StripeTwin, TwinKind
from paywall.db import db
from paywall.membership.models import MembershipEvent, Plan
from paywall.membership.rules import Source, Status
from paywall.sandbox import Dunning
from tests.accounts.browser import link_in, send
from tests.billing.apart import reads
from tests.billing.groups.conftest import MIA, NOA, OWNER, UMA, School
from tests.staffing import Staff

pytestmark = pytest.mark.story

Deliver = Callable[[], int]
SECOND = timedelta(seconds=1)
DECLINES_LATER = "4000000000000341"


def test_an_owner_buys_seats_invites_and_others_read(school: School) -> None:
    assert "From 3 to 10 seats." in school.owner.get("/join").text
    school.buy(3)
    held = school.paid()
    assert (held.seats, held.amount, held.monthly) == (3, 1200, 1200)
    assert reads(school.owner)
    assert "/account/group" in school.letters("welcome", OWNER)[0].text
    assert "1 of 3 seats are taken." in school.owner.get("/account").text
    assert school.invite(MIA, f" {NOA} ", MIA).status_code == 303
    assert "2 invitations are on their way." in school.page()
    assert "2 invitations wait for an answer." in school.page()
    assert school.accept(MIA, school.link(MIA)).location == "/account"
    account = school.browser(MIA).get("/account").text
    assert f"You have a seat in the group of {OWNER}, at present until" in account
    assert "You read with a seat in a group; nothing is charged to you." in account
    assert "Price" not in account
    assert reads(school.browser(MIA))
    seat = school.held(MIA)
    assert (seat.source, seat.status, seat.monthly, seat.plan_id) == (Source.GROUP, "active", 0, held.plan_id)
    assert seat.access_until == held.access_until
    assert [one.to for one in school.letters("group_joined")] == [OWNER]
    assert school.letters("welcome", MIA) == []


def test_a_new_reader_comes_with_the_letter_signs_up_on_the_way_and_uses_another_address(
    school: School,
) -> None:
    school.buy()
    school.invite(MIA)
    browser, path = school.shop.app.test_client(), school.link(MIA)
    assert "An account is free" in browser.get(path).text
    assert OWNER in browser.get(path).text
    send(browser, "/sign-up", page=f"/sign-up?next={path}", email=NOA, next=path)
    assert send(browser, link_in(school.read()[-1])).location == path
    assert not reads(browser)
    token = path.partition("token=")[2]
    assert send(browser, "/group/join", page=path, token=token).status_code == 303
    assert reads(browser)
    assert NOA in school.page()
    assert school.letters("group_joined")[0].subject == f"{NOA} has taken a seat in your group"


def test_the_table_of_invitations_opens_no_seat(school: School) -> None:
    school.buy()
    school.invite(MIA)
    token = school.link(MIA).partition("token=")[2]
    row = school.invitation(MIA)
    assert token not in {str(getattr(row, column.key)) for column in Invitation.__table__.columns}
    assert len(token) >= 43


def test_members_read_until_the_very_instant_at_which_the_owner_ends_and_not_before(
    school: School, deliver: Deliver
) -> None:
    school.buy()
    mia = school.joins(MIA)
    school.change(cancel_at_period_end=True)
    end = school.paid().cancel_at
    assert end is not None
    assert school.held(MIA).access_until == school.paid().access_until == end
    assert reads(mia)
    assert "until" in mia.get("/account").text
    school.shop.sandbox.advance(to=end - timedelta(minutes=1))
    deliver()
    with school.standing_at(end - SECOND):
        assert reads(mia)
        assert reads(school.owner)
    school.shop.sandbox.advance(to=end)
    assert not reads(mia)
    assert not reads(school.owner)
    deliver()
    assert not reads(mia)
    assert school.held(MIA).status is Status.CANCELED
    deliver()
    assert len(school.letters("group_ended", MIA)) == 1


def test_an_owner_who_stays_after_all_keeps_all(school: School, deliver: Deliver) -> None:
    school.buy()
    mia = school.joins(MIA)
    school.change(cancel_at_period_end=True)
    end = school.paid().cancel_at
    assert end is not None
    school.change(cancel_at_period_end=False)
    assert school.held(MIA).cancel_at is None
    school.shop.sandbox.advance(to=end + timedelta(hours=3))
    deliver()
    assert reads(mia)
    assert school.held(MIA).access_until == school.paid().access_until
    assert (school.paid().access_until or end) > end + timedelta(days=27)
    changes = [line.change for line in _ledger(MIA)]
    assert changes == ["started", "canceling", "cancel_undone"]
    assert school.letters("group_ended") == []


def test_members_have_the_owners_grace_and_no_letter_about_money(school: School, deliver: Deliver) -> None:
    school.buy(number=DECLINES_LATER)
    mia = school.joins(MIA)
    school.shop.sandbox.advance(to=(school.paid().period_end or ours.now()) + timedelta(hours=2))
    deliver()
    assert school.paid().status is Status.PAST_DUE
    until = school.paid().access_until
    assert until is not None
    assert (school.held(MIA).status, school.held(MIA).access_until) == (Status.ACTIVE, until)
    assert reads(mia)
    with school.standing_at(until - SECOND):
        assert reads(mia)
    school.shop.sandbox.advance(to=until)
    assert not reads(mia)
    assert "not paid for at the moment" in mia.get("/account").text
    assert "not paid for at the moment" in school.page()
    assert [one.kind for one in school.read() if one.to == MIA] == ["group_invitation", "confirm"]


def test_when_the_last_retry_fails_all_end(school: School, deliver: Deliver) -> None:
    school.buy(number=DECLINES_LATER)
    mia = school.joins(MIA)
    school.shop.sandbox.dunning = Dunning(days=(1,))
    school.shop.sandbox.advance(months=2)
    deliver()
    assert school.held(MIA).status is Status.CANCELED
    assert not reads(mia)
    assert [line.monthly_delta for line in _ledger(MIA)] == [0, 0]


def test_an_end_at_once_ends_all_at_once(school: School) -> None:
    school.buy()
    mia = school.joins(MIA)
    gateway().client.v1.subscriptions.cancel(school.paid().external_id)
    school.sync()
    assert not reads(mia)
    assert school.held(MIA).ended_at == school.paid().ended_at
    assert school.owner.get("/account/group").location == "/account"
    assert "group of" not in mia.get("/account").text


def test_an_owner_whose_customer_is_deleted_at_stripe_ends_with_all(school: School) -> None:
    school.buy()
    mia, noa = school.joins(MIA), school.joins(NOA)
    customer = db.session.scalars(select(StripeCustomer.stripe_id)).one()
    db.session.rollback()
    gateway().client.v1.customers.delete(customer or "")
    school.sync()
    assert not reads(mia)
    assert not reads(noa)


def test_a_paused_group_rests_and_goes_on(school: School) -> None:
    school.buy()
    mia = school.joins(MIA)
    subscription = school.paid().external_id
    gateway().client.v1.subscriptions.pause(subscription, {"type": "subscription"})
    school.sync()
    assert school.held(MIA).status is Status.PAUSED
    until = school.paid().access_until
    assert until is not None
    assert reads(mia)
    letter = school.letters("group_ended", MIA)[0]
    assert "paused" in letter.subject
    assert "You can read on until" in letter.text
    school.shop.sandbox.advance(to=until)
    assert not reads(mia)
    gateway().client.v1.subscriptions.resume(subscription)
    school.sync()
    assert reads(mia)


def test_members_follow_the_owner_into_another_plan(school: School) -> None:
    school.buy()
    mia = school.joins(MIA)
    price = school.shop.price("college").id
    twin = select(StripeTwin.stripe_id).where(StripeTwin.kind == TwinKind.PRICE, StripeTwin.own_id == price)
    college = db.session.scalars(twin).one()
    plan_id = db.session.scalars(select(Plan.id).where(Plan.slug == "college")).one()
    db.session.rollback()
    school.change(price=college)
    assert school.held(MIA).plan_id == school.paid().plan_id == plan_id
    assert reads(mia)


def test_a_seat_taken_back_closes_at_once_and_can_be_given_again(school: School) -> None:
    school.buy(3)
    mia, noa = school.joins(MIA), school.joins(NOA)
    assert "No seat is free" in school.invite(UMA).text
    assert school.post("remove", seat=school.seat(MIA).id).status_code == 303
    assert not reads(mia)
    assert reads(noa)
    assert "has been taken back" in school.letters("group_removed", MIA)[0].subject
    assert reads(school.joins(UMA))
    assert school.post("remove", seat=school.seat(MIA).id).status_code == 404
    assert [line.change for line in _ledger(MIA)] == ["started", "ended"]


def test_who_was_removed_can_come_back(school: School) -> None:
    school.buy(3)
    mia = school.joins(MIA)
    school.post("remove", seat=school.seat(MIA).id)
    school.shop.sandbox.advance(by=timedelta(hours=2))
    school.joins(MIA)
    assert reads(mia)


def test_a_member_leaves_and_nobody_else_can_do_it_for_them(school: School) -> None:
    school.buy(3)
    mia, noa = school.joins(MIA), school.joins(NOA)
    seat = str(school.seat(MIA).id)
    for path in ("leave", "remove"):
        assert send(noa, f"/account/group/{path}", page="/account", seat=seat).status_code == 404
    assert reads(mia)
    assert send(mia, "/account/group/leave", page="/account", seat=seat).location == "/account"
    assert not reads(mia)
    assert "One seat is free." in school.page()
    assert school.letters("group_removed") == []


def test_a_revoked_invitation_is_dead_and_frees_its_seat(school: School) -> None:
    school.buy(3)
    school.invite(MIA, NOA)
    path = school.link(MIA)
    assert school.post("revoke", invitation=school.invitation(MIA).id).status_code == 303
    assert school.browser(MIA).get(path).status_code == 404
    assert school.accept(MIA, path).status_code == 404
    assert school.invite(UMA).status_code == 303
    assert not reads(school.browser(MIA))


def test_an_invitation_sent_again_has_a_new_link_and_the_old_one_is_dead(school: School) -> None:
    school.buy(3)
    school.invite(MIA)
    old = school.link(MIA)
    school.post("resend", invitation=school.invitation(MIA).id)
    assert "a short while ago" in school.page()
    school.shop.sandbox.advance(by=timedelta(hours=1))
    school.post("resend", invitation=school.invitation(MIA).id)
    assert school.link(MIA) != old
    assert school.browser(MIA).get(old).status_code == 404
    assert school.accept(MIA, school.link(MIA)).status_code == 303


def test_an_invitation_is_good_for_thirty_days_and_keeps_a_seat_no_longer(school: School) -> None:
    school.buy(3)
    school.invite(MIA, NOA)
    until = school.invitation(MIA).until
    school.shop.sandbox.advance(to=until - timedelta(minutes=1))
    school.sync()
    with school.standing_at(until - SECOND):
        assert school.accept(MIA, school.link(MIA)).status_code == 303
    school.shop.sandbox.advance(to=until)
    school.sync()
    assert school.browser(NOA).get(school.link(NOA)).status_code == 404
    assert "One seat is free." in school.page()
    school.shop.sandbox.advance(by=timedelta(days=61))
    inviting.forget_invited()
    assert db.session.scalars(select(Invitation)).all() == []


def test_who_pays_for_themselves_is_told_before_they_take_a_seat(school: School) -> None:
    school.buy(3)
    mia = school.browser(MIA)
    price = str(school.shop.price().id)
    paying = send(mia, "/join/checkout", page="/join", price=price).location
    school.shop.pay(paying.rpartition("/")[2])
    db.session.rollback()
    mia.get(f"/join/return?session_id={paying.rpartition('/')[2]}")
    school.invite(MIA)
    answer = school.accept(MIA, school.link(MIA))
    assert answer.status_code == 409
    assert "You have a membership already, and pay for it." in answer.text
    assert school.accept(MIA, school.link(MIA), anyway="1").status_code == 303
    school.post("remove", seat=school.seat(MIA).id)
    assert reads(mia)
    assert school.letters("group_removed") == []


def test_the_owner_takes_no_second_seat_and_a_member_none_either(school: School) -> None:
    school.buy(4)
    school.joins(MIA)
    school.invite(NOA)
    path = school.link(NOA)
    assert school.accept(OWNER, path).status_code == 409
    assert school.accept(MIA, path).status_code == 303
    assert school.accept(NOA, path).status_code == 303
    assert school.accept(NOA, path).status_code == 303
    assert school.accept(UMA, path).status_code == 404
    assert db.session.scalar(select(func.count()).select_from(Seat)) == 2
    school.invite(MIA, OWNER)
    assert "Nobody was written to" in school.page()


def test_members_are_reminded_once_before_the_end_and_not_who_goes_on(school: School) -> None:
    school.buy(4)
    school.joins(MIA)
    school.change(cancel_at_period_end=True)
    end = school.paid().cancel_at
    assert end is not None
    for left, count in ((timedelta(days=7, seconds=1), 0), (timedelta(days=7), 1), (timedelta(days=1), 1)):
        school.shop.sandbox.advance(to=end - left)
        letters.announce_ends()
        assert len(school.letters("group_ending", MIA)) == count


def test_what_a_group_is_shown_to_nobody_else(school: School) -> None:
    school.buy(3)
    school.invite(MIA)
    stranger = school.browser(UMA)
    assert stranger.get("/account/group").location == "/account"
    number = str(school.invitation(MIA).id)
    for what, fields in (
        ("invite", {"addresses": NOA}),
        ("resend", {"invitation": number}),
        ("revoke", {"invitation": number}),
        ("seats", {"seats": "4"}),
    ):
        answer = send(stranger, f"/account/group/{what}", page="/account", **fields)
        assert answer.status_code == 404
    assert OWNER not in stranger.get("/account").text
    assert school.shop.app.test_client().get("/account/group").status_code == 302


def test_a_sync_that_changes_nothing_writes_no_seat_anew(school: School) -> None:
    school.buy(3)
    school.joins(MIA)
    before = school.held(MIA).updated_at
    school.sync()
    assert school.held(MIA).updated_at == before


def test_staff_see_groups_from_a_shell(school: School) -> None:
    school.buy(3)
    school.joins(MIA)
    school.invite(NOA)
    run = school.shop.app.test_cli_runner().invoke
    db.session.rollback()
    listed = run(args=["paywall", "group", "list"]).output
    assert f"2 of 3 seats taken, 1 invited: {OWNER} (school)" in listed
    shown = run(args=["paywall", "group", "show", str(school.group().id)]).output
    assert "€12 a month for 3 seats of school" in shown
    assert f"member      {MIA} since" in shown
    assert f"invited     {NOA} until" in shown
    assert run(args=["paywall", "group", "show", "99"]).exit_code == 1


def test_in_the_report_a_group_is_one_patron_with_its_seats(school: School, staff: Staff) -> None:
    school.buy(3)
    school.joins(MIA)
    db.session.rollback()
    browser = staff("bookkeeper", email=OWNER)
    text = browser.get("/staff").text
    assert re.search("<b><a[^>]+>1</a></b> <span>active patrons</span>", text)
    assert re.search(r"<b><a[^>]+>€12</a></b> <span>a month \(MRR, EUR\)</span>", text)
    assert "Members of groups" in text
    rows = csv.DictReader(io.StringIO(browser.get("/staff/patrons.csv").get_data().decode("utf-8-sig")))
    shown = [(row["e-mail"], row["source"], row["monthly"], row["seats"]) for row in rows]
    assert shown == [(MIA, "group", "0.00", "1"), (OWNER, "stripe", "12.00", "3")]


def test_no_other_number_of_seats_is_sold(school: School) -> None:
    price = str(school.shop.price("school").id)
    for asked in ("2", "11", "0", "-1"):
        answer = send(school.owner, "/join/checkout", page="/join", price=price, seats=asked)
        assert answer.status_code == 400
        assert "Please choose between 3 and 10 seats." in answer.text


def test_a_plan_for_one_is_sold_once_whatever_a_form_says(school: School) -> None:
    price = str(school.shop.price("supporter").id)
    answer = send(school.owner, "/join/checkout", page="/join", price=price, seats="5")
    school.pay(answer.location)
    assert (school.paid().seats, school.paid().amount) == (1, 500)
    assert seats.owned(school.paid().reader_id) is None


def _ledger(email: str) -> list[MembershipEvent]:
    db.session.rollback()
    mine = select(MembershipEvent).join(Reader, Reader.id == MembershipEvent.reader_id)
    return list(db.session.scalars(mine.where(Reader.email == email).order_by(MembershipEvent.id)))
