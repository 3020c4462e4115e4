"""Reads the annotations of the installed stripe package, generated at exactly the pinned API version."""

import ast
import builtins
import re
import sys
import types
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, ForwardRef, NamedTuple, get_args, get_origin, get_type_hints

import stripe
from stripe._object_classes import OBJECT_CLASSES
from stripe._stripe_object import StripeObject

STRIPE_FOLDER = Path(stripe.__file__).parent


class Endpoint(NamedTuple):
    """One call of the SDK: what it sends and what it expects back."""

    http_method: str
    path: re.Pattern[str]
    params: type | None
    answer: Any


@cache
def fields_of(cls: type) -> dict[str, Any]:
    """The wire name and the resolved annotation of every field of a response class."""
    hints = get_type_hints(cls, localns=_Names(cls.__module__))
    renamed: dict[str, str] = getattr(cls, "_field_remappings", {})
    return {
        renamed.get(name, name): hint
        for name, hint in hints.items()
        if not name.startswith("_") and get_origin(hint) is not ClassVar
    }


@cache
def params_of(cls: type) -> dict[str, Any]:
    """The resolved annotation of every field of a request's TypedDict, without the per-call options."""
    options = stripe.RequestOptions.__annotations__
    own = {name: hint for name, hint in cls.__annotations__.items() if name not in options}
    return get_type_hints(_holder(own), localns=_Names(cls.__module__))


def class_named(object_name: str) -> type[StripeObject] | None:
    """The response class of a JSON object's `object` word, or None when the SDK knows no such word."""
    if object_name not in OBJECT_CLASSES:
        return None
    module, name = OBJECT_CLASSES[object_name]
    found: type[StripeObject] = getattr(import_module(module), name)
    return found


def endpoint_for(http_method: str, path: str) -> Endpoint | None:
    """The SDK's call for a method and a path such as `/v1/customers/cus_1`; the most literal path wins."""
    root = "/".join(path.split("/")[:3])
    fitting = [e for e in _endpoints(root) if e.http_method == http_method and e.path.fullmatch(path)]
    return min(fitting, key=lambda endpoint: endpoint.path.groups, default=None)


class _Names(dict[str, Any]):
    """A module's names, those under TYPE_CHECKING included, imported only when an annotation asks."""

    def __init__(self, module: str) -> None:
        super().__init__()
        self._module = module

    def __missing__(self, name: str) -> Any:
        source = _guarded_imports(self._module).get(name)
        if source is None:
            return _visible_name(self._module, name)
        return getattr(import_module(source[0]), source[1])


def _visible_name(module: str, name: str) -> Any:
    if hasattr(sys.modules[module], name):
        return getattr(sys.modules[module], name)
    if hasattr(builtins, name):
        return getattr(builtins, name)
    raise KeyError(name)


@cache
def _guarded_imports(module: str) -> dict[str, tuple[str, str]]:
    file = sys.modules[module].__file__
    assert file is not None
    guards = [node for node in ast.parse(Path(file).read_text()).body if isinstance(node, ast.If)]
    imports = [node for guard in guards for node in guard.body if isinstance(node, ast.ImportFrom)]
    return {it.asname or it.name: (node.module or "", it.name) for node in imports for it in node.names}


@cache
def _endpoints(root: str) -> tuple[Endpoint, ...]:
    """Every call whose path starts with `root`, read from the text of the SDK's services."""
    files = [file for file in STRIPE_FOLDER.rglob("_*_service.py") if f'"{root}' in file.read_text()]
    return tuple(endpoint for file in files for endpoint in _calls_in(file))


def _calls_in(file: Path) -> Iterator[Endpoint]:
    module = ".".join(file.relative_to(STRIPE_FOLDER.parent).with_suffix("").parts)
    names = _Names(import_module(module).__name__)
    for function in ast.walk(ast.parse(file.read_text())):
        if isinstance(function, ast.FunctionDef):
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "self._request":
                    yield _endpoint(function, call, names)


def _endpoint(function: ast.FunctionDef, call: ast.Call, names: _Names) -> Endpoint:
    method, path = ast.literal_eval(call.args[0]), _template(call.args[1])
    pattern = re.compile(re.sub(r"\{\w+\}", "([^/]+)", path))
    wanted = [arg.annotation for arg in function.args.args if arg.arg == "params"]
    params = _resolved(wanted[0], names) if wanted and wanted[0] else None
    typed = [t for t in (get_args(params) or (params,)) if t not in (None, types.NoneType)]
    return Endpoint(method, pattern, typed[0] if typed else None, _resolved(function.returns, names))


def _template(path: ast.expr) -> str:
    text = path.func.value if isinstance(path, ast.Call) and isinstance(path.func, ast.Attribute) else path
    assert isinstance(text, ast.Constant)
    return str(text.value)


def _resolved(annotation: ast.expr | None, names: _Names) -> Any:
    if annotation is None:
        return None
    return get_type_hints(_holder({"it": ForwardRef(ast.unparse(annotation))}), localns=names)["it"]


def _holder(annotations: dict[str, Any]) -> type:
    return type("_Holder", (), {"__annotations__": annotations})
