"""Errors of the API as application/problem+json (RFC 9457): what is wrong, and with which fields."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from flask import Response, request

from paywall.errors import BadInput, PaywallError

PREFIX = "/api/"
BEARER = 'Bearer realm="api"'
KIND = "application/problem+json"
USUAL = {
    HTTPStatus.NOT_FOUND: "There is no such thing here; /api/v1/ lists what there is.",
    HTTPStatus.METHOD_NOT_ALLOWED: "The header Allow names what can be done here.",
    HTTPStatus.NOT_ACCEPTABLE: "Answers are application/json: let Accept say so.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "This is too large: 2 MiB for an article, 8 MiB for a picture.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many requests: wait as many seconds as Retry-After says.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something broke on our side, and was written down.",
}


@dataclass(frozen=True, slots=True)
class Wrong:
    """One field of the body by its `pointer` ("/title"), or one `parameter` of the query, and what to do."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None


class WrongFields(BadInput):
    """What was sent has wrong fields: all of them, each with what to do."""

    def __init__(self, errors: Iterable[Wrong]) -> None:
        self.errors = tuple(errors)
        super().__init__("Some fields are wrong: see errors.")


class Challenge(PaywallError):
    """Without a token, or with a bad one: 401 and what to send."""

    status = 401

    def __init__(self, message: str, *, is_bad: bool = False) -> None:
        super().__init__(message)
        self.headers = {"WWW-Authenticate": BEARER + (', error="invalid_token"' if is_bad else "")}


class OutOfScope(PaywallError):
    """The token is good, but not for this."""

    status = 403

    def __init__(self, message: str, scope: str) -> None:
        super().__init__(message)
        self.headers = {"WWW-Authenticate": f'{BEARER}, error="insufficient_scope", scope="{scope}"'}


class Overtaken(PaywallError):
    """A precondition does not hold: somebody else has changed it meanwhile."""

    status = 412


def is_wanted() -> bool:
    """Whether whoever asks is a program."""
    return request.path.startswith(PREFIX)


def answer(
    status: int, message: str = "", error: Exception | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """The error as a response that no cache keeps."""
    known = HTTPStatus(status)
    said = {
        "type": "about:blank",
        "title": known.phrase,
        "status": status,
        "detail": message or USUAL.get(known) or known.description or known.phrase,
    }
    if isinstance(error, WrongFields):
        said["errors"] = [_field(wrong) for wrong in error.errors]
    response = Response(json.dumps(said), status, content_type=KIND)
    response.headers.update({**(headers or {}), **getattr(error, "headers", {})})
    response.headers["Cache-Control"] = "no-store"
    return response


def _field(wrong: Wrong) -> dict[str, str]:
    place = {"parameter": wrong.parameter} if wrong.parameter else {"pointer": f"#{wrong.pointer or ''}"}
    return {"detail": wrong.detail, **place}
