"""An HTTP client between the stripe package and the stand-in that checks both sides of every call."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import stripe

from tests.sandbox.annotations import Endpoint, endpoint_for
from tests.sandbox.conformance import answer_problems, decoded, request_problems


@dataclass
class Exchange:
    """One call as it went over the wire, with all that the SDK's annotations say against it."""

    method: str
    path: str
    sent: dict[str, Any]
    status: int
    answer: dict[str, Any]
    problems: list[str] = field(default_factory=list)


class CheckedClient(stripe.HTTPClient):
    """Passes every call on and notes its problems; ask `problems` at the end of a test.

    With `drop_nulls` it also takes each null out of the answers. The annotations do not tell "may be null"
    from "may be absent", and Stripe leaves many unset fields out, so code that reads them must survive both.
    """

    name = "checked"

    def __init__(self, inner: stripe.HTTPClient, *, drop_nulls: bool = False) -> None:
        super().__init__()
        self.inner = inner
        self.drop_nulls = drop_nulls
        self.exchanges: list[Exchange] = []

    @property
    def problems(self) -> list[str]:
        """Every divergence so far, each with the call that it belongs to."""
        return [f"{e.method} {e.path}: {problem}" for e in self.exchanges for problem in e.problems]

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **kwargs: Any
    ) -> tuple[str, int, Mapping[str, str]]:
        """See `stripe.HTTPClient.request`."""
        body, status, answered = self.inner.request(method, url, headers, post_data, **kwargs)
        exchange = _exchange(method, url, post_data, status, json.loads(body))
        self.exchanges.append(exchange)
        return (json.dumps(_without_nulls(exchange.answer)) if self.drop_nulls else body), status, answered

    def close(self) -> None:
        """See `stripe.HTTPClient.close`."""
        self.inner.close()  # type: ignore[no-untyped-call]  # the SDK leaves it unannotated


def _exchange(method: str, url: str, post_data: Any, status: int, answer: dict[str, Any]) -> Exchange:
    address = urlsplit(url)
    sent = decoded(parse_qsl(address.query if post_data is None else post_data, keep_blank_values=True))
    exchange = Exchange(method, address.path, sent, status, answer)
    endpoint = endpoint_for(method, address.path)
    exchange.problems = _problems(exchange, endpoint)
    return exchange


def _problems(exchange: Exchange, endpoint: Endpoint | None) -> list[str]:
    if endpoint is None:
        return ["the SDK has no such call"]
    asked = request_problems(exchange.sent, endpoint.params)
    if exchange.status >= 400:
        return asked + _error_problems(exchange)
    return asked + answer_problems(exchange.answer, endpoint.answer)


def _error_problems(exchange: Exchange) -> list[str]:
    """Stripe's error shape: https://docs.stripe.com/api/errors."""
    error = exchange.answer.get("error")
    if not isinstance(error, dict):
        return ["$.error: missing"]
    missing = [f"$.error.{name}: missing" for name in ("type", "message") if not error.get(name)]
    kinds = ("api_error", "card_error", "idempotency_error", "invalid_request_error")
    return missing + ([] if error.get("type") in kinds else [f"$.error.type: {error.get('type')!r}"])


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value
