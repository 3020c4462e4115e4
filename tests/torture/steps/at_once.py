"""Acts at once, and processes that are killed."""

import os
import random
import re
import signal
import time
from collections.abc import Callable, Sequence
from functools import partial

from tests.torture import turnstile
from tests.torture.schedule import Dice
from tests.torture.steps.kinds import LIFE, STEPS, WORK, Act, step
from tests.torture.world import World

MOST_AT_ONCE = 4
SHARE_OF_LIFE = 0.35
KILLED_IN_CROWD = 0.6


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
    _killed(world, acts, _falls(chance), after)


@step(1)
def crowd(world: World, who: int, dice: Dice) -> None:
    """Each act in a process of its own, as fast as the machine lets it; the first may be killed at any time.

    The one step that is not played twice alike: what only real processes do to one another shows here.
    """
    chance, acts = _acts(world, who, dice)
    world.close_doors()
    children = [turnstile.fork(partial(_burst, world, [act], set())) for act in acts]
    if chance.random() < KILLED_IN_CROWD:
        time.sleep(10 ** chance.uniform(-4, -1))
        os.kill(children[0], signal.SIGKILL)
    deaths = sum([turnstile.was_killed(child) for child in children])
    world.counts["crowds"] += 1
    world.counts["kills"] += deaths
    world.lose_queue()


def named(name: str) -> Act:
    """The step of that name; or acts at once that are written out, and not drawn.

    `deliver+cancel+deliver@15` runs three, of which whoever comes to the 15th place falls behind the others;
    `deliver!23` runs one in a process that is killed at its 23rd place.
    """
    if name in STEPS:
        return STEPS[name]
    acts, sign, place = re.fullmatch(r"([a-z_+]+)([@!])(\d+)", name).groups()  # type: ignore[union-attr]

    def run(world: World, who: int, dice: Dice) -> None:
        told = [partial(STEPS[act], world, who, dice.again()) for act in acts.split("+")]
        _killed(world, told, set(), int(place)) if sign == "!" else turnstile.Turnstile({int(place)}).run(
            told
        )

    return run


def _killed(world: World, acts: Sequence[Callable[[], None]], falls: set[int], after: int) -> None:
    world.close_doors()
    if turnstile.was_killed(turnstile.fork(partial(_burst, world, acts, falls), after=after)):
        world.counts["kills"] += 1
        world.lose_queue()


def _burst(world: World, acts: Sequence[Callable[[], None]], falls: set[int]) -> None:
    """In a process of its own: what went wrong is told by how it ends."""
    turnstile.Turnstile(falls).run(acts)
    if world.crashes:
        raise AssertionError(world.crashes)


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
