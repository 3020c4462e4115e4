"""Sync: the later fetch wins, missing facts end nothing, foreign ones make no patron."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from paywall import clock, metrics
from paywall.billing import checkout
from paywall.billing import sync as syncing
from paywall.billing.gateway import gateway
from paywall.billing.gateway.books import subscription_of
from paywall.billing.models import StripeCustomer
from paywall.billing.remote import Gone, RemoteSubscription, Sold
from paywall.billing.sync import facts_of
from paywall.db import db
from paywall.errors import Unavailable
from paywall.mail import Letter
from paywall.membership.models import MembershipEvent
from paywall.membership.policy import Cause
from paywall.membership.rules import Change, Interval, Status, monthly
from paywall.money import Money
from paywall.sandbox import AfterRetries, Dunning, Fault, FaultKind
from tests.shop import Shop, card


def customer_id(shop: Shop) -> int:
    found = db.session.scalars(
        select(StripeCustomer.id).where(StripeCustomer.reader_id == shop.reader.id)
    ).one()
    db.session.rollback()
    return found


def delete_customer(shop: Shop) -> None:
    """Someone deletes the reader's customer in Stripe's dashboard."""
    stripe_id = db.session.scalars(
        select(StripeCustomer.stripe_id).where(StripeCustomer.reader_id == shop.reader.id)
    ).one()
    db.session.rollback()
    gateway().client.v1.customers.delete(stripe_id or "")


def changes() -> list[Change]:
    found = list(db.session.scalars(select(MembershipEvent.change).order_by(MembershipEvent.id)))
    db.session.rollback()
    return found


def kinds() -> list[str]:
    found = list(db.session.scalars(select(Letter.kind).order_by(Letter.id)))
    db.session.rollback()
    return found


def test_the_fetch_that_began_later_wins_even_if_it_ends_first(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = shop.join()
    mine = customer_id(shop)
    real = gateway().subscriptions
    nested: list[bool] = []

    def slow(customer: str) -> list[RemoteSubscription]:
        stale = real(customer)
        if not nested:
            nested.append(True)
            gateway().client.v1.subscriptions.cancel(held.external_id)
            assert syncing.sync(mine)
        return stale

    monkeypatch.setattr(gateway(), "subscriptions", slow)
    shop.held()
    assert not syncing.sync(mine)
    assert shop.held()[0].status is Status.CANCELED


def test_a_life_writes_its_lines_and_letters_once(shop: Shop) -> None:
    held = shop.join(number="4000000000000341")
    mine = customer_id(shop)
    shop.sandbox.advance(months=1)
    shop.sandbox.advance(by=timedelta(hours=2))
    syncing.sync(mine)
    syncing.sync(mine)
    assert shop.held()[0].status is Status.PAST_DUE
    assert changes() == [Change.STARTED, Change.FAILED]
    shop.sandbox.advance(by=timedelta(days=40))
    syncing.sync(mine)
    syncing.sync(mine)
    ended = shop.held()[0]
    assert (ended.id, ended.status, ended.access_until, ended.monthly) == (held.id, Status.CANCELED, None, 0)
    assert changes() == [Change.STARTED, Change.FAILED, Change.ENDED]
    assert kinds() == ["welcome", "payment_failed", "subscription_ended"]


def test_grace_counts_from_the_unpaid_invoice(shop: Shop) -> None:
    shop.join(number="4000000000000341")
    turned = shop.held()[0].period_end
    assert turned is not None
    shop.sandbox.advance(to=turned + timedelta(hours=3))
    syncing.sync(customer_id(shop))
    until = shop.held()[0].access_until
    assert until is not None
    assert turned + timedelta(days=7) <= until <= turned + timedelta(days=7, hours=2)


def test_a_cancellation_at_the_portal_is_read_although_the_flag_says_no(shop: Shop) -> None:
    """Flexible billing sets cancel_at and leaves cancel_at_period_end false."""
    held = shop.join()
    with shop.app.test_request_context():
        page = checkout.portal(shop.reader, "subscription_cancel").rpartition("/")[2]
    shop.sandbox.portal.cancel(page, held.external_id, feedback="too_expensive", comment=None)
    syncing.sync(customer_id(shop))
    after = shop.held()[0]
    assert after.status is Status.ACTIVE
    assert after.cancel_at == after.period_end == after.access_until
    line = db.session.scalars(select(MembershipEvent).order_by(MembershipEvent.id.desc())).first()
    assert line is not None
    assert (line.change, line.feedback) == (Change.CANCELING, "too_expensive")


def test_a_card_changed_at_the_portal_is_the_one_that_is_charged_next(shop: Shop) -> None:
    """Checkout gave the subscription its own card, which would go on failing."""
    shop.join(number="4000000000000341")
    turned = shop.held()[0].period_end
    assert turned is not None
    shop.sandbox.advance(to=turned + timedelta(hours=3))
    syncing.sync(customer_id(shop))
    assert shop.held()[0].status is Status.PAST_DUE
    with shop.app.test_request_context():
        page = checkout.portal(shop.reader, "payment_method_update").rpartition("/")[2]
    shop.sandbox.portal.change_card(page, card())
    syncing.sync(customer_id(shop))
    shop.sandbox.advance(by=timedelta(days=8))
    syncing.sync(customer_id(shop))
    assert shop.held()[0].status is Status.ACTIVE
    assert changes() == [Change.STARTED, Change.FAILED, Change.RECOVERED]


def test_a_subscription_to_something_else_on_the_account_makes_no_patron(shop: Shop) -> None:
    shop.begin()
    client = gateway().client.v1
    product = client.products.create({"name": "A mug a month"})
    price = client.prices.create(
        {"product": product.id, "unit_amount": 900, "currency": "eur", "recurring": {"interval": "month"}}
    )
    stripe_id = db.session.scalars(select(StripeCustomer.stripe_id)).one() or ""
    db.session.rollback()
    method = client.payment_methods.attach("pm_card_visa", {"customer": stripe_id})
    client.subscriptions.create(
        {"customer": stripe_id, "items": [{"price": price.id}], "default_payment_method": method.id}
    )
    syncing.sync(customer_id(shop))
    assert shop.held() == []


def test_what_stripe_no_longer_lists_is_not_ended(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.join()
    monkeypatch.setattr(gateway(), "subscriptions", lambda _customer: [])
    syncing.sync(customer_id(shop))
    assert shop.held()[0].status is Status.ACTIVE


def test_a_customer_gone_at_stripe_is_no_error(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.join()

    def gone(_customer: str) -> list[RemoteSubscription]:
        raise Gone("gone")

    monkeypatch.setattr(gateway(), "subscriptions", gone)
    assert syncing.sync(customer_id(shop))
    assert shop.held()[0].status is Status.ACTIVE


def test_a_deleted_customers_membership_ends_in_stripes_own_words(shop: Shop) -> None:
    """Stripe lists nothing of theirs any more, but still knows each subscription by its id."""
    held = shop.join()
    delete_customer(shop)
    syncing.sync(customer_id(shop))
    ended = shop.held()[0]
    assert (ended.status, ended.access_until, ended.monthly) == (Status.CANCELED, None, 0)
    assert ended.period_end == held.period_end
    assert changes() == [Change.STARTED, Change.ENDED]


def test_a_deleted_customers_membership_ends_even_if_stripe_says_nothing_of_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.join()
    delete_customer(shop)

    def gone(_subscription: str) -> RemoteSubscription:
        raise Gone("gone")

    monkeypatch.setattr(gateway(), "subscription", gone)
    syncing.sync(customer_id(shop))
    assert shop.held()[0].status is Status.CANCELED


def test_a_status_from_the_future_gives_nothing_new_takes_nothing_and_shouts(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = shop.join()
    real = gateway().subscriptions

    def odd(who: str) -> list[RemoteSubscription]:
        month = timedelta(days=31)
        return [
            replace(one, status=Status.UNKNOWN, period_end=(one.period_end or clock.now()) + month)
            for one in real(who)
        ]

    monkeypatch.setattr(gateway(), "subscriptions", odd)
    syncing.sync(customer_id(shop))
    held = shop.held()[0]
    assert (held.status, held.access_until) == (Status.ACTIVE, before.access_until)
    assert held.unknown_since is not None
    assert "paywall_subscriptions_unknown_status 1.0" in metrics.text().decode()
    assert (changes(), kinds()) == ([Change.STARTED], ["welcome"])
    monkeypatch.setattr(gateway(), "subscriptions", real)
    syncing.sync(customer_id(shop))
    assert shop.held()[0].unknown_since is None


def test_a_new_subscription_at_a_status_from_the_future_opens_nothing_and_keeps_a_second_from_being_sold(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = shop.begin()
    shop.pay(session_id)
    real = gateway().subscriptions
    monkeypatch.setattr(
        gateway(), "subscriptions", lambda who: [replace(one, status=Status.UNKNOWN) for one in real(who)]
    )
    checkout.finish(shop.reader, session_id)
    assert shop.held()[0].access_until is None
    with pytest.raises(checkout.AlreadyPatron):
        shop.begin()


def test_a_plan_of_ours_beside_something_else_is_found_and_so_is_how_often_it_is_paid(shop: Shop) -> None:
    held = shop.join()
    stripe = gateway().client.v1
    kept = stripe.subscriptions.retrieve(held.external_id)
    remote = subscription_of(kept)
    tote = as_sold(remote, price_id="price_of_a_tote_bag", product_id="tote", price=Money(900, "eur"))
    both = replace(remote, price_id=tote.price_id, product_id=tote.product_id, others=(as_sold(remote),))
    assert facts_of([both])[0].price == held.price
    assert facts_of([replace(both, others=(tote,))]) == []
    quarterly = replace(remote, interval_count=3, price=Money(1500, "eur"))
    assert monthly(facts_of([quarterly])[0]) == Money(500, "eur")
    rhythm = kept.items.data[0].price.recurring
    assert rhythm is not None
    rhythm.interval = "week"
    weekly = facts_of([subscription_of(kept)])[0]
    assert (weekly.price, weekly.interval) == (Money(2167, "eur"), Interval.MONTH)
    kept.items.data.clear()
    assert facts_of([subscription_of(kept)]) == []


def as_sold(one: RemoteSubscription, **changes: Any) -> Sold:
    """The item of a subscription by itself."""
    same = {name: getattr(one, name) for name in Sold.__dataclass_fields__}
    return Sold(**(same | changes))


def test_a_pause_that_the_reader_asked_for_reads_on_to_the_paid_day(shop: Shop) -> None:
    held = shop.join()
    gateway().client.v1.subscriptions.pause(held.external_id)
    syncing.sync(customer_id(shop))
    paused = shop.held()[0]
    assert (paused.status, paused.access_cause) == (Status.PAUSED, Cause.BREAK)
    assert paused.access_until == held.period_end
    gateway().client.v1.subscriptions.resume(held.external_id)
    syncing.sync(customer_id(shop))
    assert shop.held()[0].status is Status.ACTIVE
    assert changes() == [Change.STARTED, Change.PAUSED, Change.RESUMED]


def test_a_membership_that_stripe_leaves_past_due_for_ever_has_one_grace(shop: Shop) -> None:
    shop.sandbox.dunning = Dunning(days=(3,), end=AfterRetries.PAST_DUE)
    held = shop.join(number="4000000000000341")
    shop.sandbox.advance(months=1)
    shop.sandbox.advance(by=timedelta(hours=2))
    syncing.sync(customer_id(shop))
    failed = shop.held()[0]
    assert held.period_end is not None
    assert failed.unpaid_since == held.period_end
    assert failed.access_until == held.period_end + timedelta(days=7)
    for _ in range(3):
        shop.sandbox.advance(months=1)
        syncing.sync(customer_id(shop))
    still = shop.held()[0]
    assert (still.status, still.access_until) == (Status.PAST_DUE, failed.access_until)


def test_bills_that_are_not_collected_keep_access_and_bring_nothing(shop: Shop) -> None:
    held = shop.join()
    api = gateway().client.v1.subscriptions
    api.update(held.external_id, {"pause_collection": {"behavior": "void"}})
    syncing.sync(customer_id(shop))
    free = shop.held()[0]
    assert (free.status, free.access_until, free.monthly) == (Status.ACTIVE, held.access_until, 0)
    assert free.access_cause is Cause.UNCOLLECTED
    api.update(held.external_id, {"pause_collection": ""})
    syncing.sync(customer_id(shop))
    assert shop.held()[0].monthly == 500
    assert changes() == [Change.STARTED, Change.PAUSED, Change.RESUMED]


def test_a_stripe_that_is_down_changes_nothing(shop: Shop) -> None:
    before = shop.join().access_until
    shop.sandbox.faults.set(Fault(FaultKind.API_ERROR, times=None))
    with pytest.raises(Unavailable):
        syncing.sync(customer_id(shop))
    shop.sandbox.faults.clear()
    assert shop.held()[0].access_until == before


def test_nothing_is_asked_of_stripe_inside_a_transaction(shop: Shop) -> None:
    db.session.execute(select(StripeCustomer))
    with pytest.raises(RuntimeError, match="commit first"):
        gateway().subscriptions("cus_1")


def test_a_customer_that_is_not_ours_is_nothing_to_do(shop: Shop) -> None:
    assert syncing.sync(999)
    assert clock.now() is not None
