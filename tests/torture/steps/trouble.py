"""Trouble: deliveries that go wrong, an API that fails, an account that dunning treats otherwise."""

from paywall.sandbox import AfterRetries, Dunning, Fault, FaultKind
from tests.torture.schedule import Dice
from tests.torture.steps.kinds import TROUBLE, step
from tests.torture.world import World


@step(2, TROUBLE)
def lose(world: World, _who: int, dice: Dice) -> None:
    """The next deliveries are never made."""
    _trouble(world, Fault(FaultKind.DROP, times=dice.pick([1, 2, 5, 20])))


@step(2, TROUBLE)
def double(world: World, _who: int, dice: Dice) -> None:
    """The next deliveries are made twice."""
    _trouble(world, Fault(FaultKind.DUPLICATE, times=dice.pick([1, 3, 10])))


@step(2, TROUBLE)
def delay(world: World, _who: int, dice: Dice) -> None:
    """The next deliveries are late."""
    late = dice.pick([600, 6 * 3600, 86_400, 5 * 86_400])
    _trouble(world, Fault(FaultKind.DELAY, times=dice.pick([1, 3, 10]), seconds=late))


@step(2, TROUBLE)
def turn_round(world: World, _who: int, dice: Dice) -> None:
    """What is due next is sent last first."""
    _trouble(world, Fault(FaultKind.REORDER, times=dice.pick([1, 2])))


@step(4, TROUBLE)
def break_api(world: World, _who: int, dice: Dice) -> None:
    """The API answers 500 or 429, does what it was asked but says 500, or hangs."""
    kind, status = dice.pick(
        [
            (FaultKind.API_ERROR, 500),
            (FaultKind.API_ERROR, 429),
            (FaultKind.API_LOST, 500),
            (FaultKind.API_HANG, 200),
        ]
    )
    _trouble(world, Fault(kind, times=dice.pick([1, 3, 4, 7]), status=status, seconds=0.001))


@step(3, TROUBLE)
def dunning(world: World, _who: int, dice: Dice) -> None:
    """The account's setting for what follows the last retry of a failed payment."""
    world.sandbox.dunning = Dunning(end=dice.pick(list(AfterRetries)))


def _trouble(world: World, fault: Fault) -> None:
    world.sandbox.faults.set(fault)
    world.counts[fault.kind] += fault.times or 1
