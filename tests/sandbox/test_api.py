"""The HTTP surface: keys, versions, unknown things, expansion, idempotency, faults, WSGI."""

import io
import json
import threading
import time
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
import stripe

from paywall.sandbox import Fault, FaultKind, Sandbox, idempotency
from tests.sandbox.shop import Shop

PRICE = "default_price_data[currency]=eur&default_price_data[unit_amount]=1.5"
SIZE = "&".join(f"package_dimensions[{side}]=x" for side in ("height", "length", "weight", "width"))
GOOD = {"Authorization": "Bearer sk_test_sandbox"}


def call(
    sandbox: Sandbox, method: str, path: str, form: str = "", **headers: str
) -> tuple[int, dict[str, Any]]:
    """One request past the stripe package."""
    sent = {**GOOD, **{name.replace("_", "-"): value for name, value in headers.items()}}
    answer = sandbox.handle(method, path, form, sent)
    assert answer.headers["request-id"].startswith("req_")
    return answer.status, json.loads(answer.body)


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ({"Authorization": ""}, 401, "did not provide an API key"),
        ({"Authorization": "Bearer sk_live_1234"}, 401, "Invalid API Key provided: ****1234"),
        ({"Stripe-Version": "2020-08-27"}, 400, "Invalid Stripe API version: 2020-08-27"),
        ({"Stripe-Version": "2026-10-28.endive"}, 200, ""),
        ({}, 200, ""),
    ],
)
def test_keys_and_versions(sandbox: Sandbox, headers: dict[str, str], status: int, message: str) -> None:
    answer = sandbox.handle("GET", "/v1/products", "", {**GOOD, **headers})
    assert answer.status == status
    assert message in answer.body


def test_the_package_sees_an_authentication_error(sandbox: Sandbox) -> None:
    client = stripe.StripeClient("sk_test_other", http_client=sandbox.http_client())
    with pytest.raises(stripe.AuthenticationError):
        client.v1.products.list()


def test_an_unknown_address_is_a_404(sandbox: Sandbox) -> None:
    status, body = call(sandbox, "GET", "/v1/issuing/cards")
    assert (status, body["error"]["type"]) == (404, "invalid_request_error")
    assert body["error"]["message"].startswith("Unrecognized request URL (GET: /v1/issuing/cards)")


@pytest.mark.parametrize(
    ("form", "code", "param"),
    [
        ("nmae=x", "parameter_unknown", "nmae"),
        ("name=x&a=1&b=2", "parameter_unknown", "a"),
        ("", "parameter_missing", "name"),
        ("name=x&active=maybe", None, "active"),
        ("name=x&metadata=x", None, "metadata"),
        ("name[first]=x", None, "name"),
        ("name=x&images=x", None, "images"),
        ("name=x&images[a]=x", None, "images"),
        ("name=x&default_price_data=x", None, "default_price_data"),
        (f"name=x&{PRICE}", "parameter_invalid_integer", "default_price_data[unit_amount]"),
        (f"name=x&{SIZE}", None, "package_dimensions[height]"),
        ("name=x&type=x", None, "type"),
        ("name=x&a=1&a[b]=2", None, "a"),
    ],
)  # fmt: skip
def test_parameters_are_checked_by_the_sdks_own_classes(
    sandbox: Sandbox, form: str, code: str | None, param: str
) -> None:
    status, body = call(sandbox, "POST", "/v1/products", form)
    assert (status, body["error"].get("code"), body["error"]["param"]) == (400, code, param)


def test_arrays_may_come_without_an_index(sandbox: Sandbox) -> None:
    status, body = call(sandbox, "POST", "/v1/products", "name=x&images[]=a&images[]=b&url=https://x.example")
    assert (status, body["images"]) == (200, ["a", "b"])
    sizes = "&".join(f"package_dimensions[{side}]=1.5" for side in ("height", "length", "weight", "width"))
    assert call(sandbox, "POST", "/v1/products", f"name=x&{sizes}")[1]["package_dimensions"]["width"] == 1.5


def test_expansion_follows_ids_lists_and_what_is_shown_on_demand(shop: Shop) -> None:
    subscription = shop.subscribe()
    paths = ["data.customer.subscriptions", "data.latest_invoice.payments", "data.items.data"]
    found = shop.v1.subscriptions.list({"expand": [*paths, "data.pending_setup_intent"]}).data[0]
    assert found.customer.subscriptions.data[0].id == subscription.id
    assert found.latest_invoice.payments.data[0].status == "paid"
    charge = shop.v1.charges.list({"expand": ["data.refunds", "data.balance_transaction"]}).data[0]
    assert (charge.refunds.data, charge.balance_transaction.net) == ([], 900 - 14 - 25)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nothing", r"This property cannot be expanded \(nothing\)"),
        ("email", "cannot be expanded"),
        ("created", "cannot be expanded"),
        ("a.b.c.d.e", "more than 4 levels"),
    ],
)
def test_what_cannot_be_expanded(shop: Shop, path: str, message: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=message):
        shop.v1.customers.retrieve(shop.customer(), {"expand": [path]})


def test_a_deleted_customer_can_be_expanded(shop: Shop) -> None:
    subscription = shop.subscribe()
    shop.v1.customers.delete(shop.customer())
    assert shop.v1.subscriptions.retrieve(subscription.id, {"expand": ["customer"]}).customer.deleted


def test_the_same_key_replays_the_first_answer(shop: Shop, sandbox: Sandbox) -> None:
    key = {"idempotency_key": "customer:7:1"}
    first = shop.v1.customers.create({"metadata": {"reader_id": "7"}}, key)
    again = shop.v1.customers.create({"metadata": {"reader_id": "7"}}, key)
    assert again.id == first.id
    assert again.last_response.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.last_response.headers
    assert len(shop.v1.customers.list().data) == 1
    with pytest.raises(stripe.IdempotencyError, match="same parameters"):
        shop.v1.customers.create({"metadata": {"reader_id": "8"}}, key)


def test_a_key_is_free_again_after_a_day_and_after_a_refused_parameter(shop: Shop) -> None:
    key = {"idempotency_key": "k"}
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.products.create({"nmae": "x"}, key)
    first = shop.v1.products.create({"name": "x"}, key)
    shop.sandbox.advance(months=1)
    assert shop.v1.products.create({"name": "y"}, key).id != first.id


def test_a_missing_object_is_replayed_too(shop: Shop) -> None:
    key = {"idempotency_key": "k"}
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
            shop.v1.customers.update("cus_none", {"name": "x"}, key)
    shop.customer()
    with pytest.raises(stripe.IdempotencyError):
        shop.v1.customers.update("cus_none", {"name": "y"}, key)


def test_a_declined_card_is_replayed_and_stays_on_the_books(shop: Shop) -> None:
    customer = shop.v1.customers.create({"payment_method": "pm_card_visa_chargeDeclined"}).id
    method = shop.v1.payment_methods.list({"customer": customer}).data[0].id
    items = [{"price": shop.price()}]
    made = shop.v1.subscriptions.create(
        {"customer": customer, "items": items, "payment_behavior": "default_incomplete"}
    )
    for _ in range(2):
        with pytest.raises(stripe.CardError) as caught:
            shop.v1.invoices.pay(made.latest_invoice, {"payment_method": method}, {"idempotency_key": "pay"})
    assert (caught.value.code, caught.value.http_status) == ("card_declined", 402)
    assert caught.value.error is not None
    assert caught.value.error.decline_code == "generic_decline"
    assert len(shop.v1.charges.list({"customer": customer}).data) == 1


def test_a_key_in_use_is_a_conflict(sandbox: Sandbox) -> None:
    mark = idempotency.fingerprint("POST", "/v1/customers", b"name=x")
    assert idempotency.claim(sandbox._store, "k", mark, int(time.time())) is None
    status, body = call(sandbox, "POST", "/v1/customers", "name=x", Idempotency_Key="k")
    assert (status, body["error"]["code"]) == (409, "idempotency_key_in_use")


@pytest.mark.parametrize("abandoned", ["pid = 2147483646", "leased_until = 0"])
def test_a_key_of_a_killed_process_can_be_used(sandbox: Sandbox, abandoned: str) -> None:
    mark = idempotency.fingerprint("POST", "/v1/customers", b"name=x")
    idempotency.claim(sandbox._store, "k", mark, int(time.time()))
    with sandbox._store.write() as db:
        db.execute(f"UPDATE keys SET {abandoned}")
    assert call(sandbox, "POST", "/v1/customers", "name=x", Idempotency_Key="k")[0] == 200


def test_faults_of_the_api_are_counted_and_matched_by_path(shop: Shop) -> None:
    faults = shop.sandbox.faults
    faults.set(Fault(FaultKind.API_ERROR, times=2, match="/v1/customers*"))
    faults.set(Fault(FaultKind.API_ERROR, times=None, match="/v1/prices", status=429))
    assert len(faults.active()) == 2
    assert shop.v1.products.list().data == []
    for _ in range(2):
        with pytest.raises(stripe.APIError, match="unknown error"):
            shop.customer()
    assert shop.customer()
    for _ in range(3):
        with pytest.raises(stripe.RateLimitError):
            shop.v1.prices.list()
    faults.clear(FaultKind.API_ERROR)
    assert (faults.active(), shop.v1.prices.list().data) == ([], [])


def test_the_package_tries_a_500_again_with_the_same_key(sandbox: Sandbox) -> None:
    client = stripe.StripeClient(sandbox.api_key, http_client=sandbox.http_client(), max_network_retries=1)
    sandbox.faults.set(Fault(FaultKind.API_LOST, match="/v1/customers"))
    customer = client.v1.customers.create({"name": "once"})
    assert [c.id for c in client.v1.customers.list().data] == [customer.id]


def test_a_slow_api_is_a_time_out(sandbox: Sandbox) -> None:
    client = stripe.StripeClient(sandbox.api_key, http_client=sandbox.http_client(timeout=0.05))
    sandbox.faults.set(Fault(FaultKind.API_HANG, seconds=30))
    with pytest.raises(stripe.APIConnectionError, match="timed out"):
        client.v1.products.list()
    sandbox.faults.set(Fault(FaultKind.API_HANG, seconds=0.01))
    assert client.v1.products.list().data == []
    client._requestor._get_http_client().close()  # type: ignore[no-untyped-call]  # the SDK's own is untyped


def test_the_same_answers_over_wsgi(sandbox: Sandbox) -> None:
    heard: list[tuple[str, list[tuple[str, str]]]] = []
    form = b"name=Patron"
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/v1/products",
        "HTTP_AUTHORIZATION": "Bearer sk_test_sandbox",
        "CONTENT_LENGTH": str(len(form)),
        "wsgi.input": io.BytesIO(form),
    }
    body = b"".join(sandbox.wsgi(environ, lambda status, headers: heard.append((status, headers))))
    assert (heard[0][0], json.loads(body)["name"]) == ("200 OK", "Patron")
    asked = {**environ, "REQUEST_METHOD": "GET", "QUERY_STRING": "limit=1"}
    assert json.loads(b"".join(sandbox.wsgi(asked, lambda *_: None)))["data"][0]["name"] == "Patron"


def test_the_package_over_a_real_connection(sandbox: Sandbox) -> None:
    server = make_server("127.0.0.1", 0, sandbox.wsgi, handler_class=_Silent)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        http = stripe.RequestsClient(timeout=(3, 15))
        base: Any = {"api": f"http://127.0.0.1:{server.server_port}"}
        client: Any = stripe.StripeClient(sandbox.api_key, http_client=http, base_addresses=base)
        made = client.v1.customers.create({"email": "ada@example.org"})
        assert [c.id for c in client.v1.customers.list({"email": "ada@example.org"}).data] == [made.id]
        client._requestor._client.close()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Keep the test's output clean."""


def test_a_seed_makes_the_same_ids(tmp_path: Any) -> None:
    ids = []
    for name in ("a", "b"):
        seeded = Sandbox(tmp_path / name, public_url="http://127.0.0.1", seed=7)
        ids.append(call(seeded, "POST", "/v1/products", "name=x")[1]["id"])
    assert ids[0] == ids[1]
