"""One HTTP request to the API, from headers to answer: key, version, faults, idempotency, work, expand."""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from paywall.sandbox import idempotency, params
from paywall.sandbox.books import Books, Origin
from paywall.sandbox.clock import Clock
from paywall.sandbox.errors import Doc, ErrorType, SandboxError
from paywall.sandbox.faults import Fault, FaultKind, Faults
from paywall.sandbox.ids import Ids
from paywall.sandbox.journal import API_VERSION
from paywall.sandbox.render import expand
from paywall.sandbox.routes import Route, find_route
from paywall.sandbox.store import Store

API_KEY = "sk_test_sandbox"
Open = Callable[[Origin], AbstractContextManager[Books]]


@dataclass(frozen=True)
class Response:
    """What goes back; `delay` is how many seconds a transport is to wait first (a fault that is played)."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    delay: float = 0


@dataclass(frozen=True)
class _Call:
    """A request that was understood."""

    route: Route
    id: str
    params: Doc
    origin: Origin


class Api:
    """`work` opens the books for a change, `look` for reading; `work` calls on_event after the commit."""

    def __init__(self, store: Store, clock: Clock, ids: Ids, faults: Faults, work: Open, look: Open) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._faults = faults
        self._work = work
        self._look = look

    def handle(self, method: str, path: str, form: bytes | str, headers: Mapping[str, str]) -> Response:
        """Answer a request. `form` is the body of a POST, the query string of a GET or DELETE."""
        sent = {name.lower(): value for name, value in headers.items()}
        origin = Origin(self._ids.new("request"), sent.get("idempotency-key"))
        raw = form.encode() if isinstance(form, str) else form
        hang = self._faults.take(path, FaultKind.API_HANG)
        try:
            status, body, replayed = self._answer(method.upper(), path, raw, sent, origin)
        except SandboxError as error:
            status, body, replayed = error.status, json.dumps(error.body()), False
        answer = {
            "content-type": "application/json",
            "request-id": origin.id or "",
            "stripe-version": API_VERSION,
        }
        if origin.idempotency_key:
            answer["idempotency-key"] = origin.idempotency_key
        if replayed:
            answer["idempotent-replayed"] = "true"
        return Response(status, answer, body, hang.seconds if hang else 0)

    def _answer(
        self, method: str, path: str, form: bytes, headers: dict[str, str], origin: Origin
    ) -> tuple[int, str, bool]:
        _check_key(headers.get("authorization", ""))
        _check_version(headers.get("stripe-version"))
        _play(self._faults.take(path, FaultKind.API_ERROR))
        route, id = find_route(method, path)
        call = _Call(route, id, params.check(route.params, params.decode(form)), origin)
        if method == "GET":
            with self._look(origin) as books:
                return 200, json.dumps(_run(books, call)), False
        answer = self._change(call, idempotency.fingerprint(method, path, form))
        _play(self._faults.take(path, FaultKind.API_LOST))
        return answer

    def _change(self, call: _Call, print_: str) -> tuple[int, str, bool]:
        key = call.origin.idempotency_key if call.route.method == "POST" else None
        if key:
            kept = idempotency.claim(self._store, key, print_, int(self._clock.timestamp()))
            if kept:
                return kept.status, kept.body, True
        try:
            return *self._commit(call, key), False
        except SandboxError as error:
            if not error.replayable:
                raise
            with self._store.write() as db:
                idempotency.keep(db, key, error.status, json.dumps(error.body()))
            raise
        finally:
            idempotency.release(self._store, key)

    def _commit(self, call: _Call, key: str | None) -> tuple[int, str]:
        with self._work(call.origin) as books:
            try:
                status, body = 200, json.dumps(_run(books, call))
            except SandboxError as error:
                if not error.keep:
                    raise
                status, body = error.status, json.dumps(error.body())
            idempotency.keep(books.db, key, status, body)
            return status, body


def _run(books: Books, call: _Call) -> Doc:
    found = call.route.action(books, call.id, call.params)
    shown = found if found["object"] == "list" else books.render(found)
    return expand(books, shown, call.params.get("expand", []))


def _check_key(authorization: str) -> None:
    if authorization == f"Bearer {API_KEY}":
        return
    if not authorization.startswith("Bearer "):
        raise SandboxError("You did not provide an API key.", status=401, replayable=False)
    shown = authorization.removeprefix("Bearer ")[-4:]
    raise SandboxError(f"Invalid API Key provided: ****{shown}", status=401, replayable=False)


def _check_version(version: str | None) -> None:
    if version not in (None, API_VERSION):
        raise SandboxError(
            f"Invalid Stripe API version: {version}. The sandbox speaks {API_VERSION} only.", replayable=False
        )


def _play(fault: Fault | None) -> None:
    if fault is None:
        return
    if fault.status == 429:
        raise SandboxError("Request rate limit exceeded.", status=429, code="rate_limit", replayable=False)
    message = "An unknown error occurred (a fault of the sandbox is being played)."
    raise SandboxError(message, status=fault.status, type=ErrorType.API, replayable=False)
