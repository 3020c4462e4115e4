"""The torture, short: some lives on each database, the planted faults, and what was wrong once."""

import random

import pytest

from tests.torture.hunt import hunt
from tests.torture.mutations import MUTATIONS
from tests.torture.play import Divergence, play
from tests.torture.schedule import Step, draw, read, smaller, write
from tests.torture.steps import STEPS, WEIGHTS
from tests.torture.tally import Tally
from tests.torture.world import World

pytestmark = pytest.mark.story

SCHEDULES = 16
ONCE_WRONG = {
    "the dates of who was deleted at Stripe were not Stripe's, and each reconcile said so anew": (
        "join:0:0 deliver:0:0 delete_customer:0:0 deliver:0:0"
    ),
    "a patron deleted at Stripe who then gave a gift stayed a patron for ever": (
        "join:0:0 deliver:0:0 delete_customer:0:0 give:0:0 deliver:0:0"
    ),
    "a gift given back after its buyer was deleted at Stripe stood as paid for ever": (
        "give:0:0 wait:0:421 delete_customer:0:0 kill:0:4977"
    ),
}
SQLITE = pytest.mark.parametrize("world", ["sqlite"], indirect=True)


def test_lives_end_with_books_that_agree(world: World) -> None:
    tally = Tally()
    found = hunt(world, tally, count=SCHEDULES, seed=20261125)
    assert found is None, str(found)
    assert tally.schedules == SCHEDULES
    assert tally.counts["kills"]
    assert tally.counts["bursts"]


@pytest.mark.parametrize("schedule", ONCE_WRONG.values(), ids=ONCE_WRONG.keys())
def test_what_was_wrong_once_is_right(world: World, schedule: str) -> None:
    play(world, read(schedule), Tally())


@SQLITE
@pytest.mark.parametrize("name", MUTATIONS)
def test_a_planted_fault_is_caught_and_nothing_else(
    world: World, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = MUTATIONS[name]
    with monkeypatch.context() as patch:
        planted.plant(patch)
        caught = next((one for one in planted.schedules() if diverges(world, one)), None)
    assert caught, f"{name} was not caught"
    play(world, read(caught), Tally())


def test_a_schedule_can_be_written_down_and_read() -> None:
    drawn = draw(random.Random(1), WEIGHTS)
    assert read(write(drawn)) == drawn
    assert {step.name for step in drawn} <= set(STEPS)


def test_a_schedule_is_made_as_small_as_it_still_fails() -> None:
    drawn = draw(random.Random(2), WEIGHTS)
    last = drawn[-1]
    small = smaller(drawn, lambda steps: any(step.name == last.name for step in steps))
    assert small == [Step(last.name, 0, 0)]


def diverges(world: World, schedule: str) -> bool:
    """Whether the torture finds something wrong."""
    try:
        play(world, read(schedule), Tally())
    except Divergence:
        return True
    return False
