"""The three kinds of steps, and how one is declared."""

from collections.abc import Callable

from tests.torture.schedule import Dice
from tests.torture.world import World

Act = Callable[[World, int, Dice], None]
LIFE: dict[str, Act] = {}
WORK: dict[str, Act] = {}
TROUBLE: dict[str, Act] = {}
STEPS: dict[str, Act] = {}
WEIGHTS: dict[str, int] = {}


def step(weight: int, kind: dict[str, Act] | None = None) -> Callable[[Act], Act]:
    """Declare a step; those of life and work are also played at once with others."""

    def declare(act: Act) -> Act:
        STEPS[act.__name__] = act
        WEIGHTS[act.__name__] = weight
        if kind is not None:
            kind[act.__name__] = act
        return act

    return declare
