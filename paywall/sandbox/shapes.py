"""What Stripe's objects look like: the SDK's classes tell which fields exist and which may be null."""

from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from typing import Any, Literal, get_args, get_origin

from stripe import StripeObject
from stripe._object_classes import OBJECT_CLASSES

from paywall.sandbox.annotations import fields, is_optional, options
from paywall.sandbox.errors import Doc

# Stripe leaves these out until they are asked for by `expand`, and `deleted` until the object is.
ON_DEMAND: dict[str, frozenset[str]] = {
    "charge": frozenset({"refunds"}),
    "checkout.session": frozenset({"line_items"}),
    "customer": frozenset(
        {"cash_balance", "invoice_credit_balance", "sources", "subscriptions", "tax", "tax_ids"}
    ),
    "invoice": frozenset({"confirmation_secret", "payments"}),
    "webhook_endpoint": frozenset({"secret"}),
}
Fill = Callable[[Any], Any]


def complete(doc: Doc) -> Doc:
    """The document with every field of its class (null, [] or {} if not modelled); private keys dropped.

    Raises `LookupError` when a field that Stripe always fills has no value: a fault of the stand-in.
    """
    kind = doc["object"]
    return _filled(_response_class(kind), ON_DEMAND.get(kind, frozenset()), doc)


def listing(data: list[Doc], url: str, *, has_more: bool = False) -> Doc:
    """A list object, as every list call answers and as some objects carry inside."""
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


@cache
def _response_class(kind: str) -> type:
    module, name = OBJECT_CLASSES[kind]
    found: type = getattr(import_module(module), name)
    return found


def _filled(cls: type, left_out: frozenset[str], doc: Doc) -> Doc:
    known = _fills(cls)
    whole = {name: value for name, value in doc.items() if name not in known and not _unseen(name)}
    for name, (fill, default) in known.items():
        if name in doc:
            whole[name] = fill(doc[name])
        elif name not in left_out and name not in _never_null(cls):
            whole[name] = default(name)
    return whole


def _unseen(name: str) -> bool:
    """Ours alone: private facts, and the two that the store gives to every document."""
    return name.startswith("_") or name in ("created", "livemode")


@cache
def _never_null(cls: type) -> frozenset[str]:
    # The SDK itself falls over a null where it expects a map of objects (`currency_options`).
    return frozenset({"deleted", *getattr(cls, "_inner_class_dicts", ())})


@cache
def _fills(cls: type) -> dict[str, tuple[Fill, Callable[[str], Any]]]:
    return {name: (_fill(hint), partial(_default, cls, hint)) for name, hint in fields(cls).items()}


def _fill(hint: Any) -> Fill:
    for member in options(hint):
        if _is_shape(member):
            return partial(_nested, member)
        if get_origin(member) is list and _is_shape(get_args(member)[0]):
            return partial(_each, get_args(member)[0])
    return _as_is


def _nested(cls: type, value: Any) -> Any:
    return _filled(cls, frozenset(), value) if isinstance(value, dict) else value


def _each(cls: type, values: Any) -> Any:
    return [_nested(cls, value) for value in values] if values is not None else None


def _as_is(value: Any) -> Any:
    return value


def _default(cls: type, hint: Any, name: str) -> Any:
    if is_optional(hint):
        return None
    if hint is bool:
        return False
    if get_origin(hint) is list:
        return []
    if get_origin(hint) is Literal and len(get_args(hint)) == 1:
        return get_args(hint)[0]
    if _is_shape(hint):
        return _filled(hint, frozenset(), {})
    if getattr(get_origin(hint), "__name__", "") == "UntypedStripeObject":
        return {}
    raise LookupError(f"{cls.__qualname__}.{name} has no value")


def _is_shape(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, StripeObject) and "__annotations__" in vars(hint)
