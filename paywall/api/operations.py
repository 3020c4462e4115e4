"""How a view of the API is declared: what it takes and gives, checked at each call and documented."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar

from flask import Response, request
from pydantic import ValidationError
from werkzeug.exceptions import NotAcceptable, UnsupportedMediaType

from paywall.accounts.routes import PUBLIC, may_enter
from paywall.api import callers
from paywall.api.models import Scope
from paywall.api.problems import Wrong, WrongFields
from paywall.api.shapes import Shape

JSON = "application/json"
READING = frozenset({"GET", "HEAD"})
View = TypeVar("View", bound=Callable[..., Response])


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be done: `answers` by status (None: nothing in it), `types` of the body it takes.

    `query` and `body` are handed to the view under these names, checked. `refuses`: statuses of problems
    beside those of any call. `or_reader`: a reader's own token will do as well. `if_match`: whether
    preconditions are heard. `example`: a body to try it with.
    """

    summary: str
    answers: Mapping[int, Any]
    scope: Scope | None = None
    or_reader: bool = False
    query: type[Shape] | None = None
    body: type[Shape] | None = None
    types: tuple[str, ...] = ()
    refuses: tuple[int, ...] = ()
    if_match: bool = False
    about: str = ""
    example: Mapping[str, Any] = field(default_factory=dict)


def does(operation: Operation) -> Callable[[View], View]:
    """Declare what a view does; what does not fit is refused before it runs."""

    def declare(view: View) -> View:
        @wraps(view)
        def checked(**path: str) -> Response:
            if operation.scope:
                callers.demand(operation.scope, or_reader=operation.or_reader)
            _check_types(operation)
            given: dict[str, Any] = {**path}
            if operation.query:
                given["query"] = _query(operation.query)
            if operation.body:
                given["body"] = _body(operation.body)
            return view(**given)

        checked.operation = operation  # type: ignore[attr-defined]  # the document is made of it
        return may_enter(PUBLIC)(checked)  # type: ignore[return-value]  # it keeps the view's shape

    return declare


def reply(
    shape: Shape, status: int = 200, *, tag: str = "", headers: Mapping[str, str] | None = None
) -> Response:
    """A shape as a response. `tag` is its ETag, and for whoever reads only how that begins."""
    response = Response(shape.model_dump_json(), status, content_type=JSON)
    response.headers.update(headers or {})
    if request.method not in READING:
        if tag:
            response.set_etag(tag)
        return response
    response.add_etag()
    if tag:
        response.set_etag(f"{tag}-{response.get_etag()[0]}")
    response.make_conditional(request.environ)
    return response


def _check_types(operation: Operation) -> None:
    wanted = request.accept_mimetypes
    # Older programs name a charset, which JSON does not have.
    if request.method in READING and wanted and not wanted.best_match([JSON, f"{JSON}; charset=utf-8"]):
        raise NotAcceptable
    if operation.types and request.mimetype not in operation.types:
        raise UnsupportedMediaType(f"Content-Type must be {' or '.join(operation.types)}.")


def _query(shape: type[Shape]) -> Shape:
    try:
        return shape.model_validate(request.args.to_dict())
    except ValidationError as wrong:
        raise WrongFields(
            Wrong(error["msg"].removeprefix("Value error, "), parameter=_place(error["loc"], "."))
            for error in wrong.errors()
        ) from None


def _body(shape: type[Shape]) -> Shape:
    try:
        return shape.model_validate_json(request.get_data())
    except ValidationError as wrong:
        raise WrongFields(
            Wrong(error["msg"].removeprefix("Value error, "), pointer=f"/{_place(error['loc'], '/')}")
            for error in wrong.errors()
        ) from None


def _place(location: tuple[int | str, ...], between: str) -> str:
    return between.join(str(part).replace("~", "~0").replace("/", "~1") for part in location)
