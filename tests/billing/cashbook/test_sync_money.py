"""A customer's money comes in with their subscriptions: as few questions as can be, all that is said."""

from datetime import datetime, timedelta

import pytest
import stripe
from sqlalchemy import select

from paywall.billing.cashbook import rules
from paywall.billing.cashbook.facts import Entries
from paywall.billing.cashbook.models import (
    BalanceTransaction,
    Dispute,
    Invoice,
    InvoiceLine,
    Payment,
    Refund,
)
from paywall.billing.gateway import Gateway, gateway
from paywall.billing.models import StripeCustomer
from paywall.billing.remote import Gone
from paywall.billing.sync import facts_of
from paywall.db import db
from paywall.errors import Unavailable
from paywall.membership.rules import Status
from tests.billing.cashbook.lives import CARDS
from tests.billing.cashbook.town import DISPUTED, FAILS, INQUIRED, again, only, rows, v1
from tests.sandbox.wire import CheckedClient
from tests.shop import Shop

pytestmark = pytest.mark.story


def test_an_invoice_is_kept_with_what_it_is_for_and_its_payment(shop: Shop) -> None:
    held = shop.join()
    bill, paid, line = only(Invoice), only(Payment), only(InvoiceLine)
    assert (bill.status, bill.amount_due, bill.amount_paid, bill.amount_remaining) == (
        "paid",
        500,
        500,
        0,
    )
    assert (bill.subscription, bill.reason) == (held.external_id, "subscription_create")
    assert (bill.period_end, bill.paid_at is not None) == (held.period_end, True)
    assert (line.invoice, line.amount, line.is_proration) == (bill.stripe_id, 500, False)
    assert (paid.invoice, paid.amount, paid.status, paid.refunded) == (
        bill.stripe_id,
        500,
        "succeeded",
        0,
    )
    assert (paid.reader_id, bill.reader_id) == (shop.reader.id, shop.reader.id)
    assert [(one.source, one.net) for one in rows(BalanceTransaction)] == [(paid.stripe_id, 500 - 33)]


def test_a_failed_renewal_says_why(shop: Shop) -> None:
    shop.join(number=CARDS[1])
    shop.sandbox.advance(months=1, by=timedelta(hours=2))
    again(shop)
    failed = rows(Payment)[-1]
    assert (failed.status, failed.decline_code, failed.transaction) == ("failed", "generic_decline", None)
    assert {one.status for one in rows(Invoice)} == {"paid", "open"}


def test_it_asks_three_questions_and_one_for_each_disputed_charge(shop: Shop) -> None:
    shop.join()
    wire = CheckedClient(shop.sandbox.http_client())
    client = stripe.StripeClient(shop.sandbox.api_key, http_client=wire)
    shop.app.extensions["gateway"] = Gateway(client, gateway().mode, list)
    again(shop)
    usual = ["/v1/subscriptions", "/v1/invoices", "/v1/charges"]
    assert [one.path for one in wire.exchanges] == usual
    shop.sandbox.disputes.open(only(Payment).stripe_id)
    wire.exchanges.clear()
    again(shop)
    assert [one.path for one in wire.exchanges] == [*usual, "/v1/disputes"]
    assert wire.problems == []


def test_a_refund_that_fails_later_is_put_right(shop: Shop) -> None:
    shop.join(number=FAILS)
    v1().refunds.create({"charge": only(Payment).stripe_id, "reason": "requested_by_customer"})
    again(shop)
    refund = only(Refund)
    assert (refund.status, refund.amount, refund.reason) == ("succeeded", 500, "requested_by_customer")
    assert only(Payment).refunded == 500
    shop.sandbox.advance(by=timedelta(days=2))
    again(shop)
    assert (only(Refund).status, only(Payment).refunded) == ("failed", 0)
    assert only(Refund).failure_reason == "expired_or_canceled_card"


@pytest.mark.parametrize(("won", "status", "moved"), [(True, "won", 0), (False, "lost", -500)])
def test_a_dispute_is_followed_to_its_end(shop: Shop, status: str, moved: int, *, won: bool) -> None:
    shop.join(number=DISPUTED)
    dispute = only(Dispute)
    assert (dispute.status, dispute.moved, dispute.closed_at) == ("needs_response", -500, None)
    assert dispute.due_by is not None
    shop.sandbox.disputes.close(dispute.stripe_id, won=won)
    again(shop)
    closed = only(Dispute)
    assert (closed.status, closed.moved) == (status, moved)
    again(shop)
    assert only(Dispute).closed_at == closed.closed_at is not None
    moves = ["charge", "dispute", *(["dispute_reversal"] if won else [])]
    assert sorted(one.category for one in rows(BalanceTransaction)) == moves


def test_the_facts_tell_of_disputes_and_of_a_period_given_back(shop: Shop) -> None:
    """What the status policy goes by; an inquiry says nothing."""
    shop.join(number=INQUIRED)
    again(shop)
    assert facts(shop) == (None, None)
    v1().refunds.create({"charge": only(Payment).stripe_id})
    again(shop)
    assert facts(shop) == (None, only(Refund).made_at)


def test_the_facts_tell_of_a_dispute_that_stands(shop: Shop) -> None:
    shop.join(number=DISPUTED)
    opened = only(Dispute).opened_at
    assert facts(shop) == (opened, None)
    shop.sandbox.disputes.close(only(Dispute).stripe_id, won=True)
    assert facts(shop) == (None, None)


def facts(shop: Shop) -> tuple[datetime | None, datetime | None]:
    """What a sync would hand over."""
    customer = db.session.scalars(select(StripeCustomer.stripe_id)).one() or ""
    db.session.rollback()
    held, entries = gateway().subscriptions(customer), gateway().money_of(customer)
    (found,) = facts_of(rules.marked(held, entries))
    db.session.rollback()
    return found.disputed_at, found.refunded_at


def test_money_given_back_after_its_payer_was_deleted_is_on_their_charge(shop: Shop) -> None:
    """Stripe lists nothing of theirs any more, but still knows each charge by its id."""
    shop.join()
    paid = only(Payment)
    v1().customers.delete(paid.customer)
    v1().refunds.create({"charge": paid.stripe_id})
    again(shop)
    assert (only(Payment).refunded, only(Refund).amount) == (500, 500)
    assert (only(Payment).reader_id, only(Payment).invoice) == (shop.reader.id, paid.invoice)


def test_a_charge_that_stripe_has_lost_keeps_nobody_from_the_others(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.join()
    shop.sandbox.advance(months=1, by=timedelta(hours=2))
    again(shop)
    first, second = rows(Payment)
    v1().customers.delete(first.customer)
    for one in (first, second):
        v1().refunds.create({"charge": one.stripe_id})
    real = gateway().charge

    def charge(stripe_id: str) -> Entries:
        if stripe_id == first.stripe_id:
            raise Gone("gone")
        return real(stripe_id)

    monkeypatch.setattr(gateway(), "charge", charge)
    again(shop)
    assert [one.refunded for one in rows(Payment)] == [0, 500]


def test_who_was_deleted_holds_nothing_though_stripe_falls_silent_over_their_charges(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.join()
    v1().customers.delete(only(Payment).customer)

    def silent(_charge: str) -> Entries:
        raise Unavailable("silent")

    monkeypatch.setattr(gateway(), "charge", silent)
    with pytest.raises(Unavailable):
        again(shop)
    db.session.rollback()
    assert shop.held()[0].status is Status.CANCELED
