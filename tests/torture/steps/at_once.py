"""Acts at once, and processes that are killed."""

import random
from collections.abc import Callable
from functools import partial

from tests.torture import turnstile
from tests.torture.schedule import Dice
from tests.torture.steps.kinds import LIFE, STEPS, WORK, step
from tests.torture.world import World

MOST_AT_ONCE = 4
SHARE_OF_LIFE = 0.35


@step(6)
def burst(world: World, who: int, dice: Dice) -> None:
    """Several acts at once, which hand over to one another at the turnstile."""
    chance, acts = _acts(world, who, dice)
    world.counts["bursts"] += 1
    turnstile.Turnstile(_falls(chance)).run(acts)


@step(5)
def race(world: World, who: int, dice: Dice) -> None:
    """Whoever looks at Stripe falls behind, while life goes on and another worker hears of it first."""
    names = (
        dice.pick(["deliver", "look", "minutely", "hourly"]),
        dice.pick(list(LIFE)),
        dice.pick(["deliver", "take_in", "minutely"]),
    )
    falls, chance = {dice.pick(range(1, 31))}, random.Random(dice.pick(range(100)))
    world.counts["bursts"] += 1
    turnstile.Turnstile(falls).run(
        [partial(STEPS[name], world, who, Dice(chance.randrange(10_000))) for name in names]
    )


@step(3)
def kill(world: World, who: int, dice: Dice) -> None:
    """A burst in a process that is killed at some place."""
    chance, acts = _acts(world, who, dice)
    after = int(10 ** chance.uniform(0, 2.5))
    world.close_doors()
    if turnstile.killed(partial(turnstile.Turnstile(_falls(chance)).run, acts), after=after):
        world.counts["kills"] += 1
        world.lose_queue()


def _acts(world: World, who: int, dice: Dice) -> tuple[random.Random, list[Callable[[], None]]]:
    """Mostly workers, and often life goes on beside them."""
    chance = random.Random(dice.pick(range(10_000)))
    workers, life = ["deliver", "deliver", "deliver", "look", *WORK], list(LIFE)
    names = [
        chance.choice(life if chance.random() < SHARE_OF_LIFE else workers)
        for _ in range(chance.randint(2, MOST_AT_ONCE))
    ]
    acts: list[Callable[[], None]] = [
        partial(STEPS[name], world, who, Dice(chance.randrange(10_000))) for name in names
    ]
    return chance, acts


def _falls(chance: random.Random) -> set[int]:
    """Three of the first forty places at the turnstile."""
    return {chance.randrange(40) for _ in range(3)}
