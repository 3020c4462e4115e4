"""What can happen in the stand-in, a small play each, so that every object comes out in every state."""

from collections.abc import Callable
from inspect import isfunction
from types import ModuleType

from tests.sandbox.plays import buying, by_api, lasting
from tests.sandbox.shop import Shop


def _in(module: ModuleType) -> dict[str, Callable[[Shop], object]]:
    own = {name: found for name, found in vars(module).items() if isfunction(found)}
    return {n: f for n, f in own.items() if f.__module__ == module.__name__ and not n.startswith("_")}


PLAYS = _in(buying) | _in(lasting) | _in(by_api)
