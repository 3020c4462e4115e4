"""Hunting: schedules are drawn by Hypothesis and played until one fails, which is then made small."""

from collections.abc import Callable

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings

from tests.torture.play import Divergence, play
from tests.torture.schedule import Step, schedules
from tests.torture.steps import WEIGHTS
from tests.torture.tally import Tally
from tests.torture.world import World

BATCH = 250


def hunt(
    world: World,
    tally: Tally,
    *,
    count: int,
    seed: int,
    shrink: bool = True,
    progress: Callable[[int], None] = lambda _played: None,
) -> Divergence | None:
    """Play so many schedules; the smallest that fails like the first that did, or None."""
    for batch, begun in enumerate(range(0, count, BATCH)):
        size = min(BATCH, count - begun)
        found = _hunt(world, tally, size, seed + batch, [Phase.generate, *([Phase.shrink] if shrink else [])])
        if found is not None:
            return found
        progress(begun + size)
    return None


def _hunt(world: World, tally: Tally, count: int, seed: int, phases: list[Phase]) -> Divergence | None:
    failed: list[Divergence] = []

    @hypothesis.seed(seed)
    @settings(
        max_examples=count, phases=phases, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(schedules(WEIGHTS))
    def run(schedule: list[Step]) -> None:
        try:
            play(world, schedule, tally)
        except Divergence as divergence:
            failed.append(divergence)
            raise

    try:
        run()
    except Exception:
        # What Hypothesis raises last is the smallest; a failure that does not come back is one all the same.
        return min(failed, key=lambda one: len(one.schedule))
    return None
