"""Stripe's ways of writing ids and instants, read."""

from datetime import UTC, datetime
from typing import Any


def id_of(thing: Any) -> str | None:
    """The id of an object that may have been expanded."""
    return thing if thing is None or isinstance(thing, str) else str(thing["id"])


def instant_or_none(seconds: int | None) -> datetime | None:
    """An aware UTC instant, or None where Stripe has none."""
    return None if seconds is None else instant(seconds)


def instant(seconds: int) -> datetime:
    """An aware UTC instant from Stripe's seconds."""
    return datetime.fromtimestamp(seconds, UTC)


def maybe(thing: Any, *path: str) -> Any:
    """What stands at the end of a path, each step of which Stripe may leave out or fill with null."""
    for name in path:
        thing = getattr(thing, name, None)
    return thing
