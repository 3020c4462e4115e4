"""One schedule, from its first step to the last check."""

from collections.abc import Sequence
from datetime import timedelta

from paywall.billing.reconcile import walk
from paywall.billing.reconcile.drift import Kind, Outcome
from tests.torture import checks
from tests.torture.doors import Watch
from tests.torture.oracle import Policy
from tests.torture.schedule import Dice, Step, write
from tests.torture.steps import STEPS, TROUBLE, named
from tests.torture.tally import Tally
from tests.torture.world import World

ROUNDS = 40


class Divergence(AssertionError):
    """Our books, letters, events or doors differ from the truth."""

    def __init__(self, schedule: Sequence[Step], when: str, wrong: list[str]) -> None:
        super().__init__(f"{when}: {'; '.join(wrong[:4])}\n  schedule: {write(schedule)}")
        self.schedule = list(schedule)


def play(world: World, schedule: Sequence[Step], tally: Tally) -> None:
    """Play a schedule; raises Divergence."""
    try:
        _play(world, schedule, tally)
    except Divergence:
        raise
    except Exception as error:
        raise Divergence(schedule, "it broke", [repr(error)]) from error


def _play(world: World, schedule: Sequence[Step], tally: Tally) -> None:
    watch = Watch()
    world.begin()
    for step in schedule:
        named(step.name)(world, step.who, Dice(step.n))
        if step.name in TROUBLE:
            continue
        _hold(schedule, f"after {step}", list(checks.after_step(world, watch)))
    tally.life_ended(world)
    world.sandbox.faults.clear()
    _settle(world)
    tally.came_to_rest(world)
    left = _reconcile(world)
    _settle(world)
    _hold(schedule, "at the end", [*checks.at_the_end(world), *left, *watch.too_long(Policy())])
    tally.schedule_ended(world, watch)


def _hold(schedule: Sequence[Step], when: str, wrong: list[str]) -> None:
    if wrong:
        raise Divergence(schedule, when, wrong)


def _settle(world: World) -> None:
    """Time passes without trouble until the last delivery has come and nothing waits any more."""
    for _ in range(ROUNDS):
        for name in ("deliver", "minutely"):
            STEPS[name](world, 0, Dice(0))
        later = world.waits_until()
        if later is None:
            return
        world.sandbox.advance(to=max(later, world.sandbox.now()) + timedelta(seconds=1))
    raise AssertionError("it never comes to rest")


def _reconcile(world: World) -> list[str]:
    """One whole walk; what it could not mend, but for readers who pay twice: that is for a person to do."""
    # One that was killed can be taken over after ten minutes.
    world.sandbox.advance(by=timedelta(minutes=11))
    world.deliver()
    # A walk through the balance that was broken off ends first; the next sees what has come since it began.
    for name in ("hourly", "hourly", "daily"):
        STEPS[name](world, 0, Dice(0))
    with world.app.app_context():
        found = list(walk.begin(restart=True).drifts())
    remains = [one for one in found if one.outcome is Outcome.REMAINS and one.kind is not Kind.DUPLICATE]
    return [f"the reconcile leaves {one}" for one in remains]
