"""The conformance walker itself: it passes what Stripe documents and catches each kind of planted fault."""

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import stripe

from tests.sandbox.annotations import endpoint_for
from tests.sandbox.conformance import answer_problems, decoded, object_problems, request_problems
from tests.sandbox.wire import CheckedClient

PRICE: dict[str, Any] = {
    "id": "price_1",
    "object": "price",
    "active": True,
    "billing_scheme": "per_unit",
    "created": 1790000000,
    "currency": "eur",
    "custom_unit_amount": None,
    "livemode": False,
    "lookup_key": None,
    "metadata": {"plan": "supporter"},
    "nickname": None,
    "product": "prod_1",
    "recurring": {
        "interval": "month",
        "interval_count": 1,
        "meter": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    },
    "tax_behavior": "inclusive",
    "tiers_mode": None,
    "transform_quantity": None,
    "type": "recurring",
    "unit_amount": 500,
    "unit_amount_decimal": "500",
}
GONE = {"id": "cus_1", "object": "customer", "deleted": True}
Plant = Callable[[dict[str, Any]], Any]


def event(**data: Any) -> dict[str, Any]:
    """A `price.updated` event around the sample price."""
    return {
        "id": "evt_1",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": 1790000000,
        "data": {"object": copy.deepcopy(PRICE), **data},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": "price.updated",
    }


@pytest.mark.parametrize("whole", [PRICE, GONE, event(), event(previous_attributes={"active": False})])
def test_a_documented_object_conforms(whole: dict[str, Any]) -> None:
    assert object_problems(whole) == []


@pytest.mark.parametrize(
    ("plant", "complaint"),
    [
        (lambda o: o.pop("currency"), "$.currency: missing"),
        (lambda o: o.update(currency=None), "$.currency: None is not str"),
        (lambda o: o.update(active="true"), "$.active: 'true' is not bool"),
        (lambda o: o.update(created=1790000000.5), "$.created: 1790000000.5 is not int"),
        (lambda o: o.update(unit_amount=True), "$.unit_amount: True is not int"),
        (lambda o: o.update(unit_amount_decimal=500), "$.unit_amount_decimal: 500 is not Decimal"),
        (lambda o: o.update(plan="gold"), "$.plan: unknown to Price"),
        (lambda o: o.update(type="weekly"), "$.type: 'weekly' is not a known value"),
        (lambda o: o.update(object="prize"), "$: the SDK knows no object 'prize'"),
        (lambda o: o.update(metadata={"n": 1}), "$.metadata.n: 1 is not str"),
        (lambda o: o.update(metadata=[]), "$.metadata: [] is not an object"),
        (lambda o: o["recurring"].update(interval="fortnight"), "$.recurring.interval: 'fortnight' is"),
        (lambda o: o["recurring"].pop("usage_type"), "$.recurring.usage_type: missing"),
        (lambda o: o.update(recurring="month"), "$.recurring: 'month' is not a Recurring"),
        (lambda o: o.update(product={"id": "prod_1"}), "$.product"),
        (lambda o: o.update(tiers={}), "$.tiers: {} is not a list"),
        (lambda o: o.update(tiers=[{"up_to": "x"}]), "$.tiers[0].up_to: 'x' is not int"),
        (lambda o: o.update(deleted=False), "$.deleted: False is not a known value"),
    ],
)
def test_a_planted_fault_in_an_object_is_caught(plant: Plant, complaint: str) -> None:
    faulty = copy.deepcopy(PRICE)
    plant(faulty)
    assert any(problem.startswith(complaint) for problem in object_problems(faulty))


@pytest.mark.parametrize(
    ("plant", "complaint"),
    [
        (lambda o: o["data"]["object"].pop("currency"), "$.data.object.currency: missing"),
        (lambda o: o["data"].pop("object"), "$.data.object: missing"),
        (lambda o: o["data"].update(previous_attributes={"colour": "red"}), "$.data.previous"),
        (lambda o: o.update(type="price.painted"), "$.type: 'price.painted' is not a known value"),
    ],
)
def test_a_planted_fault_in_an_event_is_caught(plant: Plant, complaint: str) -> None:
    faulty = event()
    plant(faulty)
    assert any(problem.startswith(complaint) for problem in object_problems(faulty))


def test_lists_and_expanded_fields_are_walked() -> None:
    product_list = stripe.ListObject[stripe.Price]
    whole = {"object": "list", "data": [PRICE], "has_more": False, "url": "/v1/prices"}
    assert answer_problems(whole, product_list) == []
    assert answer_problems(whole | {"data": [PRICE | {"active": 1}]}, product_list) == [
        "$.data[0].active: 1 is not bool"
    ]
    assert answer_problems(whole | {"object": "price"}, product_list) != []
    assert answer_problems([PRICE], product_list) != []
    expanded = PRICE | {"product": {"id": "prod_1", "object": "product"}}
    assert "$.product.livemode: missing" in object_problems(expanded)


CHECKOUT = {
    "mode": "subscription",
    "line_items[0][price]": "price_1",
    "line_items[0][quantity]": "1",
    "success_url": "https://paper.example/done",
}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"customer": "cus_1", "subscription_data[metadata][reader_id]": "7", "expand[0]": "customer"}, None),
        ({"subscription_data[description]": "", "metadata": ""}, "$.subscription_data.description: '' is"),
        ({"payment_method_types[0]": "card"}, "$.payment_method_types: not a parameter"),
        ({"ui_mode": "hosted"}, "$.ui_mode: 'hosted' is not a known value"),
        ({"mode": "rent"}, "$.mode: 'rent' is not a known value"),
        ({"customer": ""}, "$.customer: '' is not str"),
        ({"subscription_data": "x"}, "$.subscription_data: 'x' is not an object"),
        ({"subscription_data[trial_period_days]": "soon"}, "$.subscription_data.trial_period_days: 'soon'"),
        ({"allow_promotion_codes": "yes"}, "$.allow_promotion_codes: 'yes' is not bool"),
        ({"line_items[2][price]": "price_1"}, "$.line_items: "),
        ({"line_items[0][colour]": "red"}, "$.line_items[0].colour: not a parameter of"),
        (
            {"subscription_data[application_fee_percent]": "a"},
            "$.subscription_data.application_fee_percent: 'a'",
        ),
        ({"customer[id]": "cus_1"}, "$.customer: "),
        ({"metadata": "x"}, "$.metadata: 'x' is not"),
    ],
)
def test_each_request_is_checked_against_the_parameters(
    change: Mapping[str, str], complaint: str | None
) -> None:
    endpoint = endpoint_for("post", "/v1/checkout/sessions")
    assert endpoint is not None
    found = request_problems(decoded(list({**CHECKOUT, **change}.items())), endpoint.params)
    assert found == [] if complaint is None else any(problem.startswith(complaint) for problem in found)


def test_a_missing_required_parameter_is_caught() -> None:
    endpoint = endpoint_for("post", "/v1/webhook_endpoints")
    assert endpoint is not None
    assert "$.url: missing" in request_problems({"enabled_events": {"0": "invoice.paid"}}, endpoint.params)


class Answers(stripe.HTTPClient):
    """A client that gives one fixed answer."""

    name = "answers"

    def __init__(self, answer: dict[str, Any], status: int = 200) -> None:
        super().__init__()
        self.answer = answer
        self.status = status
        self.closed = False

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **kwargs: Any
    ) -> tuple[str, int, Mapping[str, str]]:
        return json.dumps(self.answer), self.status, {}

    def close(self) -> None:
        self.closed = True


def sdk(client: CheckedClient) -> stripe.StripeClient:
    """The stripe package over a checked client."""
    return stripe.StripeClient("sk_test_1", http_client=client)


def test_the_checked_client_notes_problems_of_both_sides() -> None:
    client = CheckedClient(Answers(PRICE | {"currency": None}))
    sdk(client).v1.prices.update("price_1", {"active": "maybe"})  # type: ignore[arg-type]  # planted
    assert client.problems == [
        "post /v1/prices/price_1: $.active: 'maybe' is not bool",
        "post /v1/prices/price_1: $.currency: None is not str",
    ]


def test_the_checked_client_passes_a_clean_call_and_closes() -> None:
    inner = Answers(PRICE)
    client = CheckedClient(inner)
    price = sdk(client).v1.prices.retrieve("price_1", {"expand": ["product"]})
    client.close()
    assert (price.nickname, client.problems, inner.closed) == (None, [], True)


def test_the_checked_client_can_leave_nulls_out() -> None:
    price = sdk(CheckedClient(Answers(PRICE), drop_nulls=True)).v1.prices.retrieve("price_1")
    assert "nickname" not in price


def test_a_call_outside_the_sdk_and_a_misshapen_error_are_noted() -> None:
    client = CheckedClient(Answers({"error": {"type": "odd"}}, 400))
    client.request("get", "http://127.0.0.1/v1/unicorns", {})
    client.request("get", "http://127.0.0.1/v1/prices/price_1", {})
    assert client.problems == [
        "get /v1/unicorns: the SDK has no such call",
        "get /v1/prices/price_1: $.error.message: missing",
        "get /v1/prices/price_1: $.error.type: 'odd'",
    ]
    client = CheckedClient(Answers({}, 400))
    client.request("get", "http://127.0.0.1/v1/prices/price_1", {})
    assert client.problems == ["get /v1/prices/price_1: $.error: missing"]
