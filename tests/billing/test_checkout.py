"""Paying: one customer, one open page, one subscription, whatever the reader's browser does."""

import pytest
from sqlalchemy import select

from paywall import clock
from paywall.accounts.models import Reader
from paywall.billing import checkout, customers
from paywall.billing.cashbook.models import Invoice
from paywall.billing.checkout import AlreadyPatron, Outcome
from paywall.billing.gateway import gateway
from paywall.billing.models import CheckoutTry, StripeCustomer, StripeTwin, TwinKind
from paywall.billing.remote import Gone
from paywall.db import db
from paywall.errors import Conflict, NotFound, Unavailable
from paywall.mail import Letter
from paywall.membership import plans
from paywall.membership.models import MembershipEvent, Plan, PlanState
from paywall.membership.rules import Change, Status
from paywall.sandbox import PaymentState, SandboxError
from tests.shop import Shop


def test_a_reader_pays_and_holds_a_subscription(shop: Shop) -> None:
    held = shop.join()
    assert (held.status, held.plan.slug, held.amount, held.currency) == (
        Status.ACTIVE,
        "supporter",
        500,
        "eur",
    )
    assert held.access_until is not None
    assert held.access_until > clock.now()
    lines = db.session.scalars(select(MembershipEvent)).all()
    assert [(line.change, line.monthly_delta) for line in lines] == [(Change.STARTED, 500)]
    assert [invoice.status for invoice in db.session.scalars(select(Invoice))] == ["paid"]
    assert [letter.kind for letter in db.session.scalars(select(Letter))] == ["welcome"]


def test_a_trial_costs_nothing_yet_and_is_given_once(shop: Shop) -> None:
    held = shop.join("circle")
    assert (held.status, held.monthly) == (Status.TRIALING, 0)
    gateway().client.v1.subscriptions.cancel(held.external_id)
    customers.sync_reader(shop.reader.id)
    again = shop.join("circle")
    assert [one.status for one in shop.held()] == [Status.CANCELED, Status.ACTIVE]
    assert again.id == held.id


def test_coming_back_twice_changes_nothing(shop: Shop) -> None:
    session_id = shop.begin(next_path="/article/a")
    shop.pay(session_id)
    first = checkout.finish(shop.reader, session_id)
    assert first == checkout.finish(shop.reader, session_id) == (Outcome.PAID, "/article/a")
    assert len(shop.held()) == 1
    assert len(db.session.scalars(select(MembershipEvent)).all()) == 1
    assert len(db.session.scalars(select(Letter)).all()) == 1


def test_coming_back_without_paying_gives_nothing(shop: Shop) -> None:
    session_id = shop.begin()
    assert checkout.finish(shop.reader, session_id) == (Outcome.UNPAID, None)
    assert shop.held() == []


def test_a_declined_card_gives_nothing_and_can_be_tried_again(shop: Shop) -> None:
    session_id = shop.begin()
    assert shop.pay(session_id, "4000000000000002").state is PaymentState.DECLINED
    assert checkout.finish(shop.reader, session_id) == (Outcome.UNPAID, None)
    assert shop.pay(session_id).state is PaymentState.COMPLETE
    assert checkout.finish(shop.reader, session_id)[0] is Outcome.PAID


def test_the_bank_asks_and_the_reader_answers(shop: Shop) -> None:
    session_id = shop.begin()
    assert shop.pay(session_id, "4000002500003155").state is PaymentState.REQUIRES_ACTION
    assert checkout.finish(shop.reader, session_id) == (Outcome.UNPAID, None)
    shop.sandbox.checkout.authenticate(session_id, passed=True)
    assert checkout.finish(shop.reader, session_id)[0] is Outcome.PAID


def test_another_readers_payment_page_is_not_found(shop: Shop) -> None:
    session_id = shop.begin()
    shop.pay(session_id)
    other = Reader(email="boris@example.org", confirmed_at=clock.now())
    db.session.add(other)
    db.session.commit()
    with pytest.raises(NotFound):
        checkout.finish(other, session_id)
    with pytest.raises(NotFound):
        checkout.finish(other, "cs_made_up")


def test_who_holds_a_subscription_is_not_sold_a_second(shop: Shop) -> None:
    shop.join()
    with pytest.raises(AlreadyPatron):
        shop.begin()


def test_a_payment_that_we_have_not_heard_of_yet_is_found_before_a_second_is_sold(shop: Shop) -> None:
    shop.pay(shop.begin())
    assert shop.held() == []
    with pytest.raises(AlreadyPatron):
        shop.begin()
    assert len(shop.held()) == 1


def test_a_second_tab_closes_the_first(shop: Shop) -> None:
    first, second = shop.begin(), shop.begin()
    with pytest.raises(SandboxError):
        shop.pay(first)
    shop.pay(second)
    checkout.finish(shop.reader, second)
    assert len(shop.held()) == 1
    assert len(gateway().subscriptions(_customer(shop))) == 1


def test_of_two_tabs_at_the_same_moment_one_page_stays_open(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second tab begins while the first waits for Stripe: the first closes its own page."""
    opened: list[str] = []
    real = gateway().open_checkout

    def slow(**asked: object) -> object:
        session = real(**asked)  # type: ignore[arg-type]
        if not opened:
            opened.append(session.id)
            opened.append(shop.begin())
        return session

    monkeypatch.setattr(gateway(), "open_checkout", slow)
    with pytest.raises(Conflict):
        shop.begin()
    first, second = opened
    assert gateway().checkout(first).status == "expired"
    assert gateway().checkout(second).status == "open"


def test_one_customer_for_a_reader_who_tries_twice(shop: Shop) -> None:
    shop.begin()
    shop.begin()
    found = gateway().client.v1.customers.list({"limit": 10})
    assert [one.email for one in found.data] == ["ana@example.org"]
    assert len(db.session.scalars(select(StripeCustomer)).all()) == 1


def test_a_changed_address_reaches_stripe_with_the_next_checkout(shop: Shop) -> None:
    shop.begin()
    shop.reader.email = "ana.petrova@example.org"
    db.session.commit()
    shop.begin()
    assert gateway().client.v1.customers.retrieve(_customer(shop)).email == "ana.petrova@example.org"


def test_a_customer_deleted_at_stripe_gets_a_successor(shop: Shop) -> None:
    shop.begin()
    old = _customer(shop)
    gateway().client.v1.customers.delete(old)
    shop.join()
    assert _customer(shop) != old
    assert [one.status for one in shop.held()] == [Status.ACTIVE]


def test_whoever_is_forgotten_ends_first_and_a_successor_is_not_forgotten_too(shop: Shop) -> None:
    shop.join()
    old = _customer(shop)
    gateway().client.v1.customers.delete(old)
    customers.forget(shop.reader.id, old)
    assert [one.status for one in shop.held()] == [Status.CANCELED]
    new = customers.ensure(shop.reader).stripe_id
    db.session.rollback()
    customers.forget(shop.reader.id, old)
    assert _customer(shop) == new != old


def test_who_was_deleted_at_stripe_holds_nothing_and_can_join_again(shop: Shop) -> None:
    held = shop.join()
    gateway().client.v1.customers.delete(_customer(shop))
    customers.sync_reader(shop.reader.id)
    assert [one.status for one in shop.held()] == [Status.CANCELED]
    again = shop.begin()
    shop.pay(again)
    checkout.finish(shop.reader, again)
    assert [one.status for one in shop.held()] == [Status.CANCELED, Status.ACTIVE]
    assert shop.held()[0].id == held.id


def test_a_customer_that_is_only_not_found_loses_nothing(shop: Shop) -> None:
    shop.join()
    row = db.session.scalars(select(StripeCustomer)).one()
    row.stripe_id = "cus_of_another_account"
    db.session.commit()
    customers.sync_reader(shop.reader.id)
    assert [one.status for one in shop.held()] == [Status.ACTIVE]


def test_a_price_gone_at_stripe_makes_no_new_customer(shop: Shop) -> None:
    twin = db.session.scalars(
        select(StripeTwin).where(StripeTwin.kind == TwinKind.PRICE, StripeTwin.own_id == shop.price().id)
    ).one()
    twin.stripe_id = "price_gone"
    db.session.commit()
    with pytest.raises(Gone):
        shop.begin()
    assert len(gateway().client.v1.customers.list().data) == 1


def test_a_payment_synced_between_two_looks_still_refuses_a_second(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other tab's page is paid and its return synced just before this tab takes its turn."""
    paid = shop.begin()
    real = checkout._take_turn

    def late(customer_id: int) -> int:
        shop.pay(paid)
        checkout.finish(shop.reader, paid)
        return real(customer_id)

    monkeypatch.setattr(checkout, "_take_turn", late)
    with pytest.raises(AlreadyPatron):
        shop.begin()
    assert len(shop.held()) == 1


def test_a_trial_that_only_stripe_knows_of_is_not_given_again(shop: Shop) -> None:
    shop.pay(shop.begin("circle"))
    (one,) = gateway().subscriptions(_customer(shop))
    gateway().client.v1.subscriptions.cancel(one.id)
    assert shop.held() == []
    assert shop.join("circle").status is Status.CANCELED
    assert [held.status for held in shop.held()] == [Status.CANCELED, Status.ACTIVE]


def test_who_pays_a_price_that_we_no_longer_sell_keeps_their_plan(shop: Shop) -> None:
    shop.join()
    twin = db.session.scalars(
        select(StripeTwin).where(StripeTwin.kind == TwinKind.PRICE, StripeTwin.own_id == shop.price().id)
    ).one()
    twin.stripe_id = "price_made_since"
    db.session.commit()
    shop.sandbox.advance(months=1)
    before = shop.held()[0].period_end
    customers.sync_reader(shop.reader.id)
    after = shop.held()[0].period_end
    assert before is not None
    assert after is not None
    assert after > before


def test_what_is_not_on_sale_cannot_be_bought(shop: Shop) -> None:
    with shop.app.test_request_context(), pytest.raises(NotFound):
        checkout.begin(shop.reader, 999, None)
    plan = db.session.scalars(select(Plan).where(Plan.slug == "supporter")).one()
    price_id, plan.state = shop.price().id, PlanState.CLOSED
    db.session.commit()
    with shop.app.test_request_context(), pytest.raises(NotFound):
        checkout.begin(shop.reader, price_id, None)


def test_a_price_that_stripe_does_not_know_says_what_to_do(shop: Shop) -> None:
    from paywall.membership.plans import PlanText
    from paywall.membership.rules import Interval
    from paywall.money import Money

    plans.write(PlanText("new", "New", "", {Interval.MONTH: Money(100, "eur")}), "For the test")
    db.session.commit()
    with pytest.raises(Unavailable, match="stripe-setup"):
        shop.begin("new")
    assert db.session.scalars(select(CheckoutTry)).all() == []


def test_the_portal_is_for_who_has_paid(shop: Shop) -> None:
    with shop.app.test_request_context(), pytest.raises(NotFound):
        checkout.portal(shop.reader, None)
    shop.join()
    with shop.app.test_request_context():
        for flow in (None, "subscription_cancel", "payment_method_update"):
            assert "/sandbox/portal/" in checkout.portal(shop.reader, flow)


def _customer(shop: Shop) -> str:
    query = select(StripeCustomer.stripe_id).where(StripeCustomer.reader_id == shop.reader.id)
    found = db.session.scalars(query).one() or ""
    db.session.rollback()
    return found
