"""Thin events: what they say, to whom they are sent, and that the package reads them."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from stripe.events import UnknownEventNotification
from stripe.events._event_classes import get_v2_event_class

from paywall.sandbox import SandboxError
from paywall.sandbox.deliveries import Post
from tests.sandbox.annotations import fields_of
from tests.sandbox.conformance import answer_problems
from tests.sandbox.shop import Inbox, Shop

URL = "https://paper.example/thin"
TYPES = (
    "v1.charge.succeeded",
    "v1.checkout.session.completed",
    "v1.customer.created",
    "v1.customer.subscription.created",
    "v1.customer.subscription.updated",
    "v1.invoice.paid",
    "v1.refund.created",
)


@pytest.fixture
def received() -> list[dict[str, Any]]:
    """The thin events that came in."""
    return []


@pytest.fixture
def post(shop: Shop, received: list[dict[str, Any]]) -> Post:
    """A destination for thin events, and the door that it sends them to."""
    secret = shop.sandbox.send_thin(URL, TYPES).secret

    def take_in(url: str, body: bytes, headers: dict[str, str]) -> int:
        assert url == URL
        told = shop.client.parse_event_notification(body, headers["Stripe-Signature"], secret)
        assert not isinstance(told, UnknownEventNotification)
        received.append(json.loads(body))
        return 200

    return take_in


def test_a_thin_event_names_its_object_and_the_package_fetches_it(
    shop: Shop, post: Post, received: list[dict[str, Any]]
) -> None:
    subscription = shop.subscribe()
    assert shop.sandbox.deliveries.deliver_due(post) == len(received) == 5
    (told,) = (one for one in received if one["type"] == "v1.customer.subscription.created")
    (whole,) = (one for one in shop.all_events() if one.type == "customer.subscription.created")
    assert told["id"].startswith("evt_test_")
    assert told["related_object"] == {
        "id": subscription.id,
        "type": "subscription",
        "url": f"/v1/subscriptions/{subscription.id}",
    }
    assert (told["snapshot_event"], told["livemode"], "data" in told) == (whole.id, False, False)
    for one in received:
        read: Any = shop.client.parse_event_notification_without_verification(json.dumps(one))
        assert read.fetch_related_object().id == one["related_object"]["id"]


def test_what_is_sent_has_the_fields_of_the_packages_class(
    shop: Shop, post: Post, received: list[dict[str, Any]]
) -> None:
    shop.subscribe()
    shop.v1.refunds.create({"charge": shop.v1.charges.list().data[0].id})
    shop.sandbox.deliveries.deliver_due(post)
    assert {one["type"] for one in received} == set(TYPES) - {"v1.customer.subscription.updated"}
    for one in received:
        known = fields_of(get_v2_event_class(one["type"]))
        wrong = [problem for name in one for problem in answer_problems(one[name], known[name], name)]
        assert (one["type"], wrong) == (one["type"], [])


def test_events_of_the_clock_have_no_reason(shop: Shop, post: Post, received: list[dict[str, Any]]) -> None:
    shop.subscribe()
    shop.sandbox.deliveries.deliver_due(post)
    assert any(one["reason"]["request"]["id"].startswith("req_") for one in received if "reason" in one)
    received.clear()
    shop.sandbox.advance(months=1)
    shop.sandbox.deliveries.deliver_due(post)
    assert received
    assert not any("reason" in one for one in received)


def test_thin_and_whole_events_go_to_whom_each_was_asked_for(
    shop: Shop, post: Post, received: list[dict[str, Any]]
) -> None:
    inbox = Inbox(shop)

    def either(url: str, body: bytes, headers: dict[str, str]) -> int:
        return post(url, body, headers) if url == URL else inbox.post(url, body, headers)

    shop.customer()
    shop.product()
    assert shop.sandbox.deliveries.deliver_due(either) == 3
    assert inbox.types == ["customer.created", "product.created"]
    assert [one["type"] for one in received] == ["v1.customer.created"]
    assert [one.type for one in shop.all_events()] == inbox.types


@pytest.mark.parametrize("status", [500, 307])
def test_a_destination_that_does_not_say_2xx_is_tried_again(shop: Shop, post: Post, status: int) -> None:
    tried: list[bytes] = []

    def busy(url: str, body: bytes, headers: dict[str, str]) -> int:
        tried.append(body)
        return status

    shop.customer()
    assert shop.sandbox.deliveries.deliver_due(busy) == 0
    assert shop.sandbox.deliveries.deliver_due(busy) == 0
    shop.sandbox.advance(by=timedelta(minutes=2))
    assert shop.sandbox.deliveries.deliver_due(busy) == 0
    assert len(tried) == 2
    assert tried[0] == tried[1]
    shop.sandbox.advance(by=timedelta(minutes=6))
    assert shop.sandbox.deliveries.deliver_due(post) == 1


def test_its_secret_is_rolled_like_an_endpoints(shop: Shop) -> None:
    made = shop.sandbox.send_thin(URL, ["v1.customer.created"])
    assert shop.sandbox.webhook_secrets() == [made.secret]
    fresh = shop.sandbox.roll_secret(made.id)
    heard: list[str] = []

    def verify(url: str, body: bytes, headers: dict[str, str]) -> int:
        signature, read = headers["Stripe-Signature"], shop.client.parse_event_notification
        heard.extend(read(body, signature, secret).type for secret in (fresh, made.secret))
        return 200

    shop.customer()
    assert shop.sandbox.deliveries.deliver_due(verify) == 1
    assert heard == ["v1.customer.created"] * 2


@pytest.mark.parametrize("wrong", ["customer.created", "v1.customer.creates", "*"])
def test_only_types_that_the_package_knows_can_be_asked_for(shop: Shop, wrong: str) -> None:
    with pytest.raises(SandboxError, match="Unknown event type"):
        shop.sandbox.send_thin(URL, [wrong])


def test_old_thin_events_are_forgotten(shop: Shop, post: Callable[..., int]) -> None:
    shop.customer()
    shop.sandbox.advance(by=timedelta(days=100))
    assert shop.sandbox.deliveries.due() == []
    assert shop.sandbox.deliveries.deliver_due(post) == 0
