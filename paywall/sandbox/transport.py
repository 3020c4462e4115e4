"""How requests reach the stand-in: from the unmodified stripe package in this process, or over WSGI."""

import time
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from requests.structures import CaseInsensitiveDict
from stripe import APIConnectionError, HTTPClient

from paywall.sandbox.api import Response

Handle = Callable[[str, str, bytes | str, Mapping[str, str]], Response]


class SandboxClient(HTTPClient):
    """An HTTP client for `stripe.StripeClient` that never leaves the process. `timeout` is in seconds."""

    name = "sandbox"

    def __init__(self, handle: Handle, timeout: float = 80) -> None:
        super().__init__()
        self._handle = handle
        self._timeout = timeout

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        """Answer as a server would; an answer that takes longer than the timeout is a connection error."""
        parts = urlsplit(url)
        form = post_data if method == "post" else parts.query
        answer = self._handle(method.upper(), parts.path, form or "", headers or {})
        if answer.delay >= self._timeout:
            time.sleep(self._timeout)
            # The SDK's constructor has no annotations.
            raise APIConnectionError(  # type: ignore[no-untyped-call]
                "Request to the sandbox timed out.", should_retry=True
            )
        time.sleep(answer.delay)
        return answer.body, answer.status, CaseInsensitiveDict(answer.headers)

    def close(self) -> None:
        """Nothing to close."""


class SandboxWsgi:
    """A WSGI application that serves /v1/*."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
        form: bytes | str = environ.get("QUERY_STRING", "")
        if method == "POST":
            form = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        answer = self._handle(method, path, form, _headers(environ))
        time.sleep(answer.delay)
        status = f"{answer.status} {HTTPStatus(answer.status).phrase}"
        start_response(status, list(answer.headers.items()))
        return [answer.body.encode()]


def _headers(environ: dict[str, Any]) -> dict[str, str]:
    return {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
