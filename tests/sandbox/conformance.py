"""Checks JSON objects and requests against the installed stripe package, to keep the stand-in honest."""

import re
import types
from collections.abc import Callable, Hashable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, NotRequired, Required, TypeVar, Union, cast, get_args, get_origin

from stripe import Event, ListObject
from stripe._stripe_object import StripeObject, UntypedStripeObject
from typing_extensions import is_typeddict

from tests.sandbox.annotations import class_named, fields_of, params_of

type_of_none = type(None)


def object_problems(value: Any) -> list[str]:
    """What is wrong with one emitted object, told by its own `object` word; empty when it conforms."""
    word = value.get("object") if isinstance(value, dict) else None
    cls = class_named(word) if isinstance(word, str) else None
    if cls is None:
        return [f"$: the SDK knows no object {word!r}"]
    return answer_problems(value, cls)


def answer_problems(value: Any, annotation: Any, at: str = "$") -> list[str]:
    """What is wrong with a JSON value that should be of an annotated type of the SDK's response classes."""
    if annotation is Any or isinstance(annotation, TypeVar):
        return []
    walk = _WALKS.get(get_origin(annotation) or annotation)
    if walk:
        return walk(value, annotation, at)
    if isinstance(annotation, type) and issubclass(annotation, StripeObject):
        return _class_problems(value, annotation, at)
    return [] if _is_plain(value, annotation) else [f"{at}: {value!r} is not {_name(annotation)}"]


def request_problems(form: Any, params: type | None) -> list[str]:
    """What is wrong with a request's decoded form (all leaves are strings) for a params class of the SDK."""
    if params is None:
        return [f"$: no parameters are taken, got {sorted(form)}"] if form else []
    return _sent_problems(form, params, "$")


def decoded(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The nested form of `a[b][0]=c` pairs; lists stay dicts keyed by their index."""
    form: dict[str, Any] = {}
    for key, value in pairs:
        *outer, last = re.findall(r"[^\[\]]+", key)
        place = form
        for part in outer:
            place = place.setdefault(part, {})
        place[last] = value
    return form


def _union_problems(value: Any, annotation: Any, at: str) -> list[str]:
    choices = [choice for choice in get_args(annotation) if choice is not type_of_none]
    if value is None:
        return [] if len(choices) < len(get_args(annotation)) else [f"{at}: must not be null"]
    if isinstance(value, dict):
        choices = [choice for choice in choices if choice is not str]
    return min((answer_problems(value, choice, at) for choice in _closed(choices)), key=len)


def _closed(choices: Sequence[Any]) -> Sequence[Any]:
    """An open enum (`Literal[...] | str`) without its `str`: only documented words are emitted and sent."""
    enums = [choice for choice in choices if get_origin(choice) is Literal and get_args(choice) != ("",)]
    return [choice for choice in choices if choice is not str] if enums else choices


def _literal_problems(value: Any, annotation: Any, at: str) -> list[str]:
    known = any(value == word and type(value) is type(word) for word in get_args(annotation))
    return [] if known else [f"{at}: {value!r} is not a known value"]


def _list_object_problems(value: Any, annotation: Any, at: str) -> list[str]:
    problems = _class_problems(value, ListObject, at)
    return problems or _list_problems(value["data"], annotation, f"{at}.data")


def _list_problems(value: Any, annotation: Any, at: str) -> list[str]:
    if not isinstance(value, list):
        return [f"{at}: {value!r} is not a list"]
    (item,) = get_args(annotation)
    return [p for n, element in enumerate(value) for p in answer_problems(element, item, f"{at}[{n}]")]


def _mapping_problems(value: Any, annotation: Any, at: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{at}: {value!r} is not an object"]
    item = (get_args(annotation) or (Any,))[-1]
    return [p for key, element in value.items() for p in answer_problems(element, item, f"{at}.{key}")]


_WALKS: dict[Any, Callable[[Any, Any, str], list[str]]] = {
    Union: _union_problems,
    types.UnionType: _union_problems,
    Literal: _literal_problems,
    ListObject: _list_object_problems,
    list: _list_problems,
    dict: _mapping_problems,
    UntypedStripeObject: _mapping_problems,
}


def _class_problems(value: Any, cls: type[StripeObject], at: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{at}: {value!r} is not a {cls.__name__}"]
    fields = _fields_expected(value, cls)
    needed = [name for name, hint in fields.items() if not _optional(hint)]
    missing = [f"{at}.{name}: missing" for name in needed if name not in value]
    unknown = [f"{at}.{name}: unknown to {cls.__name__}" for name in value if name not in fields]
    known = [name for name in value if name in fields]
    wrong = [p for name in known for p in answer_problems(value[name], fields[name], f"{at}.{name}")]
    return [*missing, *unknown, *wrong, *(_event_problems(value, at) if cls is Event else [])]


def _fields_expected(value: dict[str, Any], cls: type[StripeObject]) -> dict[str, Any]:
    fields = fields_of(cast(Hashable, cls))
    if cls is ListObject:
        return {"object": Literal["list"], **fields}
    if "deleted" in value and "deleted" in fields:
        return {"id": str, "object": fields["object"], "deleted": Literal[True]}
    return fields


def _optional(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType) and type_of_none in get_args(hint)


def _event_problems(value: dict[str, Any], at: str) -> list[str]:
    """An event's `data` is untyped in the SDK, so its object is looked up by its own word."""
    data = value.get("data")
    if not isinstance(data, dict) or not isinstance(data.get("object"), dict):
        return [f"{at}.data.object: missing"]
    found = [p.replace("$", f"{at}.data.object", 1) for p in object_problems(data["object"])]
    before = set(data.get("previous_attributes") or {}) - set(data["object"])
    return found + [f"{at}.data.previous_attributes.{name}: not in the object" for name in sorted(before)]


def _is_plain(value: Any, annotation: Any) -> bool:
    if annotation is Decimal:
        return isinstance(value, str) and _is_number(value)
    if annotation is float:
        return type(value) in (int, float)
    return type(value) is annotation


def _sent_problems(value: Any, annotation: Any, at: str) -> list[str]:
    """The request side: on the wire every leaf is a string, and an empty one means "unset"."""
    origin = get_origin(annotation)
    if origin in (NotRequired, Required):
        return _sent_problems(value, get_args(annotation)[0], at)
    if origin in (Union, types.UnionType):
        choices = [choice for choice in get_args(annotation) if choice is not type_of_none]
        return min((_sent_problems(value, choice, at) for choice in _closed(choices)), key=len)
    if origin is Literal:
        words = [_on_the_wire(word) for word in get_args(annotation)]
        return [] if value in words else [f"{at}: {value!r} is not a known value"]
    if origin in (list, Sequence):
        return _sent_list_problems(value, get_args(annotation)[0], at)
    if origin in (dict, Mapping, UntypedStripeObject):
        return [] if isinstance(value, dict) else [f"{at}: {value!r} is not an object"]
    if is_typeddict(annotation):
        return _typed_dict_problems(value, annotation, at)
    return [] if _is_sent_plain(value, annotation) else [f"{at}: {value!r} is not {_name(annotation)}"]


def _sent_list_problems(value: Any, item: Any, at: str) -> list[str]:
    if not isinstance(value, dict) or set(value) != {str(n) for n in range(len(value))}:
        return [f"{at}: {value!r} is not a list"]
    return [p for key, element in value.items() for p in _sent_problems(element, item, f"{at}[{key}]")]


def _typed_dict_problems(value: Any, cls: Any, at: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{at}: {value!r} is not an object"]
    fields = params_of(cls)
    missing = [f"{at}.{name}: missing" for name in cls.__required_keys__ & fields.keys() if name not in value]
    unknown = [f"{at}.{name}: not a parameter of {cls.__name__}" for name in value if name not in fields]
    known = [name for name in value if name in fields]
    wrong = [p for name in known for p in _sent_problems(value[name], fields[name], f"{at}.{name}")]
    return [*missing, *unknown, *wrong]


def _is_sent_plain(value: Any, annotation: Any) -> bool:
    if not isinstance(value, str):
        return False
    if annotation is bool:
        return value in ("true", "false")
    if annotation is int:
        return re.fullmatch(r"-?\d+", value) is not None
    if annotation in (float, Decimal):
        return _is_number(value)
    return annotation in (str, Any) and value != ""


def _on_the_wire(word: Any) -> str:
    return str(word).lower() if isinstance(word, bool) else str(word)


def _is_number(value: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", value) is not None


def _name(annotation: Any) -> str:
    return getattr(annotation, "__name__", str(annotation))
