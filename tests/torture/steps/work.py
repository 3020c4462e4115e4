"""Work: deliveries, jobs and periodic work; and time."""

from datetime import UTC, datetime, timedelta
from functools import cache

from paywall import jobs
from paywall.billing.reconcile import walk
from tests.torture.schedule import Dice
from tests.torture.steps.kinds import WORK, step
from tests.torture.world import World

SPANS = (
    timedelta(hours=1, minutes=5),
    timedelta(days=31),
    timedelta(hours=25),
    timedelta(days=3),
    timedelta(days=8),
    timedelta(minutes=12),
    timedelta(days=15),
    timedelta(days=31),
    timedelta(days=62),
)
# Played by steps of their own; and the stand-in's own deliveries, for the steps deliver instead.
APART = {"billing.reconcile.walk.nightly", "sandbox.delivery.deliver_again"}
A_DAY = [datetime(2040, 1, 1, hour, minute, tzinfo=UTC) for hour in range(24) for minute in range(60)]


@step(10, WORK)
def deliver(world: World, _who: int, _: Dice) -> None:
    """Stripe sends what is due; a worker handles it."""
    world.deliver()
    world.work()


@step(2, WORK)
def take_in(world: World, _who: int, _: Dice) -> None:
    """Stripe sends what is due; no worker runs."""
    world.deliver()


@step(2, WORK)
def minutely(world: World, _who: int, _: Dice) -> None:
    """What runs each minute, and the jobs that wait."""
    _periodic(world, at_least=len(A_DAY), below=len(A_DAY) + 1)


@step(1, WORK)
def hourly(world: World, _who: int, _: Dice) -> None:
    """What runs each hour or oftener: what was missed is fetched, the balance is walked through."""
    _periodic(world, at_least=24, below=len(A_DAY))


@step(1, WORK)
def daily(world: World, _who: int, _: Dice) -> None:
    """What runs each night, but for the reconcile."""
    _periodic(world, at_least=1, below=24)


@step(1, WORK)
def look(world: World, who: int, _: Dice) -> None:
    """A reader comes back from Stripe's page, which reads their books again."""
    world.visit(who, "/account/back")


@step(1, WORK)
def reconcile(world: World, _who: int, _: Dice) -> None:
    """The nightly walk."""
    with world.job():
        walk.nightly()


@step(1, WORK)
def again(world: World, _who: int, dice: Dice) -> None:
    """Stripe sends an event that it has sent before."""
    world.send_again(dice.pick(range(50)))
    world.work()


@step(12)
def wait(world: World, _who: int, dice: Dice) -> None:
    """Time passes."""
    world.pass_time(dice.pick(SPANS))


def _periodic(world: World, *, at_least: int, below: int) -> None:
    """The periodic jobs that run so many times a day, each once, and then whatever waits."""
    for name in sorted(jobs._periodic.keys() - APART):
        if at_least <= _times_a_day(name) < below:
            with world.job():
                jobs._declared[name]()
    world.work()


@cache
def _times_a_day(name: str) -> int:
    """How often a periodic job runs."""
    return sum(map(jobs._periodic[name], A_DAY))
