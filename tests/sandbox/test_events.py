"""Events and their delivery: what is listed, what is sent, what is tried again."""

from datetime import timedelta

import pytest
import stripe

from paywall.sandbox import Fault, FaultKind, Sandbox
from tests.sandbox.shop import Inbox, Shop


def test_an_endpoint_gets_every_event_it_asked_for_signed_and_once(shop: Shop) -> None:
    everything, some = Inbox(shop), Inbox(shop, enabled_events=["invoice.paid", "customer.created"])
    shop.subscribe()
    sent = shop.sandbox.deliveries.deliver_due(lambda u, b, h: _either(everything, some, u, b, h))
    assert sent == len(everything.types) + len(some.types)
    assert everything.types == shop.events()
    assert some.types == ["customer.created", "invoice.paid"]
    assert shop.sandbox.deliveries.deliver_due(everything.post) == 0


def _either(first: Inbox, second: Inbox, url: str, body: bytes, headers: dict[str, str]) -> int:
    try:
        return first.post(url, body, headers)
    except stripe.SignatureVerificationError:
        return second.post(url, body, headers)


def test_the_body_is_rendered_for_the_endpoints_version_and_the_list_for_the_accounts(shop: Shop) -> None:
    inbox = Inbox(shop, api_version="2026-09-30.endive")
    shop.customer()
    shop.sandbox.deliveries.deliver_due(inbox.post)
    assert inbox.received[0]["api_version"] == "2026-09-30.endive"
    event = shop.v1.events.retrieve(inbox.received[0]["id"])
    assert event.api_version == "2026-10-28.endive"
    assert event.request.id.startswith("req_")
    assert event.request.idempotency_key


def test_events_of_the_clock_have_no_request(shop: Shop) -> None:
    shop.subscribe()
    shop.sandbox.advance(months=1)
    last = shop.all_events()[-1]
    assert (last.request.id, last.request.idempotency_key) == (None, None)


@pytest.mark.parametrize("status", [500, 307, 404])
def test_an_endpoint_that_does_not_say_2xx_is_tried_again_for_three_days(shop: Shop, status: int) -> None:
    inbox = Inbox(shop, status)
    shop.customer()
    deliveries = shop.sandbox.deliveries
    assert deliveries.deliver_due(inbox.post) == 0
    assert (len(inbox.received), deliveries.due()) == (1, [])
    for _ in range(20):
        shop.sandbox.advance(by=timedelta(hours=6))
        deliveries.deliver_due(inbox.post)
    assert 5 <= len(inbox.received) <= 12
    given_up = deliveries.of_event(inbox.received[0]["id"])[0]
    assert (given_up.state, given_up.last_status, given_up.attempts) == (
        "failed",
        status,
        len(inbox.received),
    )
    assert {e["id"] for e in inbox.received} == {inbox.received[0]["id"]}


def test_an_endpoint_that_comes_back_gets_what_it_missed(shop: Shop) -> None:
    inbox = Inbox(shop, 503)
    shop.customer()
    event = shop.all_events()[-1]
    assert event.pending_webhooks == 1
    shop.sandbox.deliveries.deliver_due(inbox.post)
    assert [e.id for e in shop.v1.events.list({"delivery_success": False})] == [event.id]
    shop.sandbox.advance(by=timedelta(minutes=2))
    inbox.status = 204
    assert shop.sandbox.deliveries.deliver_due(inbox.post) == 1
    assert shop.v1.events.retrieve(event.id).pending_webhooks == 0
    assert shop.v1.events.list({"delivery_success": False}).data == []
    assert event.id in [e.id for e in shop.v1.events.list({"delivery_success": True})]


def test_an_endpoint_that_cannot_be_reached_counts_as_failed(shop: Shop) -> None:
    Inbox(shop)
    shop.customer()

    def unreachable(url: str, body: bytes, headers: dict[str, str]) -> int:
        raise ConnectionRefusedError(url)

    assert shop.sandbox.deliveries.deliver_due(unreachable) == 0
    assert shop.sandbox.deliveries.of_event(shop.all_events()[-1].id)[0].last_status == 0


def test_a_disabled_endpoint_gets_nothing_and_a_deleted_one_is_forgotten(shop: Shop) -> None:
    inbox = Inbox(shop)
    shop.customer()
    endpoints = shop.v1.webhook_endpoints
    assert endpoints.update(inbox.endpoint.id, {"disabled": True}).status == "disabled"
    assert shop.sandbox.deliveries.deliver_due(inbox.post) == 0
    shop.product()
    enabled = {"disabled": False, "url": inbox.endpoint.url, "enabled_events": ["product.updated"]}
    assert endpoints.update(inbox.endpoint.id, enabled).enabled_events == ["product.updated"]
    assert shop.sandbox.deliveries.deliver_due(inbox.post) == 1
    shop.v1.products.update(shop.product(), {"name": "Other"})
    assert endpoints.delete(inbox.endpoint.id).deleted
    assert shop.sandbox.deliveries.deliver_due(inbox.post) == 0
    assert endpoints.list().data == []


def test_the_secret_is_shown_once(shop: Shop) -> None:
    made = shop.v1.webhook_endpoints.create({"url": "https://paper.example", "enabled_events": ["*"]})
    assert made.secret.startswith("whsec_")
    assert "secret" not in shop.v1.webhook_endpoints.retrieve(made.id)
    assert shop.sandbox.webhook_secrets() == [made.secret]
    for facts in ({"url": "paper.example"}, {"url": "ftp://paper.example"}):
        with pytest.raises(stripe.InvalidRequestError, match="Invalid URL"):
            shop.v1.webhook_endpoints.update(made.id, facts)
    with pytest.raises(stripe.InvalidRequestError, match="Invalid enabled_events"):
        shop.v1.webhook_endpoints.create(
            {"url": "https://paper.example", "enabled_events": ["invoice.payed"]}
        )


def test_a_rolled_secret_signs_beside_the_old_one_for_a_day(shop: Shop) -> None:
    inbox = Inbox(shop)
    fresh = shop.sandbox.roll_secret(inbox.endpoint.id)
    heads: list[str] = []

    def post(url: str, body: bytes, headers: dict[str, str]) -> int:
        heads.append(headers["Stripe-Signature"])
        stripe.WebhookSignature.verify_header(body, headers["Stripe-Signature"], fresh, 300)
        return inbox.post(url, body, headers)

    shop.customer()
    assert shop.sandbox.deliveries.deliver_due(post) == 1
    assert heads[0].count("v1=") == 2
    shop.sandbox.advance(by=timedelta(hours=25))
    shop.product()
    with pytest.raises(stripe.SignatureVerificationError):
        shop.sandbox.deliveries.deliver_due(post)
    assert heads[1].count("v1=") == 1


def test_on_event_rings_after_the_commit(shop: Shop) -> None:
    heard: list[int] = []
    shop.sandbox.on_event = lambda: heard.append(len(shop.sandbox.deliveries.due()))
    shop.product()
    assert heard == []
    Inbox(shop, enabled_events=["customer.created"])
    shop.price()
    shop.customer()
    assert heard == [1]


def test_events_are_listed_by_type_and_by_cursor(shop: Shop) -> None:
    shop.subscribe()
    events = shop.v1.events
    assert {e.type for e in events.list({"type": "invoice.*"})} >= {"invoice.paid", "invoice.created"}
    both = events.list({"types": ["invoice.paid", "customer.created"]}).data
    assert [e.type for e in both] == ["invoice.paid", "customer.created"]
    first = shop.all_events()[0]
    later = [e.type for e in events.list({"ending_before": first.id, "limit": 3}).auto_paging_iter()]
    assert later == shop.events()[1:]
    with pytest.raises(stripe.InvalidRequestError, match="up to 20 types"):
        events.list({"types": ["invoice.paid"] * 21})
    with pytest.raises(stripe.InvalidRequestError, match="No such event"):
        events.retrieve("evt_none")


def test_events_are_gone_after_thirty_days(shop: Shop) -> None:
    shop.customer()
    old = shop.all_events()[-1]
    shop.sandbox.advance(by=timedelta(days=29, hours=23))
    assert shop.v1.events.retrieve(old.id).id == old.id
    shop.sandbox.advance(by=timedelta(days=1))
    assert shop.v1.events.list().data == []
    with pytest.raises(stripe.InvalidRequestError, match="30 days"):
        shop.v1.events.retrieve(old.id)
    shop.sandbox.advance(by=timedelta(days=60))
    with pytest.raises(stripe.InvalidRequestError, match="No such event"):
        shop.v1.events.retrieve(old.id)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(FaultKind.DROP), ["product.created"]),
        (Fault(FaultKind.DROP, match="product.*"), ["customer.created"]),
        (Fault(FaultKind.DUPLICATE), ["customer.created", "customer.created", "product.created"]),
        (Fault(FaultKind.DELAY, seconds=600), ["product.created"]),
        (Fault(FaultKind.REORDER), ["product.created", "customer.created"]),
    ],
)
def test_deliveries_go_wrong_on_purpose(shop: Shop, fault: Fault, expected: list[str]) -> None:
    inbox = Inbox(shop)
    shop.customer()
    shop.product()
    shop.sandbox.faults.set(fault)
    shop.sandbox.deliveries.deliver_due(inbox.post)
    assert inbox.types == expected
    shop.sandbox.faults.clear()
    shop.sandbox.advance(by=timedelta(minutes=11))
    shop.sandbox.deliveries.deliver_due(inbox.post)
    late = ["customer.created"] if fault.kind is FaultKind.DELAY else []
    assert inbox.types == expected + late


def test_a_delivery_claimed_by_one_is_not_sent_by_another(shop: Shop, sandbox: Sandbox) -> None:
    inbox = Inbox(shop)
    shop.customer()
    seen: list[int] = []

    def while_posting(url: str, body: bytes, headers: dict[str, str]) -> int:
        seen.append(sandbox.deliveries.deliver_due(inbox.post))
        return inbox.post(url, body, headers)

    assert sandbox.deliveries.deliver_due(while_posting) == 1
    assert (seen, len(inbox.received)) == ([0], 1)


def test_a_snapshot_stays_what_it_was(shop: Shop) -> None:
    subscription = shop.subscribe()
    shop.v1.subscriptions.update(subscription.id, {"metadata": {"a": "b"}})
    made, changed = [e for e in shop.all_events() if e.type.startswith("customer.subscription")]
    assert made.data.object["metadata"].to_dict() == {}
    assert changed.data.previous_attributes["metadata"]["a"] is None
    assert made.data.object["items"].data[0].price.product == shop.product()
