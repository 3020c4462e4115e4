"""The document as a page: each call with its parameters, fields, answers, and a line for curl."""

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter or a field of a body, in words."""

    name: str
    place: str
    kind: str
    is_required: bool
    about: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A status that a call can have, and the name of what comes with it."""

    status: str
    phrase: str
    shape: str


@dataclass(frozen=True, slots=True)
class Call:
    """One operation, as the page shows it; `example` is a body to begin with."""

    id: str
    method: str
    path: str
    summary: str
    about: str
    scope: str
    parameters: tuple[Field, ...]
    fields: tuple[Field, ...]
    types: tuple[str, ...]
    example: str
    answers: tuple[Answer, ...]
    curl: str


def of(document: Json) -> Json:
    """What the template prints: calls, shapes and the address that all paths begin with."""
    schemas = document["components"]["schemas"]
    calls = [
        _call(method, path, said, document)
        for path, methods in document["paths"].items()
        for method, said in methods.items()
    ]
    shapes = {name: tuple(_fields(schema)) for name, schema in schemas.items() if "properties" in schema}
    root = document["servers"][0]["url"]
    return {
        "document": document,
        "calls": calls,
        "shapes": shapes,
        "root": root,
        "root_path": urlsplit(root).path,
    }


def _call(method: str, path: str, said: Json, document: Json) -> Call:
    content = said.get("requestBody", {}).get("content", {})
    body: Json = next(iter(content.values()), {})
    example = json.dumps(body["example"], indent=2, ensure_ascii=False) if "example" in body else ""
    scopes = [scope for one in said["security"] for scope in one.get("token", ())]
    return Call(
        id=said["operationId"],
        method=method.upper(),
        path=path,
        summary=said["summary"],
        about=said.get("description", ""),
        scope=scopes[0] if scopes else "",
        parameters=tuple(_parameter(one) for one in said["parameters"]),
        fields=tuple(_fields(_schema(body, document))) if "schema" in body else (),
        types=tuple(content),
        example=example,
        answers=tuple(_answer(status, one) for status, one in said["responses"].items()),
        curl=_curl(method.upper(), path, said, document, next(iter(content), ""), scope=bool(scopes)),
    )


def _schema(body: Json, document: Json) -> Json:
    found: Json = document["components"]["schemas"][_name(body["schema"])]
    return found


def _fields(schema: Json) -> Iterator[Field]:
    for name, said in schema["properties"].items():
        required = name in schema.get("required", ())
        yield Field(name, "body", _kind(said), required, said.get("description", ""))


def _parameter(said: Json) -> Field:
    about = said.get("description", "")
    return Field(said["name"], said["in"], _kind(said["schema"]), said.get("required", False), about)


def _answer(status: str, said: Json) -> Answer:
    content: Json = next(iter(said.get("content", {}).values()), {})
    shape = content.get("schema", {})
    return Answer(
        status, said["description"], " or ".join(_name(one) for one in shape.get("anyOf", [shape]) if one)
    )


def _kind(schema: Json) -> str:
    """The type of a schema in a word or two."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(one) for one in schema["anyOf"]))
    if "$ref" in schema:
        return _name(schema)
    if "const" in schema:
        return json.dumps(schema["const"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    return str(schema.get("format") or schema.get("type", "any"))


def _name(schema: Json) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _curl(method: str, path: str, said: Json, document: Json, kind: str, *, scope: bool) -> str:
    needed = "&".join(
        f"{one['name']}=..." for one in said["parameters"] if one.get("required") and one["in"] == "query"
    )
    parts = ["curl"] if method == "GET" else ["curl", "-X", method]
    parts += ["-H", "Authorization: Bearer $TOKEN"] if scope else []
    if kind:
        data = "@stair.jpg" if kind.startswith("image/") else "@article.json"
        parts += ["-H", f"Content-Type: {kind}", "--data-binary", data]
    address = document["servers"][0]["url"] + path.replace("{slug}", "the-second-stove")
    words = [_quoted(part) for part in (*parts, f"{address}{'?' if needed else ''}{needed}")]
    return " ".join(words)


def _quoted(word: str) -> str:
    """A word for a shell; what has a variable in it in quotes that let it through."""
    return f'"{word}"' if "$" in word else shlex.quote(word)
