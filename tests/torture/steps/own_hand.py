"""Life: what readers do with their membership on their own pages at our site."""

import re

from sqlalchemy import select

from paywall.db import db
from paywall.membership.models import Price, Subscription
from paywall.membership.rules import Source
from tests.torture.schedule import Dice
from tests.torture.steps.kinds import LIFE, step
from tests.torture.world import World

SHOWN = re.compile(r'name="(at|total|due)"[^>]* value="(-?\d+)"')


@step(2, LIFE)
def leave(world: World, who: int, _: Dice) -> None:
    """Cancel at our site."""
    world.visit(who, _page(world, who, "cancel"), feedback="other")


@step(1, LIFE)
def stay(world: World, who: int, _: Dice) -> None:
    """Take it back there."""
    world.visit(who, _page(world, who, "keep"), button="")


@step(2, LIFE)
def switch(world: World, who: int, dice: Dice) -> None:
    """Another plan, at the price that was shown for it, perhaps with the button pressed twice."""
    with world.app.app_context():
        prices = db.session.scalars(select(Price.id).where(Price.active).order_by(Price.id)).all()
    page = _page(world, who, f"plan/{dice.pick(prices)}")
    shown = dict(SHOWN.findall(world.open(who, page).text))
    if shown:
        for _ in range(dice.pick([1, 1, 2])):
            world.visit(who, page, **shown)


@step(1, LIFE)
def rest(world: World, who: int, _: Dice) -> None:
    """Pause at our site."""
    world.visit(who, _page(world, who, "pause"), button="")


@step(1, LIFE)
def go_on(world: World, who: int, _: Dice) -> None:
    """Resume there."""
    world.visit(who, _page(world, who, "resume"), button="")


def _page(world: World, who: int, name: str) -> str:
    """The page of the reader's newest membership that Stripe bills; of none at all if there is none."""
    newest = select(Subscription.id).where(
        Subscription.reader_id == world.readers[who], Subscription.source == Source.STRIPE
    )
    with world.app.app_context():
        held = db.session.scalar(newest.order_by(Subscription.id.desc()).limit(1))
    return f"/account/membership/{held or 0}/{name}"
