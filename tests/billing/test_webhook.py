"""The door for Stripe's events: signed, stored once, answered, and only then handled."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe
from flask.testing import FlaskClient
from sqlalchemy import select

from paywall.billing import claims, inbox
from paywall.billing.gateway import gateway
from paywall.billing.models import EventState, StripeEvent
from paywall.billing.remote import RemoteSubscription
from paywall.db import db
from paywall.membership.rules import Status
from paywall.sandbox import Fault, FaultKind, Sandbox
from tests.shop import Shop

URL = "/webhooks/stripe"
ONE_DATABASE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def signed(body: str, secret: str, at: float | None = None) -> dict[str, str]:
    header = stripe.WebhookSignature.generate_signature_header(body, secret, int(at or time.time()))
    return {"Stripe-Signature": header, "Content-Type": "application/json"}


def event(**changes: Any) -> str:
    about = {"id": "sub_1", "object": "subscription", "customer": "cus_unknown"}
    whole = {"id": "evt_1", "object": "event", "type": "customer.subscription.updated", "livemode": False}
    return json.dumps({**whole, "api_version": stripe.api_version, "data": {"object": about}, **changes})


def rows() -> list[StripeEvent]:
    db.session.rollback()
    return list(db.session.scalars(select(StripeEvent).order_by(StripeEvent.id)))


@pytest.fixture
def secret(shop: Shop) -> str:
    return shop.sandbox.webhook_secrets()[0]


def test_an_event_is_stored_before_it_is_answered(client: FlaskClient, secret: str) -> None:
    assert client.post(URL, data=event(), headers=signed(event(), secret)).status_code == 200
    stored = rows()
    assert [(one.event_id, one.state, one.customer) for one in stored] == [
        ("evt_1", EventState.RECEIVED, "cus_unknown")
    ]
    assert json.loads(stored[0].payload)["id"] == "evt_1"


def test_the_same_event_twice_is_stored_once(client: FlaskClient, secret: str) -> None:
    for _ in range(2):
        assert client.post(URL, data=event(), headers=signed(event(), secret)).status_code == 200
    assert len(rows()) == 1


@ONE_DATABASE
@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (event(), {}),
        (event(), {"Stripe-Signature": "rubbish"}),
        (event(), signed(event(), "whsec_wrong")),
        (event(), signed(event(id="evt_2"), "SECRET")),
        (event(), signed(event(), "SECRET", at=1_700_000_000)),
        ("[]", signed("[]", "SECRET")),
        ("{}", signed("{}", "SECRET")),
        ("not json", signed("not json", "SECRET")),
        ('"text"', signed('"text"', "SECRET")),
        (event(data={}), signed(event(data={}), "SECRET")),
        (event(object="charge"), signed("", "SECRET")),
        (event(object="v2.core.event"), signed("", "SECRET")),
        (event(id=None), signed("", "SECRET")),
        (event(id=7), signed("", "SECRET")),
        (event(id="evt_\u0000"), signed("", "SECRET")),
        (event(id="evt_" + "1" * 300), signed("", "SECRET")),
        (event(type="x" * 121), signed("", "SECRET")),
        (event(type=["x"]), signed("", "SECRET")),
        (event(data={"object": {"object": "charge", "customer": 7}}), signed("", "SECRET")),
        ("null", signed("", "SECRET")),
        ("", signed("", "SECRET")),
        ("\ufeff" + event(), signed("", "SECRET")),
        ("[" * 100_000, signed("", "SECRET")),
    ],
)
def test_what_stripe_did_not_sign_or_is_no_event_is_refused_and_not_stored(
    client: FlaskClient, secret: str, body: str, headers: dict[str, str]
) -> None:
    if "Stripe-Signature" in headers and body != event():
        headers = signed(body, secret)
    assert client.post(URL, data=body, headers=headers).status_code == 400
    assert rows() == []


def test_a_body_that_is_not_text_is_refused(client: FlaskClient, secret: str) -> None:
    raw = b'{"id": "\xff"}'
    headers = {"Stripe-Signature": signed("x", secret)["Stripe-Signature"]}
    assert client.post(URL, data=raw, headers=headers).status_code == 400


def test_a_body_beyond_all_measure_is_refused(client: FlaskClient, secret: str) -> None:
    body = event(filler="x" * (1024 * 1024))
    assert client.post(URL, data=body, headers=signed(body, secret)).status_code == 413
    assert rows() == []


def test_an_event_of_the_other_mode_is_answered_and_left_alone(client: FlaskClient, secret: str) -> None:
    body = event(livemode=True)
    assert client.post(URL, data=body, headers=signed(body, secret)).status_code == 200
    assert rows() == []


def test_any_of_several_secrets_will_do(
    client: FlaskClient, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway(), "_secrets", lambda: ["whsec_new", secret])
    assert client.post(URL, data=event(), headers=signed(event(), secret)).status_code == 200
    headers = signed(event(id="evt_2"), "whsec_new")
    assert client.post(URL, data=event(id="evt_2"), headers=headers).status_code == 200
    assert len(rows()) == 2


def test_a_secret_that_is_rolled_loses_no_event(
    shop: Shop, deliver: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = shop.sandbox.webhook_secrets()
    (endpoint,) = gateway().client.v1.webhook_endpoints.list().data
    fresh = shop.sandbox.roll_secret(endpoint.id)
    monkeypatch.setattr(gateway(), "_secrets", lambda: old)
    shop.pay(shop.begin())
    assert deliver() > 3
    monkeypatch.setattr(gateway(), "_secrets", lambda: [fresh, *old])
    shop.sandbox.advance(months=1)
    assert deliver() > 3
    monkeypatch.setattr(gateway(), "_secrets", lambda: old)
    shop.sandbox.advance(months=1)
    assert deliver() == 0
    monkeypatch.setattr(gateway(), "_secrets", lambda: [fresh])
    shop.sandbox.advance(by=timedelta(hours=2))
    assert deliver() >= 3
    assert {one.state for one in rows()} == {EventState.HANDLED}


def test_without_a_secret_there_is_no_door(
    client: FlaskClient, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway(), "_secrets", list)
    assert client.post(URL, data=event(), headers=signed(event(), secret)).status_code == 404


def test_only_post_is_answered(client: FlaskClient) -> None:
    assert client.get(URL).status_code == 405


def test_the_webhook_alone_gives_access(shop: Shop, deliver: Callable[[], int]) -> None:
    shop.pay(shop.begin())
    assert shop.held() == []
    assert deliver() > 0
    assert [one.status for one in shop.held()] == [Status.ACTIVE]
    assert {one.state for one in rows()} <= {EventState.HANDLED, EventState.IGNORED}


def test_a_burst_for_one_customer_is_one_fetch(
    shop: Shop, deliver: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = gateway().subscriptions

    def counted(customer: str) -> list[RemoteSubscription]:
        asked.append(customer)
        return real(customer)

    shop.pay(shop.begin())
    monkeypatch.setattr(gateway(), "subscriptions", counted)
    assert deliver() >= 4
    assert len(asked) == 1


def test_an_event_of_a_stranger_is_ignored(client: FlaskClient, secret: str, work: Callable[[], int]) -> None:
    client.post(URL, data=event(), headers=signed(event(), secret))
    nobodys = event(id="evt_2", data={"object": {"id": "prod_1", "object": "product"}})
    client.post(URL, data=nobodys, headers=signed(nobodys, secret))
    work()
    assert [one.state for one in rows()] == [EventState.IGNORED, EventState.IGNORED]


def test_a_failure_is_kept_and_tried_again(shop: Shop, deliver: Callable[[], int]) -> None:
    shop.pay(shop.begin())
    shop.sandbox.faults.set(Fault(FaultKind.API_ERROR, times=None))
    deliver()
    failed = [one for one in rows() if one.state is EventState.FAILED]
    assert failed
    assert "Unavailable" in (failed[0].error or "")
    assert shop.held() == []
    assert inbox.oldest_unhandled() >= 0
    db.session.rollback()
    shop.sandbox.faults.clear()
    for one in rows():
        one.try_at = one.received_at
    db.session.commit()
    inbox.handle_waiting()
    assert [one.status for one in shop.held()] == [Status.ACTIVE]
    assert {one.state for one in rows()} <= {EventState.HANDLED, EventState.IGNORED}
    assert inbox.oldest_unhandled() == 0


def test_a_failure_that_lasts_is_given_up_but_kept(
    client: FlaskClient, shop: Shop, secret: str, work: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.join()
    body = event(data={"object": {"id": "sub_1", "object": "subscription", "customer": _customer()}})
    monkeypatch.setattr(claims, "ATTEMPTS", 1)
    shop.sandbox.faults.set(Fault(FaultKind.API_ERROR, times=None))
    client.post(URL, data=body, headers=signed(body, secret))
    work()
    assert [(one.state, one.try_at) for one in rows()] == [(EventState.FAILED, None)]


def test_handling_an_event_twice_or_none_at_all_is_harmless(
    client: FlaskClient, secret: str, work: Callable[[], int]
) -> None:
    client.post(URL, data=event(), headers=signed(event(), secret))
    work()
    inbox.handle(rows()[0].id)
    inbox.handle(999)
    assert [one.state for one in rows()] == [EventState.IGNORED]


def _customer() -> str:
    from paywall.billing.models import StripeCustomer

    found = db.session.scalars(select(StripeCustomer.stripe_id)).one() or ""
    db.session.rollback()
    return found


def test_a_lost_webhook_is_made_good_by_the_return(
    shop: Shop, sandbox: Sandbox, deliver: Callable[[], int]
) -> None:
    sandbox.faults.set(Fault(FaultKind.DROP, times=None))
    held = shop.join()
    deliver()
    assert held.status is Status.ACTIVE
    assert rows() == []
