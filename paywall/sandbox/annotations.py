"""How to read the annotations of the stripe package: names resolved, one list of fields per class."""

import builtins
import sys
import typing
from collections.abc import Mapping
from functools import cache
from types import UnionType
from typing import Any, ClassVar, Literal, NotRequired, Required, Union, get_args, get_origin, get_type_hints


@cache
def fields(cls: type) -> Mapping[str, Any]:
    """Field name -> type, of a TypedDict or a StripeObject; what only type checkers import is Any."""
    hints = get_type_hints(cls, localns=_Names(cls), include_extras=True)
    own = {name: _bare(hints[name]) for name in cls.__annotations__ if not name.startswith("_")}
    return {name: hint for name, hint in own.items() if get_origin(hint) is not ClassVar}


def options(hint: Any) -> tuple[Any, ...]:
    """The members of a union (nested ones too); of any other type, itself alone."""
    if get_origin(hint) in (Union, UnionType):
        return tuple(leaf for member in get_args(hint) for leaf in options(member))
    return (hint,)


def literals(hint: Any) -> tuple[str, ...]:
    """Every value that the Literal members of a union name, in their order."""
    return tuple(
        value for member in options(hint) if get_origin(member) is Literal for value in get_args(member)
    )


def is_optional(hint: Any) -> bool:
    """May the value be null?"""
    return type(None) in options(hint)


class _Names(dict[str, Any]):
    """Names as the SDK's module sees them; what it imports under TYPE_CHECKING is Any."""

    def __init__(self, cls: type) -> None:
        self._known = {**vars(builtins), **vars(typing), **vars(sys.modules[cls.__module__])}

    def __missing__(self, name: str) -> Any:
        return self._known.get(name, Any)


def _bare(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) in (NotRequired, Required) else hint
