"""The walk through the whole account: page by page, on from where it stood, without a single event."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from paywall import clock
from paywall.billing.cashbook import months, walk
from paywall.billing.cashbook.facts import Entries
from paywall.billing.cashbook.models import (
    BalanceTransaction,
    CashWalk,
    Dispute,
    Invoice,
    Payment,
    Payout,
    Refund,
)
from paywall.billing.cashbook.sums import add_up
from paywall.billing.gateway import cashbook, gateway
from paywall.billing.reconcile import pace
from paywall.billing.remote import Page
from paywall.db import db
from paywall.errors import Conflict, Unavailable
from paywall.sandbox import Fault, FaultKind, Rhythm
from tests.billing.cashbook.lives import STEPS, all_of, balance_of
from tests.billing.cashbook.town import DISPUTED, WAITS, fetch, gift, kept, only, people, plain, rows, v1
from tests.shop import Shop

pytestmark = [pytest.mark.story, pytest.mark.settings(stripe_reads_per_second=100)]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "LONGEST", 0)


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cashbook, "PAGE", 3)


def test_without_a_single_event_all_comes_in(shop: Shop) -> None:
    shop.pay(shop.begin())
    gift(shop)
    shop.sandbox.advance(by=timedelta(days=4))
    counts = fetch().counts
    assert (counts["lines"], counts["payouts"], counts["synced"]) == (3, 1, 1)
    assert {one.reader_id for one in rows(Payment)} == {shop.reader.id, None}
    assert {one.payout for one in rows(BalanceTransaction)} == {only(Payout).stripe_id}
    assert shop.held()[0].reader_id == shop.reader.id


def test_a_second_walk_looks_at_what_may_have_changed_only(shop: Shop) -> None:
    shop.join()
    shop.sandbox.advance(by=timedelta(days=30))
    fetch()
    assert fetch().counts["synced"] == 0
    gift(shop)
    counts = fetch().counts
    assert (counts["lines"], counts["synced"]) == (1, 0)
    assert only(CashWalk).began_at is None
    assert fetch(restart=True).counts["lines"] > 2


def test_what_waits_is_looked_at_until_it_is_available(shop: Shop) -> None:
    shop.sandbox.bank.rhythm = Rhythm.MANUAL
    gift(shop)
    fetch()
    assert only(BalanceTransaction).status == "pending"
    shop.sandbox.advance(by=timedelta(days=3))
    fetch()
    assert only(BalanceTransaction).status == "available"


def test_a_refund_and_a_dispute_whose_events_were_lost_come_to_their_end(shop: Shop) -> None:
    shop.join(number=WAITS)
    gift(shop, DISPUTED)
    v1().refunds.create({"charge": rows(Payment)[0].stripe_id})
    fetch()
    assert (only(Refund).status, only(Dispute).status) == ("pending", "needs_response")
    shop.sandbox.advance(by=timedelta(days=20))
    shop.sandbox.disputes.close(only(Dispute).stripe_id, won=False)
    fetch()
    assert (only(Refund).status, only(Dispute).status) == ("succeeded", "lost")


def test_a_payout_that_fails_days_after_it_was_paid_is_seen(shop: Shop) -> None:
    shop.join()
    shop.sandbox.advance(by=timedelta(days=4))
    fetch()
    assert only(Payout).status == "paid"
    shop.sandbox.advance(by=timedelta(days=4))
    shop.sandbox.bank.send_back(only(Payout).stripe_id)
    fetch()
    assert {one.status for one in rows(Payout)} == {"failed"}


def test_one_that_is_stopped_or_breaks_off_goes_on(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        gift(shop)
    real, first = gateway().transactions_after, walk.begin()

    def stopping(cursor: str | None, since: datetime | None) -> Page[Entries]:
        first.stop()
        return real(cursor, since)

    monkeypatch.setattr(gateway(), "transactions_after", stopping)
    first.run()
    assert (len(rows(Payment)), only(CashWalk).part) == (3, "lines")
    monkeypatch.setattr(gateway(), "transactions_after", real)
    shop.sandbox.faults.set(Fault(FaultKind.API_ERROR, match="/v1/payouts", times=None))
    second = walk.begin()
    with pytest.raises(Unavailable):
        second.run()
    assert (second.counts["lines"], len(rows(Payment)), only(CashWalk).part) == (2, 5, "payouts")
    shop.sandbox.faults.clear()
    last = walk.begin()
    last.run()
    assert (last.counts["lines"], only(CashWalk).began_at) == (0, None)


def test_one_whose_process_was_killed_is_taken_over_after_some_silence(shop: Shop) -> None:
    walk.begin()
    with pytest.raises(Conflict):
        walk.begin()
    db.session.execute(update(CashWalk).values(beat_at=clock.wall() - 2 * walk.SILENCE))
    db.session.commit()
    walk.begin().run()


def test_the_job_bears_silence_and_company(shop: Shop) -> None:
    gift(shop)
    walk.begin()
    walk.hourly()
    assert rows(Payment) == []
    db.session.execute(update(CashWalk).values(beat_at=clock.wall() - 2 * walk.SILENCE))
    db.session.commit()
    shop.sandbox.faults.set(Fault(FaultKind.API_ERROR, match="/v1/balance*", times=None))
    walk.hourly()
    shop.sandbox.faults.clear()
    walk.hourly()
    assert len(rows(Payment)) == 1


def test_the_metrics_tell_how_long_ago_all_was_seen(shop: Shop, client: FlaskClient) -> None:
    assert "paywall_cash_walk_age_seconds -1.0" in client.get("/metrics").text
    fetch()
    assert "paywall_cash_walk_age_seconds -1.0" not in client.get("/metrics").text


def test_a_stranger_on_the_same_account_is_kept_without_a_reader(shop: Shop) -> None:
    product = v1().products.create({"name": "Mug club"}).id
    facts = {"currency": "eur", "unit_amount": 100, "recurring": {"interval": "month"}}
    price = v1().prices.create({**facts, "product": product}).id
    stranger = v1().customers.create({"email": "x@example.org"}).id
    method = v1().payment_methods.attach("pm_card_visa", {"customer": stranger}).id
    v1().subscriptions.create(
        {"customer": stranger, "items": [{"price": price}], "default_payment_method": method}
    )
    fetch()
    assert (only(Payment).customer, only(Payment).reader_id, rows(Invoice)) == (stranger, None, [])


@pytest.mark.parametrize("seed", range(2))
def test_whatever_is_lost_doubled_or_late_our_books_are_stripes_after_one_walk(
    shop: Shop, deliver: Callable[[], int], seed: int
) -> None:
    chance = random.Random(seed)
    lives = people(shop)
    for kind in (FaultKind.DROP, FaultKind.DUPLICATE, FaultKind.DELAY, FaultKind.REORDER):
        shop.sandbox.faults.set(Fault(kind, times=10, seconds=86_400))
    for _ in range(5):
        lives.play([(chance.choice(STEPS), chance.randrange(2000)) for _ in range(7)])
        deliver()
    fetch()
    theirs = all_of(gateway(), v1())
    assert plain(kept()) == plain(theirs)
    found = [
        one for month in {one.month for one in add_up(theirs)} for one in months.sums(months.month(month))
    ]
    db.session.rollback()
    assert [one for one in found if not one.ties_out] == []
    assert sum(one.net + one.payouts for one in found) == balance_of(v1()).get("eur", 0)
