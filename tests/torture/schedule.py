"""A schedule: what happens, in which order, as a value that can be drawn, made smaller and written down."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

T = TypeVar("T")
PEOPLE = 2
MOST = 10_000
FEWEST_STEPS, MOST_STEPS = 5, 18


@dataclass(frozen=True, slots=True)
class Step:
    """What happens (a name in steps.py), to which of the readers, and `n`, out of which it draws details."""

    name: str
    who: int
    n: int

    def __str__(self) -> str:
        return f"{self.name}:{self.who}:{self.n}"


class Dice:
    """Draws choices out of one number; 0 always gives the first ones, which are the plain ones."""

    def __init__(self, n: int) -> None:
        self._left = n * 2_654_435_761 % 2**32

    def again(self) -> "Dice":
        """Dice that lie as these do now."""
        other = Dice(0)
        other._left = self._left
        return other

    def pick(self, options: Sequence[T]) -> T:
        """One of some options."""
        self._left, place = divmod(self._left, len(options))
        return options[place]


def draw(chance: random.Random, weights: Mapping[str, int]) -> list[Step]:
    """A life that begins with someone who joins; a step is as frequent as its weight."""
    length = chance.randint(FEWEST_STEPS, MOST_STEPS)
    names = ["join", *chance.choices(list(weights), list(weights.values()), k=length)]
    return [
        Step(name, place and chance.choice((0, 0, 1)), chance.randrange(MOST))
        for place, name in enumerate(names)
    ]


def smaller(schedule: list[Step], fails: Callable[[list[Step]], bool]) -> list[Step]:
    """A schedule that still fails and of which nothing can be left out or made plain."""
    size = len(schedule)
    while size := size // 2:
        place = 0
        while place < len(schedule):
            fewer = schedule[:place] + schedule[place + size :]
            if fewer and fails(fewer):
                schedule = fewer
            else:
                place += size
    for place in range(len(schedule)):
        step = schedule[place]
        for plain in (replace(step, n=0, who=0), replace(step, n=0), replace(step, who=0)):
            tried = [*schedule[:place], plain, *schedule[place + 1 :]]
            if tried != schedule and fails(tried):
                schedule = tried
                break
    return schedule


def write(schedule: Sequence[Step]) -> str:
    """A schedule in one line."""
    return " ".join(map(str, schedule))


def read(text: str) -> list[Step]:
    """The schedule of that line."""
    parts = (word.split(":") for word in text.split())
    return [Step(name, int(who), int(n)) for name, who, n in parts]
