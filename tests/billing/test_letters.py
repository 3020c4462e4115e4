"""The letters of a membership: each once per cause, true when they go out, and none of a thing long past."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from paywall import clock, mail
from paywall.billing import checkout, reminders
from paywall.billing.gateway import gateway
from paywall.billing.letters import write_due
from paywall.billing.models import Collection, StripeCustomer
from paywall.billing.sync import sync
from paywall.db import db
from paywall.mail import Letter, Unsent
from paywall.membership.rules import Interval, Status
from paywall.sandbox import Card, Fault, FaultKind
from paywall.sandbox.collection import AfterRetries, Dunning
from tests.shop import GOOD, Shop, card

pytestmark = pytest.mark.story

FAILS_LATER = "4000000000000341"
ASKS_EACH_TIME = "4000002760003184"
DAY = timedelta(days=1)
ONE_DATABASE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
Deliver = Callable[[], int]
Letters = Callable[[], list[Letter]]


def read_books(shop: Shop) -> None:
    """Sync the reader's customer; no job runs."""
    sync(customer_of(shop))


def customer_of(shop: Shop) -> int:
    """The row of the reader's customer."""
    db.session.rollback()
    mine = select(StripeCustomer.id).where(StripeCustomer.reader_id == shop.reader.id)
    customer_id = db.session.scalars(mine).one()
    db.session.rollback()
    return customer_id


def join(
    shop: Shop, slug: str = "supporter", *, interval: Interval = Interval.MONTH, with_card: Card
) -> None:
    """Join by a given card."""
    with shop.app.test_request_context():
        page = checkout.begin(shop.reader, shop.price(slug, interval).id, None).rpartition("/")[2]
    payment = shop.sandbox.checkout.pay(page, with_card)
    if payment.state != "complete":
        payment = shop.sandbox.checkout.authenticate(page, passed=True)
    checkout.finish(shop.reader, page)


def ends(shop: Shop) -> datetime:
    """When the present period ends."""
    end = shop.held()[0].period_end
    assert end is not None
    return end


def live_until(shop: Shop, deliver: Deliver, until: datetime, step: timedelta = DAY) -> None:
    """Let time pass as it does: events come in, jobs run, letters go out."""
    while clock.now() < until:
        shop.sandbox.advance(to=min(clock.now() + step, until))
        deliver()
        reminders.remind()
        reminders.look_at_cards()
        deliver()


def cancel(shop: Shop) -> None:
    """Cancel at Stripe's portal."""
    with shop.app.test_request_context():
        page = checkout.portal(shop.reader, "subscription_cancel").rpartition("/")[2]
    shop.sandbox.portal.cancel(page, shop.held()[0].external_id, feedback="unused")


def change_card(shop: Shop) -> None:
    """Enter another card at Stripe's portal."""
    with shop.app.test_request_context():
        page = checkout.portal(shop.reader, "payment_method_update").rpartition("/")[2]
    shop.sandbox.portal.change_card(page, card())


def kinds(found: list[Letter]) -> list[str]:
    return [letter.kind for letter in found]


@pytest.mark.parametrize("fault", [FaultKind.DUPLICATE, FaultKind.REORDER, FaultKind.DROP])
def test_months_of_a_life_write_the_same_letters_whatever_becomes_of_the_events(
    shop: Shop, deliver: Deliver, letters: Letters, fault: FaultKind
) -> None:
    join(shop, "circle", with_card=card(FAILS_LATER))
    shop.sandbox.faults.set(Fault(fault, times=None))
    if fault is FaultKind.DUPLICATE:
        shop.sandbox.faults.set(Fault(FaultKind.REORDER, times=None))
    trial_end = ends(shop)
    passing = _passing(shop, deliver, fault)
    passing(trial_end + 2 * DAY)
    due = shop.sandbox.ledger.customers()[0].subscriptions[0]["latest_invoice"]
    assert shop.sandbox.invoices.pay_hosted(due, card()).state == "complete"
    passing(trial_end + 25 * DAY)
    assert shop.held()[0].status is Status.ACTIVE
    passing(trial_end + 65 * DAY)
    assert shop.held()[0].status is Status.CANCELED
    assert kinds(letters()) == [
        "welcome",
        "trial_ending",
        "payment_failed",
        "payment_failed",
        "subscription_ended",
    ]
    assert [letter.unsent for letter in letters()] == [None] * 5
    assert all(letter.sent_at for letter in letters())


def _passing(shop: Shop, deliver: Deliver, fault: FaultKind) -> Callable[[datetime], None]:
    """How time passes: with events, or where all are lost with the books read again each day."""

    def read_again() -> int:
        taken = deliver()
        read_books(shop)
        return taken + deliver()

    lost = fault is FaultKind.DROP
    return lambda until: live_until(shop, read_again if lost else deliver, until, 2 * DAY)


class TestTrialEnding:
    """Three days before, by Stripe's event or by our own date."""

    def test_it_says_when_how_much_and_how_to_cancel(
        self, shop: Shop, deliver: Deliver, letters: Letters
    ) -> None:
        join(shop, "circle", with_card=card())
        live_until(shop, deliver, ends(shop) - 2 * DAY)
        letter = letters()[-1]
        assert letter.kind == "trial_ending"
        for words in ("€15", "you pay nothing", "/account", "every month", "cancel"):
            assert words in letter.text
            assert words in letter.html
        assert f"{ends(shop):%B %Y}" in letter.subject

    def test_if_its_event_is_lost_our_own_date_is_enough(self, shop: Shop, letters: Letters) -> None:
        join(shop, "circle", with_card=card())
        shop.sandbox.faults.set(Fault(FaultKind.DROP, times=None))
        shop.sandbox.advance(to=ends(shop) - 4 * DAY)
        reminders.remind()
        assert kinds(letters()) == ["welcome"]
        shop.sandbox.advance(to=ends(shop) - 3 * DAY)
        reminders.remind()
        reminders.remind()
        assert kinds(letters()) == ["welcome", "trial_ending"]

    def test_who_has_cancelled_is_not_written_to(
        self, shop: Shop, deliver: Deliver, letters: Letters
    ) -> None:
        join(shop, "circle", with_card=card())
        cancel(shop)
        live_until(shop, deliver, ends(shop) + DAY)
        assert kinds(letters()) == ["welcome", "subscription_ended"]

    def test_who_cancels_before_it_goes_out_does_not_get_it(
        self, shop: Shop, work: Callable[[], int], letters: Letters
    ) -> None:
        join(shop, "circle", with_card=card())
        work()
        shop.sandbox.advance(to=ends(shop) - 3 * DAY)
        reminders.remind()
        cancel(shop)
        read_books(shop)
        work()
        assert [(letter.kind, letter.unsent) for letter in letters()] == [
            ("welcome", None),
            ("trial_ending", Unsent.UNTRUE),
        ]


class TestRenewalAhead:
    """Once before each renewal of a year."""

    def test_each_year_is_told_of_once_and_a_month_never(
        self, shop: Shop, deliver: Deliver, letters: Letters
    ) -> None:
        join(shop, interval=Interval.YEAR, with_card=Card(GOOD, 12, 2040, "123", "Ada"))
        first = ends(shop)
        live_until(shop, deliver, first - 22 * DAY, 400 * DAY)
        assert kinds(letters()) == ["welcome"]
        live_until(shop, deliver, first + DAY, 10 * DAY)
        assert kinds(letters()) == ["welcome", "renewal_ahead"]
        assert "€50" in letters()[-1].text
        live_until(shop, deliver, ends(shop) - DAY, 350 * DAY)
        assert kinds(letters()) == ["welcome", "renewal_ahead", "renewal_ahead"]

    @pytest.mark.settings(monthly_notice_days=5)
    @ONE_DATABASE
    def test_a_month_is_told_of_if_the_settings_say_so(
        self, shop: Shop, deliver: Deliver, letters: Letters
    ) -> None:
        join(shop, with_card=card())
        live_until(shop, deliver, ends(shop) - DAY, 10 * DAY)
        assert kinds(letters()) == ["welcome", "renewal_ahead"]


class TestCardExpiring:
    """Once a card, if it is of no use at the next payment."""

    def test_it_is_told_of_once_while_it_is_the_card(
        self, shop: Shop, deliver: Deliver, letters: Letters
    ) -> None:
        now = clock.now()
        join(shop, with_card=Card(GOOD, now.month, now.year, "123", "Ada"))
        live_until(shop, deliver, ends(shop) - DAY, 10 * DAY)
        assert kinds(letters()) == ["welcome", "card_expiring"]
        assert "4242" in letters()[-1].text
        kept = db.session.scalars(select(Collection)).one()
        assert (kept.card_brand, kept.card_last4) == ("visa", "4242")
        assert kept.card_last_day is not None
        assert (kept.card_last_day.year, kept.card_last_day.month) == (now.year, now.month)
        db.session.rollback()

    def test_a_card_changed_before_it_goes_out_is_not_written_about(
        self, shop: Shop, work: Callable[[], int], letters: Letters
    ) -> None:
        now = clock.now()
        join(shop, with_card=Card(GOOD, now.month, now.year, "123", "Ada"))
        work()
        live_until(shop, lambda: 0, ends(shop) - 20 * DAY, 10 * DAY)
        change_card(shop)
        read_books(shop)
        read_books(shop)
        work()
        assert [(letter.kind, letter.unsent) for letter in letters()] == [
            ("welcome", None),
            ("card_expiring", Unsent.UNTRUE),
        ]

    @ONE_DATABASE
    def test_stripe_is_asked_again_before_anyone_is_written_to(self, shop: Shop, letters: Letters) -> None:
        """A card's new date can come to Stripe from the bank, and its event can be lost."""
        join(shop, with_card=card())
        shop.held()
        db.session.execute(update(Collection).values(card_ends=clock.now()))
        db.session.commit()
        reminders.look_at_cards()
        assert kinds(letters()) == ["welcome"]

    @ONE_DATABASE
    def test_a_stripe_that_is_down_is_asked_another_day(self, shop: Shop, letters: Letters) -> None:
        now = clock.now()
        join(shop, with_card=Card(GOOD, now.month, now.year, "123", "Ada"))
        shop.held()
        shop.sandbox.advance(to=ends(shop) - 20 * DAY)
        shop.sandbox.faults.set(Fault(FaultKind.API_ERROR, times=None))
        reminders.look_at_cards()
        assert kinds(letters()) == ["welcome"]
        shop.sandbox.faults.clear()
        reminders.look_at_cards()
        assert kinds(letters()) == ["welcome", "card_expiring"]


class TestBills:
    """A bill that was not paid: one letter a bill, with the page on which it is paid."""

    def test_a_failed_payment_leads_to_the_page_that_mends_it(
        self, shop: Shop, deliver: Deliver, letters: Letters
    ) -> None:
        join(shop, with_card=card(FAILS_LATER))
        live_until(shop, deliver, ends(shop) + 6 * DAY)
        (letter,) = [letter for letter in letters() if letter.kind == "payment_failed"]
        due = shop.sandbox.ledger.customers()[0].subscriptions[0]["latest_invoice"]
        assert letter.cause == f"payment_failed:{due}"
        assert f"/sandbox/invoices/{due}" in letter.text
        assert "€5" in letter.text

    def test_a_bank_that_asks_is_told_of_once_and_no_failure_beside_it(
        self, shop: Shop, deliver: Deliver, letters: Letters
    ) -> None:
        join(shop, with_card=card(ASKS_EACH_TIME))
        live_until(shop, deliver, ends(shop) + 6 * DAY)
        assert kinds(letters()) == ["welcome", "action_required"]
        due = shop.sandbox.ledger.customers()[0].subscriptions[0]["latest_invoice"]
        assert f"/sandbox/invoices/{due}" in letters()[-1].text

    def test_a_bill_paid_before_the_letter_goes_out_is_not_written_about(
        self, shop: Shop, work: Callable[[], int], letters: Letters
    ) -> None:
        join(shop, with_card=card(FAILS_LATER))
        work()
        shop.sandbox.advance(to=ends(shop) + timedelta(hours=3))
        read_books(shop)
        due = shop.sandbox.ledger.customers()[0].subscriptions[0]["latest_invoice"]
        shop.sandbox.invoices.pay_hosted(due, card())
        read_books(shop)
        work()
        assert [(letter.kind, letter.unsent) for letter in letters()] == [
            ("welcome", None),
            ("payment_failed", Unsent.UNTRUE),
        ]

    def test_what_comes_twenty_days_late_is_written_down_as_not_sent(
        self, shop: Shop, deliver: Deliver, letters: Letters
    ) -> None:
        shop.sandbox.dunning = Dunning((3, 5, 7), AfterRetries.PAST_DUE)
        join(shop, with_card=card(FAILS_LATER))
        deliver()
        shop.sandbox.faults.set(Fault(FaultKind.DROP, times=None))
        shop.sandbox.advance(to=ends(shop) + 20 * DAY)
        read_books(shop)
        deliver()
        assert [(letter.kind, letter.unsent) for letter in letters()] == [
            ("welcome", None),
            ("payment_failed", Unsent.LATE),
        ]


class TestEnded:
    """Why it ended, in one sentence, and the way back."""

    def _cancelled(self, shop: Shop) -> None:
        cancel(shop)
        shop.sandbox.advance(to=ends(shop) + DAY)

    def _unpaid(self, shop: Shop) -> None:
        shop.sandbox.advance(to=ends(shop) + 17 * DAY)

    def _left_unpaid(self, shop: Shop) -> None:
        shop.sandbox.dunning = Dunning((3, 5, 7), AfterRetries.UNPAID)
        self._unpaid(shop)

    def _by_staff(self, shop: Shop) -> None:
        gateway().client.v1.subscriptions.cancel(shop.held()[0].external_id)

    @pytest.mark.parametrize(
        ("end", "number", "sentence", "way_back"),
        [
            ("_cancelled", GOOD, "You had cancelled it", "/join"),
            ("_unpaid", FAILS_LATER, "The payment did not go through", "/join"),
            ("_left_unpaid", FAILS_LATER, "The payment did not go through", "/account"),
            ("_by_staff", GOOD, "It was ended by us", "/join"),
        ],
    )
    def test_it_says_why(
        self,
        shop: Shop,
        deliver: Deliver,
        letters: Letters,
        end: str,
        number: str,
        sentence: str,
        way_back: str,
    ) -> None:
        join(shop, with_card=card(number))
        deliver()
        getattr(self, end)(shop)
        deliver()
        letter = letters()[-1]
        assert (letter.kind, letter.unsent) == ("subscription_ended", None)
        assert sentence in letter.text
        assert sentence in letter.html
        assert way_back in letter.text

    def test_who_fails_recovers_and_fails_again_hears_of_each_end(
        self, shop: Shop, deliver: Deliver, letters: Letters
    ) -> None:
        shop.sandbox.dunning = Dunning((3,), AfterRetries.UNPAID)
        join(shop, with_card=card(FAILS_LATER))
        live_until(shop, deliver, ends(shop) + 5 * DAY)
        assert kinds(letters()) == ["welcome", "payment_failed", "subscription_ended"]
        due = shop.sandbox.ledger.customers()[0].subscriptions[0]["latest_invoice"]
        shop.sandbox.invoices.pay_hosted(due, card())
        deliver()
        assert shop.held()[0].status is Status.ACTIVE
        live_until(shop, deliver, ends(shop) + 5 * DAY, 2 * DAY)
        assert kinds(letters())[3:] == ["payment_failed", "subscription_ended"]


def test_syncs_and_reminders_at_the_same_instant_write_one_letter(
    app: Flask, shop: Shop, letters: Letters
) -> None:
    join(shop, "circle", with_card=card())
    shop.sandbox.advance(to=ends(shop) - 3 * DAY)
    held, mine = shop.held()[0].id, customer_of(shop)
    together, failures = threading.Barrier(4), list[BaseException]()

    def act(do: Callable[[], object]) -> None:
        try:
            with app.app_context():
                together.wait(10)
                do()
        except BaseException as failure:
            failures.append(failure)

    def write() -> None:
        write_due(held)
        db.session.commit()

    acts = [reminders.remind, lambda: sync(mine), write, write]
    threads = [threading.Thread(target=act, args=(one,)) for one in acts]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert failures == []
    assert kinds(letters()) == ["welcome", "trial_ending"]


@ONE_DATABASE
def test_one_reminder_that_cannot_be_written_does_not_hold_up_the_others(
    shop: Shop, letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    join(shop, "circle", with_card=card())
    shop.sandbox.advance(to=ends(shop) - 3 * DAY)
    real, tried = mail.write, list[str]()

    def write(kind: str, to: str, **given: object) -> int | None:
        tried.append(kind)
        raise RuntimeError("as told")

    monkeypatch.setattr(mail, "write", write)
    reminders.remind()
    monkeypatch.setattr(mail, "write", real)
    reminders.remind()
    assert tried == ["trial_ending"]
    assert kinds(letters()) == ["welcome", "trial_ending"]
