"""Gifts over HTTP: bought, handed over, redeemed, given back; whatever is lost on the way."""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, func, select, update

from paywall import clock as ours
from paywall.accounts.models import Reader
from paywall.billing.gateway import gateway
from paywall.billing.gifts import giving, letters, redeeming
from paywall.billing.gifts.models import Gift
from paywall.billing.gifts.rules import GiftPayment, GiftState, Void
from paywall.billing.models import EventState, StripeEvent, StripeTwin
from paywall.billing.remote import Mode
from paywall.db import db
from paywall.errors import NotFound
from paywall.mail import Letter
from paywall.membership import record
from paywall.membership.models import MembershipEvent, Subscription
from paywall.membership.rules import Source, Status
from paywall.sandbox import Fault, FaultKind
from tests.accounts.browser import link_in, send, sign_up
from tests.articles.files import publish
from tests.billing.apart import Apart, reads
from tests.shop import GOOD, SITE, Shop, card

pytestmark = pytest.mark.story

GIVER, LUCKY = "gina@example.org", "luca@example.org"
DISPUTED = "4000000000000259"
Deliver = Callable[[], int]
Read = Callable[[], list[Letter]]


@dataclass
class Stand:
    """What a gift's story is told with."""

    shop: Shop
    client: FlaskClient
    letters: Read

    def order(self, months: int = 3, client: FlaskClient | None = None, **fields: str) -> str:
        """Fill in the form and send it; Stripe's page to pay on."""
        plan_id = self.shop.price().plan_id
        db.session.rollback()
        given = {
            "present": f"{plan_id}-{months}",
            "recipient_name": "Luca",
            "recipient_email": LUCKY,
            "message": "Read & enjoy",
            "buyer_name": "Gina",
            "buyer_email": GIVER,
        }
        answer = send(client or self.client, "/gift", **(given | fields))
        assert answer.status_code == 303, answer.text
        return answer.location

    def pay(self, page: str, number: str = GOOD) -> str:
        """Pay there; the path to which Stripe sends the browser."""
        paid = self.shop.sandbox.checkout.pay(page.rpartition("/")[2], card(number))
        return (paid.redirect_url or "").removeprefix(SITE)

    def give(self, months: int = 3, **fields: str) -> str:
        """A gift, paid, with its buyer back; its code."""
        assert self.client.get(self.pay(self.order(months, None, **fields))).status_code == 200
        return self.code()

    def code(self) -> str:
        """The code in the newest receipt."""
        receipt = [letter for letter in self.letters() if letter.kind == "gift_receipt"][-1]
        return code_in(receipt)

    def gift(self) -> Gift:
        """The newest gift as it stands, in no transaction."""
        db.session.rollback()
        found = db.session.scalars(select(Gift).order_by(Gift.id.desc()).limit(1)).one()
        db.session.refresh(found)
        db.session.expunge(found)
        db.session.rollback()
        return found

    def reader(self, email: str) -> Reader:
        """The reader with an address."""
        db.session.rollback()
        found = db.session.scalars(select(Reader).where(Reader.email == email)).one()
        db.session.commit()
        return found

    def kinds(self, to: str) -> list[str]:
        """The kinds of letters to an address."""
        return [
            letter.kind for letter in self.letters() if letter.to == to and letter.kind.startswith("gift")
        ]


def code_in(letter: Letter) -> str:
    """The code in a letter, which both parts have, with its link."""
    found = re.search(r"\b([2-9A-Z]{4}-){3}[2-9A-Z]{4}\b", letter.text)
    assert found, letter.text
    assert found.group(0) in letter.html
    assert f"/redeem?code={found.group(0)}" in letter.text
    return found.group(0)


def enter(client: FlaskClient, code: str, **fields: str) -> int:
    """Enter a code on the page; the answer's status."""
    return send(client, "/redeem", code=code, **fields).status_code


@pytest.fixture
def stand(shop: Shop, letters: Read) -> Stand:
    """A visitor who may give; the article is out."""
    publish()
    db.session.commit()

    def read() -> list[Letter]:
        db.session.rollback()
        return letters()

    shop.app.test_client_class = Apart
    return Stand(shop, shop.app.test_client(), read)


@pytest.fixture
def luca(stand: Stand) -> FlaskClient:
    """Another browser, in which the recipient is signed in."""
    browser = stand.shop.app.test_client()
    sign_up(browser, stand.letters, LUCKY)
    return browser


def test_a_visitor_gives_and_a_new_reader_redeems(stand: Stand, work: Callable[[], int]) -> None:
    assert "Thank you for your gift" in stand.client.get(stand.pay(stand.order())).text
    letter = next(letter for letter in stand.letters() if letter.kind == "gift")
    browser, path, code = stand.shop.app.test_client(), link_in(letter), code_in(letter)
    assert "An account is free" in browser.get(path).text
    send(browser, "/sign-up", page=f"/sign-up?next={path}", email=LUCKY, next=path)
    answer = send(browser, link_in(stand.letters()[-1]))
    assert answer.location == path
    assert not reads(browser)
    assert f'value="{code}"' in browser.get(path).text
    assert enter(browser, code) == 303
    account = browser.get("/account").text
    assert reads(browser)
    assert "The gift is yours. Thank Gina!" in account
    assert "You read thanks to a gift, until" in account
    assert "Price" not in account
    assert stand.kinds(LUCKY) == ["gift", "gift_started"]
    held = db.session.scalars(select(Subscription)).one()
    assert (held.source, held.monthly, held.external_id) == (Source.GIFT, 0, "gift:1")


def test_a_paid_gift_keeps_where_its_money_is_but_not_its_code(stand: Stand) -> None:
    code = stand.give()
    gift = stand.gift()
    assert (gift.state, gift.amount, gift.months, gift.buyer_id) == (GiftState.PAID, 1500, 3, None)
    assert gift.payment_intent
    assert gift.charge
    assert code.replace("-", "") not in f"{gift.salt}{gift.code_hash}"
    assert stand.kinds(GIVER) == ["gift_receipt"]
    assert stand.kinds(LUCKY) == ["gift"]
    letter = next(letter for letter in stand.letters() if letter.kind == "gift")
    assert code_in(letter) == code
    assert "Read & enjoy" in letter.text
    assert "Read &amp; enjoy" in letter.html


def test_who_is_signed_in_gives_with_their_one_customer(stand: Stand, luca: FlaskClient) -> None:
    page = stand.order(client=luca, buyer_email="someone.else@example.org", recipient_email="")
    session = gateway().client.v1.checkout.sessions.retrieve(page.rpartition("/")[2])
    db.session.rollback()
    gift = stand.gift()
    assert (gift.buyer_email, gift.recipient_email) == (LUCKY, None)
    assert gift.buyer_id == stand.reader(LUCKY).id
    assert session.customer is not None
    back = stand.pay(page)
    assert stand.client.get(back).status_code == 404
    assert "Hand over the letter" in luca.get(back).text
    assert stand.kinds(LUCKY) == ["gift_receipt"]


def test_who_never_comes_back_has_given_by_stripes_event_alone(stand: Stand, deliver: Deliver) -> None:
    stand.pay(stand.order())
    assert stand.gift().state is GiftState.OPEN
    for _ in range(2):
        deliver()
    assert stand.gift().state is GiftState.PAID
    assert stand.kinds(GIVER) == ["gift_receipt"]
    assert stand.kinds(LUCKY) == ["gift"]
    query = select(StripeEvent.state).where(StripeEvent.type == "checkout.session.completed")
    assert db.session.scalars(query).all() == [EventState.HANDLED]


def test_a_return_and_an_event_at_the_same_moment_write_one_letter_each(stand: Stand) -> None:
    stand.pay(stand.order())
    gift_id, start, states = stand.gift().id, threading.Barrier(3), []

    def settle() -> None:
        with stand.shop.app.app_context():
            start.wait()
            states.append(giving.settle(gift_id))

    tries = [threading.Thread(target=settle) for _ in range(3)]
    for each in tries:
        each.start()
    for each in tries:
        each.join()
    assert states == [GiftState.PAID] * 3
    assert stand.kinds(GIVER) == ["gift_receipt"]
    assert stand.kinds(LUCKY) == ["gift"]


def test_an_answer_of_stripe_that_was_overtaken_does_not_bring_a_refunded_gift_back(
    stand: Stand, luca: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, gift = stand.give(), stand.gift()
    asked: list[str] = []
    ask = gateway().gift_payment

    def slowly(session_id: str) -> GiftPayment:
        found = ask(session_id)
        if not asked:
            # While this answer is on its way the money goes back, and the event of that is handled.
            asked.append(session_id)
            gateway().client.v1.refunds.create({"payment_intent": gift.payment_intent or ""})
            assert giving.settle(gift.id) is GiftState.VOID
        return found

    monkeypatch.setattr(gateway(), "gift_payment", slowly)
    assert giving.settle(gift.id) is GiftState.VOID
    assert enter(luca, code) == 404


def test_without_event_and_return_the_hourly_look_finds_the_payment(stand: Stand) -> None:
    stand.pay(stand.order())
    giving.settle_open()
    assert stand.gift().state is GiftState.PAID
    giving.settle_open()
    assert stand.kinds(GIVER) == ["gift_receipt"]


def test_a_return_while_stripe_is_down_says_so_and_loses_nothing(stand: Stand, deliver: Deliver) -> None:
    back = stand.pay(stand.order())
    stand.shop.sandbox.faults.set(Fault(FaultKind.API_ERROR, times=None))
    assert stand.client.get(back).location == "/gift"
    stand.shop.sandbox.faults.clear()
    deliver()
    assert stand.gift().state is GiftState.PAID


def test_an_unpaid_page_makes_no_code(stand: Stand, luca: FlaskClient, deliver: Deliver) -> None:
    page = stand.order()
    session_id = page.rpartition("/")[2]
    stand.shop.sandbox.checkout.pay(session_id, card("4000000000000002"))
    assert "Nearly done" in stand.client.get(f"/gift/paid?session_id={session_id}").text
    code = letters.code(stand.gift().salt)
    assert enter(luca, code) == 404
    stand.shop.sandbox.advance(by=timedelta(days=2))
    deliver()
    assert stand.gift().state is GiftState.LAPSED
    assert enter(luca, code) == 404
    assert stand.letters()[-1].kind == "confirm"
    assert stand.client.get(f"/gift/paid?session_id={session_id}").location == "/gift"
    assert stand.client.get("/gift/paid?session_id=cs_none").status_code == 404
    assert not reads(luca)


def test_of_two_readers_with_one_code_one_has_it(stand: Stand, luca: FlaskClient) -> None:
    code = stand.give()
    other = stand.shop.app.test_client()
    sign_up(other, stand.letters, "ola@example.org")
    readers = [stand.reader(LUCKY).id, stand.reader("ola@example.org").id]
    code_hash, start, won = stand.gift().code_hash, threading.Barrier(2), []

    def redeem(reader_id: int) -> None:
        with stand.shop.app.app_context():
            start.wait()
            try:
                redeeming.redeem(db.session.get_one(Reader, reader_id), code_hash)
                db.session.commit()
                won.append(reader_id)
            except NotFound:
                db.session.rollback()

    tries = [threading.Thread(target=redeem, args=(reader_id,)) for reader_id in readers]
    for each in tries:
        each.start()
    for each in tries:
        each.join()
    assert len(won) == 1
    assert stand.gift().redeemer_id == won[0]
    assert sorted([enter(luca, code), enter(other, code)]) == [303, 404]
    assert db.session.scalar(select(func.count()).select_from(Subscription)) == 1
    assert [reads(luca), reads(other)] == [reader_id == won[0] for reader_id in readers]


@pytest.mark.settings(rate_limits=True)
def test_guessing_codes_is_limited_and_every_wrong_one_gets_the_same_answer(
    stand: Stand, luca: FlaskClient
) -> None:
    code = stand.give()
    assert enter(luca, code) == 303
    other = stand.shop.app.test_client()
    sign_up(other, stand.letters, "ola@example.org")
    wrong = [code, "AAAA-AAAA-AAAA-AAAA", "", "nonsense"]
    pages = [send(other, "/redeem", code=each) for each in wrong]
    assert {page.status_code for page in pages} == {404}
    assert all("This code cannot be redeemed." in page.text for page in pages)
    seen = [enter(other, "AAAA-AAAA-AAAA-AAAB") for _ in range(8)]
    assert seen[-1] == 429
    assert other.post("/redeem", data={}).status_code == 400
    assert stand.client.post("/redeem", data={}).status_code in {302, 400}
    assert not reads(other)


def test_several_gifts_follow_one_another(stand: Stand, luca: FlaskClient) -> None:
    for months in (1, 3):
        assert enter(luca, stand.give(months)) == 303
    first, second = redeeming.of(stand.reader(LUCKY).id)
    end = first.ends_at
    assert end is not None
    assert (second.starts_at, second.begun_at) == (end, None)
    assert luca.get("/account").text.count("from Gina") == 2
    stand.shop.sandbox.advance(to=end - timedelta(hours=20))
    redeeming.keep_running()
    assert stand.gift().begun_at is not None
    stand.shop.sandbox.advance(by=timedelta(hours=21))
    redeeming.keep_running()
    assert reads(luca)
    assert "gift_ending" not in stand.kinds(LUCKY)
    assert "gift_ended" not in stand.kinds(LUCKY)


def test_a_gift_says_that_it_ends_and_ends_by_itself(stand: Stand, luca: FlaskClient) -> None:
    enter(luca, stand.give(1))
    sandbox, end = stand.shop.sandbox, stand.gift().ends_at
    assert end is not None
    for left in (timedelta(days=14), timedelta(days=13), timedelta(days=3), timedelta(days=1)):
        sandbox.advance(to=end - left)
        redeeming.keep_running()
    assert stand.kinds(LUCKY).count("gift_ending") == 2
    assert reads(luca)
    sandbox.advance(to=end)
    assert not reads(luca)
    redeeming.keep_running()
    redeeming.keep_running()
    assert stand.kinds(LUCKY)[-1] == "gift_ended"
    assert stand.kinds(LUCKY).count("gift_ended") == 1
    assert stand.gift().state is GiftState.ENDED
    assert record.live(stand.reader(LUCKY).id) == []
    lines = [line.change.value for line in db.session.scalars(select(MembershipEvent))]
    assert lines == ["started", "canceling", "ended"]


def test_on_a_later_day_the_recipient_hears_of_it_then_and_not_before(
    stand: Stand, luca: FlaskClient
) -> None:
    day = (ours.now() + timedelta(days=10)).date()
    stand.give(deliver_on=day.isoformat())
    letters.deliver_due()
    assert stand.kinds(LUCKY) == []
    stand.shop.sandbox.advance(by=timedelta(days=11))
    for _ in range(2):
        letters.deliver_due()
    assert stand.kinds(LUCKY) == ["gift"]


@pytest.mark.parametrize("is_redeemed", [False, True])
def test_a_full_refund_kills_the_code_or_ends_the_gift(
    stand: Stand, luca: FlaskClient, deliver: Deliver, *, is_redeemed: bool
) -> None:
    code = stand.give()
    if is_redeemed:
        enter(luca, code)
        assert reads(luca)
    intent = stand.gift().payment_intent or ""
    gateway().client.v1.refunds.create({"payment_intent": intent, "amount": 100})
    deliver()
    assert stand.gift().state is (GiftState.REDEEMED if is_redeemed else GiftState.PAID)
    gateway().client.v1.refunds.create({"payment_intent": intent})
    deliver()
    assert (stand.gift().state, stand.gift().void_why) == (GiftState.VOID, Void.REFUNDED)
    assert not reads(luca)
    assert enter(luca, code) == 404
    if is_redeemed:
        assert db.session.scalars(select(Subscription.status)).all() == [Status.CANCELED]


def test_a_disputed_gift_is_dead_until_the_dispute_is_won(
    stand: Stand, luca: FlaskClient, deliver: Deliver
) -> None:
    stand.client.get(stand.pay(stand.order(), DISPUTED))
    deliver()
    assert (stand.gift().state, stand.gift().void_why) == (GiftState.VOID, Void.DISPUTED)
    code = letters.code(stand.gift().salt)
    assert enter(luca, code) == 404
    disputed = gateway().client.v1.disputes.list({"charge": stand.gift().charge or ""}).data[0].id
    stand.shop.sandbox.disputes.close(disputed, won=True)
    deliver()
    assert stand.gift().state is GiftState.PAID
    assert enter(luca, code) == 303


def test_a_reader_who_pays_is_asked_first(stand: Stand, luca: FlaskClient, deliver: Deliver) -> None:
    stand.shop.reader = stand.reader(LUCKY)
    stand.shop.join()
    code = stand.give()
    page = send(luca, "/redeem", code=code)
    assert page.status_code == 409
    assert "Keep it for later" in page.text
    assert stand.gift().state is GiftState.PAID
    assert enter(luca, code, anyway="1") == 303
    assert stand.gift().state is GiftState.REDEEMED


def test_after_a_cancelled_membership_the_gift_begins_where_it_ends(
    stand: Stand, luca: FlaskClient, deliver: Deliver
) -> None:
    stand.shop.reader = stand.reader(LUCKY)
    held = stand.shop.join()
    gateway().client.v1.subscriptions.update(held.external_id, {"cancel_at_period_end": True})
    deliver()
    assert enter(luca, stand.give()) == 303
    gift = stand.gift()
    assert gift.starts_at == stand.shop.held()[0].cancel_at
    assert gift.begun_at is None


def test_who_joins_while_a_gift_runs_pays_only_when_it_is_over(
    stand: Stand, luca: FlaskClient, deliver: Deliver
) -> None:
    enter(luca, stand.give(1))
    end = stand.gift().ends_at
    page = luca.get("/join").text
    assert page.count("Your gift pays for this until") == 1
    assert page.count("Your gift does not pay for this") == 1
    stand.shop.reader = stand.reader(LUCKY)
    held = [one for one in [stand.shop.join(), *stand.shop.held()] if one.source is Source.STRIPE]
    assert held[-1].status is Status.TRIALING
    assert held[-1].trial_end is not None
    assert end is not None
    assert abs(held[-1].trial_end - end) < timedelta(seconds=1)
    assert luca.get("/join").location == "/account"
    assert "The first payment, €5, is on" in luca.get("/account").text
    stand.shop.sandbox.advance(to=end - timedelta(days=1))
    redeeming.keep_running()
    assert "gift_ending" not in stand.kinds(LUCKY)


def test_a_void_gift_of_who_has_joined_meanwhile_is_told_to_staff_and_charges_nobody(
    stand: Stand, luca: FlaskClient
) -> None:
    enter(luca, stand.give())
    stand.shop.reader = stand.reader(LUCKY)
    stand.shop.join()
    run(stand, "void", str(stand.gift().id))
    assert [held.status for held in stand.shop.held()] == [Status.CANCELED, Status.TRIALING]
    assert reads(luca)


def test_another_plan_is_charged_at_once(stand: Stand, luca: FlaskClient) -> None:
    enter(luca, stand.give())
    stand.shop.reader = stand.reader(LUCKY)
    session = gateway().client.v1.checkout.sessions.retrieve(stand.shop.begin("circle"))
    assert session.amount_total == 1500


def test_a_shop_without_plans_gives_nothing(context: None, client: FlaskClient) -> None:
    assert "No membership is on sale" in client.get("/gift").text


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"present": "99-3"}, "Please choose one."),
        ({"recipient_name": "  "}, "Please give a name."),
        ({"recipient_name": "Lu\x07ca"}, "Please give a name."),
        ({"recipient_email": "luca"}, "does not look like"),
        ({"buyer_email": "gina@"}, "does not look like"),
        ({"buyer_name": ""}, "Please give your name."),
        ({"message": "x" * 1001}, "1000"),
        ({"deliver_on": "2001-01-01"}, "between today and a year"),
        ({"deliver_on": "2999-01-01"}, "between today and a year"),
    ],
)
def test_a_form_that_makes_no_sense_is_shown_again(stand: Stand, fields: dict[str, str], told: str) -> None:
    db.session.rollback()
    given = {"recipient_name": "Luca", "buyer_name": "Gina", "buyer_email": GIVER, "recipient_email": ""}
    page = send(stand.client, "/gift", **(given | fields))
    assert page.status_code == 200
    assert told in page.text
    assert db.session.scalar(select(func.count()).select_from(Gift)) == 0


def run(stand: Stand, *words: str, fails: bool = False) -> str:
    """Run `flask paywall gift ...`; what it said."""
    db.session.rollback()
    result = stand.shop.app.test_cli_runner().invoke(args=["paywall", "gift", *words])
    assert (result.exit_code != 0) is fails, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.output


def test_a_code_of_a_test_account_is_worth_nothing_in_the_real_one(stand: Stand, luca: FlaskClient) -> None:
    code = stand.give()
    db.session.execute(update(Gift).values(mode=Mode.TEST))
    db.session.commit()
    assert enter(luca, code) == 404
    assert not reads(luca)


def test_one_gift_that_cannot_be_moved_keeps_no_other_from_ending(stand: Stand, luca: FlaskClient) -> None:
    enter(luca, stand.give(1))
    db.session.add(Gift(**(_facts(stand.gift()) | {"begun_at": None, "redeemer_id": None})))
    db.session.commit()
    stand.shop.sandbox.advance(months=2)
    redeeming.keep_running()
    db.session.rollback()
    states = db.session.scalars(select(Gift.state).order_by(Gift.id)).all()
    assert states == [GiftState.ENDED, GiftState.REDEEMED]


def _facts(gift: Gift) -> dict[str, Any]:
    unique = {"id", "code_hash", "session_id", "payment_intent", "charge"}
    names = {column.name for column in Gift.__table__.columns} - unique
    return {name: getattr(gift, name) for name in names} | {"code_hash": "another"}


def test_who_redeems_the_same_code_again_has_it_still(stand: Stand, luca: FlaskClient) -> None:
    code = stand.give()
    assert [enter(luca, code), enter(luca, code)] == [303, 303]
    assert db.session.scalar(select(func.count()).select_from(Subscription)) == 1


def test_a_gift_that_ran_out_stays_so_when_its_money_goes_back(
    stand: Stand, luca: FlaskClient, deliver: Deliver
) -> None:
    enter(luca, stand.give(1))
    stand.shop.sandbox.advance(months=2)
    redeeming.keep_running()
    gateway().client.v1.refunds.create({"payment_intent": stand.gift().payment_intent or ""})
    deliver()
    assert stand.gift().state is GiftState.ENDED
    assert "has run out already" in run(stand, "void", str(stand.gift().id), fails=True)


def test_a_refund_that_we_never_heard_of_is_found_by_night(stand: Stand, luca: FlaskClient) -> None:
    for months in (1, 3):
        enter(luca, stand.give(months))
    first, second = redeeming.of(stand.reader(LUCKY).id)
    intent, first_id, second_id = first.payment_intent or "", first.id, second.id
    db.session.rollback()
    gateway().client.v1.refunds.create({"payment_intent": intent})
    giving.settle_paid()
    assert db.session.get_one(Gift, first_id).state is GiftState.VOID
    assert db.session.get_one(Gift, second_id).begun_at is not None
    assert reads(luca)


def test_a_plan_that_is_not_at_stripe_yet_is_not_given(stand: Stand) -> None:
    db.session.execute(delete(StripeTwin))
    db.session.commit()
    plan_id = stand.shop.price().plan_id
    names = {"recipient_name": "Luca", "recipient_email": "", "buyer_name": "Gina", "buyer_email": GIVER}
    page = send(stand.client, "/gift", present=f"{plan_id}-1", **names)
    assert page.status_code == 503
    assert "stripe-setup" in page.text


def test_staff_see_resend_and_make_void(stand: Stand, luca: FlaskClient) -> None:
    code = stand.give(recipient_email="")
    gift = stand.gift()
    number = str(gift.id)
    assert GIVER in run(stand, "list")
    assert run(stand, "list", "--state", "void") == ""
    shown = run(stand, "show", number)
    assert gift.payment_intent is not None
    assert gift.payment_intent in shown
    assert code not in shown
    assert GIVER in run(stand, "resend", number)
    assert LUCKY in run(stand, "resend", number, "--to", LUCKY)
    assert stand.kinds(LUCKY) == ["gift"]
    assert {code_in(one) for one in stand.letters() if one.kind.startswith("gift")} == {code}
    assert "not an address" in run(stand, "resend", number, "--to", "luca", fails=True)
    enter(luca, code)
    assert reads(luca)
    assert "no code to send" in run(stand, "resend", number, fails=True)
    assert "is void" in run(stand, "void", number)
    assert not reads(luca)
    giving.settle(gift.id)
    assert stand.gift().void_why is Void.STAFF
    assert "no gift 999" in run(stand, "void", "999", fails=True)


def test_a_new_secret_key_makes_a_new_code_for_the_next_letter(stand: Stand, luca: FlaskClient) -> None:
    old = stand.give(recipient_email="")
    stand.shop.app.config["SECRET_KEY"] = "another key of thirty-two letters, long"
    run(stand, "resend", str(stand.gift().id))
    new = stand.code()
    assert new != old
    browser = stand.shop.app.test_client()
    sign_up(browser, stand.letters, "ola@example.org")
    assert enter(browser, old) == 404
    assert enter(browser, new) == 303


def test_a_customer_deleted_at_stripe_can_give(stand: Stand, luca: FlaskClient) -> None:
    stand.order(client=luca)
    customer = gateway().client.v1.customers.list().data[0].id
    gateway().client.v1.customers.delete(customer)
    assert stand.order(client=luca).startswith(SITE)


def test_a_patron_deleted_at_stripe_who_gives_does_not_stay_one(stand: Stand, luca: FlaskClient) -> None:
    """Of a customer whom we do not know any more no event would tell us that it is over."""
    reader = stand.reader(LUCKY)
    db.session.rollback()
    Shop(stand.shop.app, stand.shop.sandbox, reader).join()
    gateway().client.v1.customers.delete(gateway().client.v1.customers.list().data[0].id)
    assert stand.order(client=luca).startswith(SITE)
    db.session.rollback()
    assert not record.billed(reader.id)


def test_a_gift_is_no_patron_who_pays(stand: Stand, luca: FlaskClient) -> None:
    enter(luca, stand.give())
    assert 'class="button small" href="/join' in luca.get("/account").text
