"""Events that name no customer of ours find the books that they are about."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import delete

from paywall.billing.cashbook import reading
from paywall.billing.cashbook.facts import Kind, News
from paywall.billing.cashbook.models import (
    BalanceTransaction,
    Dispute,
    Invoice,
    Payment,
    Payout,
    Refund,
)
from paywall.billing.gateway.events import money_in
from paywall.billing.models import EventState, StripeEvent
from paywall.db import db
from paywall.sandbox import Fault, FaultKind
from tests.billing.cashbook.town import (
    DISPUTED,
    WAITS,
    gift,
    only,
    rows,
    v1,
)
from tests.shop import Shop


def test_a_dispute_that_names_only_its_charge_finds_the_reader(
    shop: Shop, deliver: Callable[[], int]
) -> None:
    shop.join()
    deliver()
    shop.sandbox.disputes.open(only(Payment).stripe_id)
    deliver()
    assert (only(Dispute).status, only(Payment).is_disputed) == ("needs_response", True)
    assert states() == {EventState.HANDLED}


def test_a_charge_that_our_tables_do_not_know_finds_the_reader_too(
    shop: Shop, deliver: Callable[[], int]
) -> None:
    shop.sandbox.faults.set(Fault(FaultKind.DROP, match="[!c]*", times=None))
    shop.pay(shop.begin(), DISPUTED)
    db.session.execute(delete(StripeEvent))
    db.session.commit()
    drop_but("charge.dispute.created", shop)
    deliver()
    assert only(Dispute).status == "needs_response"
    assert shop.held()[0].reader_id == shop.reader.id
    assert only(Payment).invoice == only(Invoice).stripe_id


@pytest.mark.parametrize("way", ["void", "mark_uncollectible"])
def test_a_bill_that_is_wanted_no_more_is_heard_of(shop: Shop, deliver: Callable[[], int], way: str) -> None:
    """Stripe decides so an hour after the period has turned, when the subscription has long been told of."""
    held = shop.join()
    deliver()
    v1().subscriptions.update(held.external_id, {"pause_collection": {"behavior": way}})
    shop.sandbox.advance(months=1)
    deliver()
    shop.sandbox.advance(by=timedelta(hours=2))
    deliver()
    bills = [(one.id, one.status) for one in v1().invoices.list().data]
    assert sorted(bills) == sorted((one.stripe_id, one.status) for one in rows(Invoice))
    assert len(bills) == 2


def test_a_guests_charge_has_no_reader(shop: Shop, deliver: Callable[[], int]) -> None:
    gift(shop)
    deliver()
    paid = only(Payment)
    assert (paid.reader_id, paid.customer, paid.invoice, paid.amount) == (None, None, None, 3000)
    v1().refunds.create({"charge": paid.stripe_id, "amount": 1000})
    deliver()
    assert (only(Refund).amount, only(Payment).refunded) == (1000, 1000)
    assert states() == {EventState.HANDLED, EventState.IGNORED}


def test_a_payout_is_kept_with_what_it_is_made_of(shop: Shop, deliver: Callable[[], int]) -> None:
    shop.join()
    deliver()
    shop.sandbox.advance(by=timedelta(days=3))
    deliver()
    assert (only(Payout).status, only(Payout).reconciliation) == ("pending", "in_progress")
    shop.sandbox.advance(by=timedelta(days=1))
    deliver()
    sent = only(Payout)
    assert (sent.status, sent.reconciliation, sent.is_automatic) == ("paid", "completed", True)
    lines = rows(BalanceTransaction)
    assert {one.payout for one in lines} == {sent.stripe_id}
    assert {one.status for one in lines} == {"available"}
    shop.sandbox.bank.send_back(sent.stripe_id)
    deliver()
    assert (only(Payout).status, only(Payout).failure_code) == ("failed", "account_closed")


def test_what_stripe_no_longer_has_is_left_as_it_is(shop: Shop) -> None:
    for news in (
        News(Kind.CHARGE, "ch_gone", "ch_gone"),
        News(Kind.PAYOUT, "po_gone", None),
        News(Kind.DISPUTE, "du_gone", None),
        News(Kind.REFUND, "re_gone", None),
    ):
        reading.read_again(news)
    assert rows(Payment) == rows(Payout) == []


def test_an_event_that_leaves_the_charge_out_finds_it_all_the_same(shop: Shop) -> None:
    shop.join(number=WAITS)
    shop.sandbox.disputes.open(only(Payment).stripe_id, inquiry=True)
    v1().refunds.create({"charge": only(Payment).stripe_id})
    dispute, refund = v1().disputes.list().data[0].id, v1().refunds.list().data[0].id
    for kind, stripe_id in (("dispute", dispute), ("refund", refund)):
        news = money_in(json.dumps({"data": {"object": {"object": kind, "id": stripe_id}}}))
        assert news is not None
        assert news.charge is None
        reading.read_again(news)
    assert (only(Dispute).status, only(Refund).status) == ("warning_needs_response", "pending")
    reading.read_again(News(Kind.REFUND, refund, None))


def test_an_event_about_something_else_is_no_news() -> None:
    assert money_in(json.dumps({"data": {"object": {"object": "invoice", "id": "in_1"}}})) is None
    assert money_in(json.dumps({"data": {"object": {"object": "payout"}}})) is None
    assert money_in("{}") is None


def states() -> set[EventState]:
    """How all events stand."""
    return {one.state for one in rows(StripeEvent)}


def drop_but(kind: str, shop: Shop) -> None:
    """Let all deliveries that wait be lost, but those of one type."""
    shop.sandbox.faults.clear()
    with shop.sandbox._store.write() as books:
        books.execute(
            "DELETE FROM deliveries WHERE event NOT IN "
            "(SELECT id FROM objects WHERE json_extract(body, '$.type') = ?)",
            (kind,),
        )
