"""A schedule: what happens, in which order, as a value that can be drawn, shrunk and written down."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from hypothesis import strategies as st

T = TypeVar("T")
PEOPLE = 2
MOST = 10_000


@dataclass(frozen=True, slots=True)
class Step:
    """What happens (a name in steps.py), to which of the readers, and `n`, out of which it draws details."""

    name: str
    who: int
    n: int

    def __str__(self) -> str:
        return f"{self.name}:{self.who}:{self.n}"


class Dice:
    """Draws choices out of one number: 0 always gives the first, so that shrinking makes things plain.

    Hypothesis likes small numbers: they are scattered, or the later choices would hardly ever differ.
    """

    def __init__(self, n: int) -> None:
        self._left = n * 2_654_435_761 % 2**32

    def pick(self, options: Sequence[T]) -> T:
        """One of some options."""
        self._left, place = divmod(self._left, len(options))
        return options[place]


def write(schedule: Sequence[Step]) -> str:
    """A schedule in one line."""
    return " ".join(map(str, schedule))


def read(text: str) -> list[Step]:
    """The schedule of that line."""
    parts = (word.split(":") for word in text.split())
    return [Step(name, int(who), int(n)) for name, who, n in parts]


def schedules(weights: dict[str, int]) -> st.SearchStrategy[list[Step]]:
    """Lives that begin with someone who joins; a name is as frequent as its weight."""
    names = [name for name, weight in weights.items() for _ in range(weight)]
    number = st.integers(0, MOST - 1)
    step = st.builds(Step, st.sampled_from(names), st.integers(0, PEOPLE - 1), number)
    first = st.builds(Step, st.just("join"), st.just(0), number)
    return st.builds(lambda one, more: [one, *more], first, st.lists(step, min_size=5, max_size=18))
