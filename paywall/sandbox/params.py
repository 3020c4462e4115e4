"""What a request may say: form text decoded, then checked and typed by the SDK's own parameter classes."""

import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, Literal, get_args, get_origin
from urllib.parse import parse_qsl

from stripe._request_options import RequestOptions
from typing_extensions import is_typeddict

from paywall.sandbox.annotations import fields, literals, options
from paywall.sandbox.errors import Doc, SandboxError, invalid

Parse = Callable[[Any, str], Any]
_KEY = re.compile(r"[^\[\]]+|(?<=\[)(?=\])")


def decode(form: bytes | str) -> Doc:
    """Nested dicts of text from `a[b][0][c]=x`; an array is a dict with the keys "0", "1", ..."""
    text = form.decode("utf-8") if isinstance(form, bytes) else form
    root: Doc = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        _place(root, _KEY.findall(key), value)
    return root


def check(cls: type, raw: Mapping[str, Any]) -> Doc:
    """Typed parameters. Raises Stripe's parameter_unknown, parameter_missing or a message about the value."""
    return _record(cls, dict(raw), "")


def _place(node: Doc, path: list[str], value: str) -> None:
    for step in path[:-1]:
        child = node.setdefault(step or str(len(node)), {})
        if not isinstance(child, dict):
            raise invalid(f"Invalid hash: {step}", param=step)
        node = child
    node[path[-1] or str(len(node))] = value


@cache
def _shape(cls: type) -> tuple[dict[str, Parse], frozenset[str]]:
    ignored = RequestOptions.__annotations__
    known = {name: _parser(hint) for name, hint in fields(cls).items() if name not in ignored}
    required: frozenset[str] = getattr(cls, "__required_keys__", frozenset())
    return known, required & known.keys()


def _record(cls: type, raw: Any, at: str) -> Doc:
    if not isinstance(raw, dict):
        raise invalid("Invalid object", param=at or None)
    known, required = _shape(cls)
    _refuse_unknown([_name(at, key) for key in raw if key not in known])
    for key in sorted(required - raw.keys()):
        raise invalid(f"Missing required param: {_name(at, key)}.", _name(at, key), "parameter_missing")
    return {key: known[key](value, _name(at, key)) for key, value in raw.items()}


def _refuse_unknown(names: list[str]) -> None:
    if names:
        plural = "s" if len(names) > 1 else ""
        raise invalid(
            f"Received unknown parameter{plural}: {', '.join(names)}", names[0], "parameter_unknown"
        )


def _name(at: str, key: str) -> str:
    return f"{at}[{key}]" if at else key


def _parser(hint: Any) -> Parse:
    members = options(hint)
    if len(members) > 1:
        return partial(_union, members, literals(hint))
    if is_typeddict(hint):
        return partial(_record, hint)
    if get_origin(hint) is list:
        return partial(_list, _parser(get_args(hint)[0]))
    if get_origin(hint) is Literal:
        return partial(_choice, get_args(hint))
    if _is_map(hint):
        return partial(_map, _parser(get_args(hint)[-1]))
    return _SCALARS.get(hint, _text)


def _is_map(hint: Any) -> bool:
    return get_origin(hint) is dict or getattr(get_origin(hint), "__name__", "") == "UntypedStripeObject"


def _union(members: tuple[Any, ...], named: tuple[str, ...], raw: Any, at: str) -> Any:
    if raw == "" and any(get_origin(member) is list for member in members):
        return []
    if raw in named:
        return raw
    choices = [value for value in named if value != ""]
    others = [m for m in members if get_origin(m) is not Literal and not (choices and m is str)]
    if isinstance(raw, dict):
        others = [m for m in others if m not in _SCALARS] or others
    if not others:
        return _choice(tuple(choices), raw, at)
    return _first(others, raw, at)


def _first(members: list[Any], raw: Any, at: str) -> Any:
    refusal: SandboxError | None = None
    for member in members:
        try:
            return _parser(member)(raw, at)
        except SandboxError as error:
            refusal = refusal or error
    raise refusal or invalid("Invalid value", param=at)


def _list(item: Parse, raw: Any, at: str) -> list[Any]:
    if raw == "":
        return []
    if not isinstance(raw, dict) or not all(key.isdigit() for key in raw):
        raise invalid("Invalid array", param=at)
    return [item(raw[key], f"{at}[{key}]") for key in sorted(raw, key=int)]


def _choice(values: tuple[str, ...], raw: Any, at: str) -> str:
    if raw in values:
        return str(raw)
    listed = ", ".join(values[:-1]) + f", or {values[-1]}" if len(values) > 1 else values[0]
    raise invalid(f"Invalid {at}: must be one of {listed}", param=at)


def _text(raw: Any, at: str) -> str:
    if not isinstance(raw, str):
        raise invalid(f"Invalid string: {raw}", param=at)
    return raw


def _integer(raw: Any, at: str) -> int:
    if isinstance(raw, str) and re.fullmatch(r"-?\d{1,18}", raw):
        return int(raw)
    raise invalid(f"Invalid integer: {raw}", at, "parameter_invalid_integer")


def _number(raw: Any, at: str) -> float:
    if isinstance(raw, str) and re.fullmatch(r"-?\d{1,15}(\.\d+)?", raw):
        return float(raw)
    raise invalid(f"Invalid decimal: {raw}", param=at)


def _boolean(raw: Any, at: str) -> bool:
    if raw in ("true", "false"):
        return bool(raw == "true")
    raise invalid(f"Invalid boolean: {raw}", param=at)


def _map(item: Parse, raw: Any, at: str) -> Doc:
    if not isinstance(raw, dict):
        raise invalid("Invalid object", param=at)
    return {key: item(value, f"{at}[{key}]") for key, value in raw.items()}


_SCALARS: dict[Any, Parse] = {str: _text, int: _integer, float: _number, bool: _boolean}
