"""Work: deliveries, jobs and periodic work; and time."""

from datetime import timedelta

from paywall import jobs, mail
from paywall.billing import checkout, inbox
from paywall.billing.reconcile import backfill, walk
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
# Periodic work that is a step of its own, and what touches no books.
OFTEN = {
    "billing.inbox.handle_waiting",
    "billing.reconcile.backfill.hourly",
    "billing.reconcile.walk.nightly",
    "mail.send_waiting",
    "accounts.proofs.forget_expired",
    "watch.still_alive",
}


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
    with world.app.app_context():
        inbox.handle_waiting()
        mail.send_waiting()
    world.work()


@step(1, WORK)
def hourly(world: World, _who: int, _: Dice) -> None:
    """What Stripe lists of the last hours is fetched."""
    with world.at_our_site():
        backfill.hourly()
    world.work()


@step(1, WORK)
def daily(world: World, _who: int, _: Dice) -> None:
    """All other periodic work once: gifts move on, the cash book is walked through, whatever is added."""
    for name in sorted(jobs._periodic.keys() - OFTEN):
        with world.at_our_site():
            jobs._declared[name]()
    world.work()


@step(1, WORK)
def look(world: World, who: int, _: Dice) -> None:
    """A reader comes back from Stripe's page, which reads their books again."""
    with world.at_our_site():
        checkout.sync_reader(world.readers[who])


@step(1, WORK)
def reconcile(world: World, _who: int, _: Dice) -> None:
    """The nightly walk."""
    with world.at_our_site():
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
