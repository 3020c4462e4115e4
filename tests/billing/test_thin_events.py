"""Thin events name an object only: whose it is must be asked, and then they are as good as whole ones."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from paywall import clock
from paywall.billing import claims, inbox
from paywall.billing.cashbook.models import Dispute, Payout
from paywall.billing.gateway import gateway
from paywall.billing.gifts import giving
from paywall.billing.gifts.models import Gift
from paywall.billing.gifts.rules import GiftState
from paywall.billing.models import EventState, StripeCustomer, StripeEvent
from paywall.billing.setup import EVENTS
from paywall.db import db
from paywall.membership.rules import Status
from paywall.sandbox import Fault, FaultKind
from tests.billing.cashbook.town import only
from tests.billing.test_inbox import asked, make_due, rows, states
from tests.billing.test_webhook import ONE_DATABASE, URL, signed
from tests.shop import SITE, Shop

pytestmark = pytest.mark.story

NO_SNAPSHOTS = Fault(FaultKind.DROP, match="[!v]*", times=None)


@pytest.fixture
def thin(shop: Shop) -> str:
    """The secret of a destination for thin events; whole ones are lost."""
    shop.sandbox.faults.set(NO_SNAPSHOTS)
    return shop.sandbox.send_thin(f"{SITE}{URL}", [f"v1.{type}" for type in EVENTS]).secret


def notice(**changes: Any) -> str:
    """A thin event about a subscription that there is not."""
    about = {"id": "sub_1", "type": "subscription", "url": "/v1/subscriptions/sub_1"}
    whole = {
        "id": "evt_test_1",
        "object": "v2.core.event",
        "type": "v1.customer.subscription.updated",
        "created": "2026-11-01T10:00:00.000Z",
        "livemode": False,
        "related_object": about,
    }
    return json.dumps({**whole, **changes})


def send(client: FlaskClient, secret: str, **changes: Any) -> int:
    """Send such an event to the webhook; the answer."""
    body = notice(**changes)
    return client.post(URL, data=body, headers=signed(body, secret)).status_code


def about(id: str, type: str, url: str) -> dict[str, str]:
    return {"id": id, "type": type, "url": url}


def test_a_thin_event_is_stored_before_it_is_known_whose_it_is(
    shop: Shop, thin: str, client: FlaskClient
) -> None:
    with asked(shop) as heard:
        assert [send(client, thin), send(client, thin)] == [200, 200]
    assert heard == []
    (stored,) = rows()
    assert (stored.event_id, stored.type) == ("evt_test_1", "v1.customer.subscription.updated")
    assert (stored.customer, stored.state) == (None, EventState.RECEIVED)
    assert json.loads(stored.payload) == json.loads(notice())


def test_thin_events_alone_give_access(shop: Shop, thin: str, deliver: Callable[[], int]) -> None:
    shop.pay(shop.begin())
    assert deliver() >= 4
    assert [one.status for one in shop.held()] == [Status.ACTIVE]
    assert set(states()) == {EventState.HANDLED}
    ours = db.session.scalars(select(StripeCustomer.stripe_id)).one()
    assert {one.customer for one in rows()} == {ours}


def test_a_burst_of_them_is_one_fetch_of_the_customers_books(
    shop: Shop, thin: str, deliver: Callable[[], int]
) -> None:
    shop.pay(shop.begin())
    with asked(shop) as heard:
        taken = deliver()
    assert heard.count("GET /v1/subscriptions") == 1
    assert len(heard) <= taken + 3


def test_the_deletion_of_a_customer_is_not_asked_for_at_an_address_of_its_own(
    shop: Shop, thin: str, deliver: Callable[[], int]
) -> None:
    shop.join()
    deliver()
    customer = rows()[0].customer or ""
    gateway().client.v1.customers.delete(customer)
    deliver()
    assert [one.status for one in shop.held()] == [Status.CANCELED]
    assert set(states()) == {EventState.HANDLED}


def test_what_stripe_no_longer_has_is_ignored(
    thin: str, client: FlaskClient, work: Callable[[], int]
) -> None:
    assert send(client, thin) == 200
    work()
    assert states() == [EventState.IGNORED]


def test_while_stripe_is_down_it_is_tried_again(
    shop: Shop, thin: str, deliver: Callable[[], int], work: Callable[[], int]
) -> None:
    shop.pay(shop.begin())
    shop.sandbox.faults.set(Fault(FaultKind.API_ERROR, times=None))
    deliver()
    assert set(states()) == {EventState.FAILED}
    assert {one.customer for one in rows() if "checkout" in one.type} == {None}
    shop.sandbox.faults.clear()
    make_due()
    inbox.handle_waiting()
    work()
    assert set(states()) == {EventState.HANDLED}
    assert [one.status for one in shop.held()] == [Status.ACTIVE]


def test_looking_up_whose_it_is_and_handling_it_are_one_attempt(
    shop: Shop, thin: str, client: FlaskClient, work: Callable[[], int]
) -> None:
    shop.join()
    found = gateway().client.v1.subscriptions.list().data[0].id
    send(client, thin, related_object=about(found, "subscription", f"/v1/subscriptions/{found}"))
    db.session.execute(update(StripeEvent).values(attempts=claims.ATTEMPTS - 1))
    db.session.commit()
    work()
    assert [(one.state, one.attempts) for one in rows()] == [(EventState.HANDLED, claims.ATTEMPTS)]


@ONE_DATABASE
@pytest.mark.parametrize(
    ("type", "related"),
    [
        ("v1.customer.subscription.updated", about("sub_2", "subscription", "/v1/customers/cus_2/sub_2")),
        ("v1.balance.available", {"type": "balance", "url": "/v1/balance"}),
        ("v2.core.account.closed", about("acct_1", "v2.core.account", "/v2/core/accounts/acct_1")),
        ("v2.core.health.event_generation_failure.resolved", None),
        ("v1.never.heard.of", about("new_1", "new", "/v9/news/new_1")),
        ("v1.never.heard.of", None),
    ],
)
def test_what_cannot_be_a_readers_is_ignored_without_a_question(
    shop: Shop, thin: str, client: FlaskClient, work: Callable[[], int], type: str, related: Any
) -> None:
    given = {"related_object": related} if related else {"related_object": None, "data": {}}
    assert send(client, thin, type=type, **given) == 200
    with asked(shop) as heard:
        work()
    assert (states(), heard) == ([EventState.IGNORED], [])


def test_a_strangers_object_on_the_same_account_is_ignored(
    shop: Shop, thin: str, client: FlaskClient, work: Callable[[], int]
) -> None:
    v1 = gateway().client.v1
    customer = v1.customers.create({"email": shop.reader.email}).id
    product = v1.products.create({"name": "A mug"}).id
    send(client, thin, related_object=about(product, "product", f"/v1/products/{product}"))
    person = about(customer, "customer", f"/v1/customers/{customer}")
    send(client, thin, id="evt_test_2", related_object=person)
    work()
    assert states() == [EventState.IGNORED] * 2
    assert shop.held() == []


def test_a_dispute_finds_the_cash_book(shop: Shop, thin: str, deliver: Callable[[], int]) -> None:
    shop.join()
    deliver()
    charge = gateway().client.v1.charges.list().data[0].id
    shop.sandbox.disputes.open(charge)
    deliver()
    assert only(Dispute).charge == charge
    assert set(states()) == {EventState.HANDLED}


def test_a_payout_finds_the_cash_book(shop: Shop, thin: str, deliver: Callable[[], int]) -> None:
    shop.join()
    deliver()
    shop.sandbox.advance(by=timedelta(days=4))
    deliver()
    assert only(Payout).status == "paid"
    assert set(states()) == {EventState.HANDLED}


def test_a_gift_that_is_refunded_is_known_by_a_thin_event(
    shop: Shop, thin: str, deliver: Callable[[], int]
) -> None:
    _, present = next(iter(giving.on_offer().values()))
    order = giving.Order(present, "Gina", "gina@example.org", "Luca", None, "", clock.now())
    with shop.app.test_request_context():
        page = giving.begin(None, order)
    shop.pay(page.rpartition("/")[2])
    deliver()
    assert only(Gift).state is GiftState.PAID
    v1 = gateway().client.v1
    v1.refunds.create({"charge": v1.charges.list().data[0].id})
    deliver()
    assert only(Gift).state is GiftState.VOID


@ONE_DATABASE
@pytest.mark.parametrize(
    "changes",
    [
        {"id": None},
        {"id": 7},
        {"id": ""},
        {"id": "evt with spaces"},
        {"type": "v1." + "x" * 200},
        {"type": None},
        {"created": "", "object": "v3.core.event"},
        {"object": "subscription"},
        {"related_object": {"id": "sub_1"}},
        {"related_object": "sub_1"},
    ],
)
def test_a_signed_body_that_is_no_event_is_refused(
    thin: str, client: FlaskClient, changes: dict[str, Any]
) -> None:
    assert send(client, thin, **changes) == 400
    assert rows() == []


def test_a_thin_event_must_be_signed_too(thin: str, client: FlaskClient) -> None:
    assert send(client, "whsec_wrong") == 400
    assert client.post(URL, data=notice()).status_code == 400
    assert rows() == []


def test_one_of_the_other_mode_is_answered_and_left_alone(thin: str, client: FlaskClient) -> None:
    assert send(client, thin, livemode=True) == 200
    assert rows() == []
