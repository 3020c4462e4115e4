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
Default = Callable[[], Any]


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
    known = _known(cls)
    whole = {name: value for name, value in doc.items() if name not in known and not _unseen(name)}
    for name, (fill, default) in known.items():
        if name in doc:
            whole[name] = fill(doc[name])
        elif default and name not in left_out:
            whole[name] = default()
    return whole


def _unseen(name: str) -> bool:
    """Ours alone: private facts, and the two that the store gives to every document."""
    return name.startswith("_") or name in ("created", "livemode")


@cache
def _known(cls: type) -> dict[str, tuple[Fill, Default | None]]:
    # The SDK itself falls over a null where it expects a map of objects (`currency_options`).
    never_null = {"deleted", *getattr(cls, "_inner_class_dicts", ())}
    return {
        name: (_fill(hint), None if name in never_null else _default(f"{cls.__qualname__}.{name}", hint))
        for name, hint in fields(cls).items()
    }


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


def _default(at: str, hint: Any) -> Default:
    if is_optional(hint):
        return _null
    if hint is bool:
        return bool
    if get_origin(hint) is list:
        return list
    if get_origin(hint) is Literal and len(get_args(hint)) == 1:
        return partial(_as_is, get_args(hint)[0])
    if _is_shape(hint):
        return partial(_filled, hint, frozenset(), {})
    return (
        dict if getattr(get_origin(hint), "__name__", "") == "UntypedStripeObject" else partial(_missing, at)
    )


def _null() -> None:
    return None


def _missing(at: str) -> None:
    raise LookupError(f"{at} has no value")


def _is_shape(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, StripeObject) and "__annotations__" in vars(hint)
