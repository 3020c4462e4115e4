"""Hunting: lives are drawn and played until one fails, which is then made small."""

import random
from collections.abc import Callable

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.torture.play import Divergence, play
from tests.torture.schedule import Step, draw, smaller
from tests.torture.steps import WEIGHTS
from tests.torture.tally import Tally
from tests.torture.world import World


def hunt(
    world: World,
    tally: Tally,
    *,
    count: int,
    seed: int,
    progress: Callable[[int], None] = lambda _played: None,
) -> Divergence | None:
    """Play so many schedules; the first that fails, as it was drawn, or None.

    Hypothesis gives the chance out of which each is drawn. Drawn step by step by Hypothesis itself, lives
    would be much alike: most of its examples are others with parts repeated.
    """
    failed: list[Divergence] = []

    @hypothesis.seed(seed)
    @settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.randoms(use_true_random=True))
    def run(chance: random.Random) -> None:
        try:
            play(world, draw(chance, WEIGHTS), tally)
        except Divergence as found:
            failed.append(found)
            raise
        progress(tally.schedules)

    try:
        run()
    except Exception:
        # Hypothesis plays a failure again and complains if it does not come back: it is one all the same.
        if not failed:
            raise
    return failed[0] if failed else None


def made_small(world: World, found: Divergence) -> Divergence:
    """The smallest failure that comes of leaving out steps; the same if it does not come back."""
    smallest = found

    def fails(schedule: list[Step]) -> bool:
        nonlocal smallest
        try:
            play(world, schedule, Tally())
        except Divergence as again:
            smallest = again
            return True
        return False

    smaller(found.schedule, fails)
    return smallest
