"""Whether a value fits a JSON schema: as much of the dialect as our document uses, and no more."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

Json = dict[str, Any]

KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
# They say something to people and nothing about values.
SAID = {"title", "description", "default", "examples", "contentMediaType"}


def misfits(value: object, schema: Json, root: Json, place: str = "$") -> list[str]:
    """What does not fit, each with its place; a keyword that is not known here is a misfit too."""
    found = [f"{place}: keyword {word}" for word in schema if word not in KEYWORDS and word not in SAID]
    for word, check in KEYWORDS.items():
        if word in schema:
            found += [f"{place}{said}" for said in check(value, schema, root)]
    return found


def resolve(schema: Json, root: Json) -> Json:
    """The schema that a reference leads to."""
    if "$ref" not in schema:
        return schema
    found: Any = root
    for part in schema["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    assert isinstance(found, dict)
    return found


def _ref(value: object, schema: Json, root: Json) -> Iterator[str]:
    yield from misfits(value, resolve(schema, root), root, "")


def _any_of(value: object, schema: Json, root: Json) -> Iterator[str]:
    if all(misfits(value, one, root) for one in schema["anyOf"]):
        yield f": {value!r} fits none of {schema['anyOf']}"


def _type(value: object, schema: Json, _root: Json) -> Iterator[str]:
    is_number_like_bool = schema["type"] == "integer" and isinstance(value, bool)
    if not isinstance(value, KINDS[schema["type"]]) or is_number_like_bool:
        yield f": {value!r} is no {schema['type']}"


def _properties(value: object, schema: Json, root: Json) -> Iterator[str]:
    if isinstance(value, dict):
        for name, one in schema["properties"].items():
            if name in value:
                yield from misfits(value[name], one, root, f".{name}")


def _additional(value: object, schema: Json, _root: Json) -> Iterator[str]:
    assert schema["additionalProperties"] is False
    if isinstance(value, dict):
        yield from (f": {name} is not foreseen" for name in value if name not in schema.get("properties", {}))


def _required(value: object, schema: Json, _root: Json) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (f": {name} is missing" for name in schema["required"] if name not in value)


def _items(value: object, schema: Json, root: Json) -> Iterator[str]:
    if isinstance(value, list):
        for number, one in enumerate(value):
            yield from misfits(one, schema["items"], root, f"[{number}]")


def _enum(value: object, schema: Json, _root: Json) -> Iterator[str]:
    if value not in schema["enum"]:
        yield f": {value!r} is none of {schema['enum']}"


def _const(value: object, schema: Json, _root: Json) -> Iterator[str]:
    if value != schema["const"]:
        yield f": {value!r} is not {schema['const']!r}"


def _format(value: object, schema: Json, _root: Json) -> Iterator[str]:
    assert schema["format"] == "date-time"
    if isinstance(value, str) and datetime.fromisoformat(value).tzinfo is None:
        yield f": {value!r} has no time zone"


def _pattern(value: object, schema: Json, _root: Json) -> Iterator[str]:
    if isinstance(value, str) and not re.search(schema["pattern"], value):
        yield f": {value!r} does not match"


def _bounds(word: str, fails: Callable[[Any, Any], bool]) -> Callable[[object, Json, Json], Iterator[str]]:
    def check(value: object, schema: Json, _root: Json) -> Iterator[str]:
        kind = (str,) if word.endswith("Length") else (int,)
        if isinstance(value, kind) and fails(value, schema[word]):
            yield f": {value!r} breaks {word}"

    return check


KEYWORDS: dict[str, Callable[[object, Json, Json], Iterator[str]]] = {
    "$ref": _ref,
    "anyOf": _any_of,
    "type": _type,
    "properties": _properties,
    "additionalProperties": _additional,
    "required": _required,
    "items": _items,
    "enum": _enum,
    "const": _const,
    "format": _format,
    "pattern": _pattern,
    "minimum": _bounds("minimum", lambda value, least: value < least),
    "maximum": _bounds("maximum", lambda value, most: value > most),
    "minLength": _bounds("minLength", lambda value, least: len(value) < least),
    "maxLength": _bounds("maxLength", lambda value, most: len(value) > most),
}
