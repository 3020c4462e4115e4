"""The OpenAPI 3.1 document, made of the routes, their operations and the shapes: it cannot be wrong."""

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, get_args

from flask import Flask
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from werkzeug.routing import Rule

from paywall.api import problems, shapes
from paywall.api.operations import JSON, READING, Operation
from paywall.articles.manuscript import LIMITS
from paywall.articles.terms import SLUG

ROOT = "/api/v1"
REF = "#/components/schemas/{model}"
SLUG_SCHEMA = {"type": "string", "maxLength": LIMITS["slug"], "pattern": f"^{SLUG.pattern}$"}
ETAG = {"ETag": {"description": "Changes with the answer.", "schema": {"type": "string"}}}
ABOUT = (
    "The articles of the paper, each as far as whoever asks may read it, and the way in for the newsroom's"
    " own programs. Without a token you ask as any visitor does; cookies are not looked at, and free reads"
    " are not counted."
)

Json = dict[str, Any]


def of(app: Flask) -> Json:
    """The document for this app, made once."""
    made: Json | None = app.extensions.get("openapi")
    if made is None:
        made = app.extensions["openapi"] = _document(app)
    return made


def _document(app: Flask) -> Json:
    settings = app.extensions["settings"]
    paths: Json = {}
    found: list[Operation] = []
    for rule, operation in _operations(app):
        path = re.sub(r"<(\w+)>", r"{\1}", rule.rule.removeprefix(ROOT))
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            paths.setdefault(path, {})[method.lower()] = _operation(rule, operation)
            found.append(operation)
    return {
        "openapi": "3.1.1",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {"title": settings.site_name, "version": "1", "description": ABOUT},
        "servers": [{"url": f"{settings.site_url}{ROOT}"}],
        "paths": paths,
        "components": {
            "schemas": _schemas(found),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token that the newsroom has made: flask paywall token make.",
                }
            },
        },
    }


def _operations(app: Flask) -> Iterator[tuple[Rule, Operation]]:
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        operation = getattr(app.view_functions[rule.endpoint], "operation", None)
        if isinstance(operation, Operation):
            yield rule, operation


def _operation(rule: Rule, operation: Operation) -> Json:
    is_reading = bool((rule.methods or set()) & READING)
    said: Json = {
        "operationId": rule.endpoint.removeprefix("api."),
        "summary": operation.summary,
        "parameters": [*_in_path(rule), *_in_query(operation), *_in_headers(operation)],
        "responses": {
            **{str(status): _answer(status, shape, operation) for status, shape in operation.answers.items()},
            **({"304": {"description": "Not Modified"}} if is_reading else {}),
            **{str(status): _problem(status) for status in _refusals(operation, is_reading=is_reading)},
        },
        "security": [{"token": [operation.scope.value]}] if operation.scope else [{}, {"token": []}],
    }
    if operation.or_reader:
        said["security"].append({"token": []})
    if operation.about:
        said["description"] = operation.about
    if operation.types:
        said["requestBody"] = _body(operation)
    return said


def _in_path(rule: Rule) -> Iterator[Json]:
    for name in sorted(rule.arguments):
        about = "As in the address of its page."
        yield {"name": name, "in": "path", "required": True, "description": about, "schema": SLUG_SCHEMA}


def _in_query(operation: Operation) -> Iterator[Json]:
    if operation.query is None:
        return
    schema = operation.query.model_json_schema()
    for name, said in schema["properties"].items():
        about = said.pop("description", "")
        required = name in schema.get("required", ())
        yield {"name": name, "in": "query", "required": required, "description": about, "schema": said}


def _in_headers(operation: Operation) -> Iterator[Json]:
    if operation.if_match:
        about = "The ETag that was read: 412 if somebody else has changed the article since then."
        yield {"name": "If-Match", "in": "header", "description": about, "schema": {"type": "string"}}
        about = "* writes only what is not there yet."
        yield {"name": "If-None-Match", "in": "header", "description": about, "schema": {"type": "string"}}


def _body(operation: Operation) -> Json:
    if operation.body is None:
        return {"required": True, "content": {kind: {} for kind in operation.types}}
    said: Json = {"schema": {"$ref": REF.format(model=operation.body.__name__)}}
    if operation.example:
        said["example"] = dict(operation.example)
    return {"required": True, "content": dict.fromkeys(operation.types, said)}


def _answer(status: int, shape: Any, operation: Operation) -> Json:
    said: Json = {"description": HTTPStatus(status).phrase}
    if shape is not None:
        refs = [{"$ref": REF.format(model=one.__name__)} for one in _each(shape)]
        said["content"] = {JSON: {"schema": refs[0] if len(refs) == 1 else {"anyOf": refs}}}
        said["headers"] = ETAG
    return said


def _refusals(operation: Operation, *, is_reading: bool) -> list[int]:
    """The statuses of all problems that a call can have."""
    needed = {*operation.refuses, 401, 429, 500}
    needed |= {400} if operation.query or operation.body else set()
    needed |= {403} if operation.scope else set()
    needed |= {406} if is_reading else set()
    needed |= {413, 415} if operation.types else set()
    return sorted(needed)


def _problem(status: int) -> Json:
    return {
        "description": HTTPStatus(status).phrase,
        "content": {problems.KIND: {"schema": {"$ref": REF.format(model="Problem")}}},
    }


def _schemas(found: list[Operation]) -> Json:
    given = {operation.body for operation in found if operation.body}
    shown = {one for operation in found for shape in operation.answers.values() for one in _each(shape)}
    asked: list[tuple[type[shapes.Shape], JsonSchemaMode]] = [(shape, "validation") for shape in given]
    asked += [(shape, "serialization") for shape in shown | {shapes.Problem}]
    asked.sort(key=lambda pair: pair[0].__name__)
    _, schemas = models_json_schema(asked, ref_template=REF)
    found_schemas: Json = schemas["$defs"]
    return found_schemas


def _each(shape: Any) -> tuple[Any, ...]:
    """The shapes of a union, or the one."""
    return () if shape is None else get_args(shape) or (shape,)
