"""How an update changes a document: given fields replace, an empty value clears, metadata merges."""

from collections.abc import Iterable

from paywall.sandbox.errors import Doc


def merge(doc: Doc, params: Doc, modelled: Iterable[str]) -> Doc:
    """Apply the parameters that we model, and `metadata`, to the document in place; others are left alone."""
    for name in modelled:
        if name in params:
            doc[name] = _changed(doc.get(name), params[name])
    if "metadata" in params:
        doc["metadata"] = metadata(params["metadata"], doc.get("metadata"))
    return doc


def metadata(given: dict[str, str] | str | None, held: dict[str, str] | None = None) -> dict[str, str]:
    """Given keys win, an empty value removes its key, an empty text removes all."""
    if given == "":
        return {}
    together = {**(held or {}), **(given if isinstance(given, dict) else {})}
    return {key: value for key, value in together.items() if value != ""}


def _changed(held: object, given: object) -> object:
    if isinstance(held, dict) and isinstance(given, dict):
        return {**held, **{name: _changed(held.get(name), value) for name, value in given.items()}}
    return None if given == "" else given
