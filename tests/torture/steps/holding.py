"""Life: what becomes of a subscription, at the portal or in Stripe's dashboard."""

from paywall.sandbox import customers as their_customers
from paywall.sandbox import refunds as their_refunds
from paywall.sandbox import subscriptions as theirs
from tests.torture.oracle import Doc
from tests.torture.schedule import Dice
from tests.torture.steps.hands import PRICES, RUNNING, holdings, quietly, twin
from tests.torture.steps.kinds import LIFE, step
from tests.torture.world import World


@step(2, LIFE)
def change_plan(world: World, who: int, dice: Dice) -> None:
    """Upgrade, downgrade, another rhythm, more of the same."""
    for held in holdings(world, who, *RUNNING, "unpaid", "paused"):
        item = world.oracle().of("subscription_item", subscription=held["id"])[0]["id"]
        price = twin(world, dice.pick(PRICES))
        behavior = dice.pick(["create_prorations", "always_invoice", "none"])
        wanted = {"id": item, "price": price, "quantity": dice.pick([1, 1, 2])}
        world.in_dashboard(theirs.update, held["id"], items=[wanted], proration_behavior=behavior)


@step(3, LIFE)
def cancel(world: World, who: int, dice: Dice) -> None:
    """At the end of the period in each of the ways in which Stripe says so, on a day, or at once."""
    way = dice.pick(["portal", "boolean", "day", "now"])
    ways: dict[str, Doc] = {
        "portal": {"cancel_at": "min_period_end"},
        "boolean": {"cancel_at_period_end": True},
        "day": {"cancel_at": world.now + dice.pick([3600, 86_400, 12 * 86_400])},
    }
    facts = ways.get(way, {})
    for held in holdings(world, who, *RUNNING, "unpaid", "paused")[:1]:
        world.in_dashboard(theirs.update if facts else theirs.cancel, held["id"], **facts)


@step(1, LIFE)
def undo(world: World, who: int, _: Dice) -> None:
    """Take a cancellation back."""
    for held in holdings(world, who, *RUNNING):
        world.in_dashboard(theirs.update, held["id"], cancel_at_period_end=False)


@step(1, LIFE)
def pause(world: World, who: int, _: Dice) -> None:
    """Pause the subscription."""
    for held in holdings(world, who, *RUNNING)[:1]:
        world.in_dashboard(theirs.pause, held["id"])


@step(1, LIFE)
def resume(world: World, who: int, _: Dice) -> None:
    """Let it run again."""
    for held in holdings(world, who, "paused"):
        world.in_dashboard(theirs.resume, held["id"])


@step(1, LIFE)
def pause_collection(world: World, who: int, dice: Dice) -> None:
    """Collect no money for now, or again."""
    behavior = dice.pick(["keep_as_draft", "void", "mark_uncollectible", None])
    wanted = {"behavior": behavior} if behavior else ""
    for held in holdings(world, who, *RUNNING):
        world.in_dashboard(theirs.update, held["id"], pause_collection=wanted)


@step(1, LIFE)
def discount(world: World, who: int, dice: Dice) -> None:
    """Staff grant a discount to a subscription, or take it away."""
    coupons = world.oracle().of("coupon")
    given = dice.pick([*({"coupon": coupon["id"]} for coupon in coupons), None])
    for held in holdings(world, who, *RUNNING)[:1]:
        world.in_dashboard(theirs.update, held["id"], discounts=[given] if given else [])


@step(1, LIFE)
def refund(world: World, who: int, dice: Dice) -> None:
    """Give the last payment back, or a part of it."""
    paid = world.oracle().of("charge", customer=world.oracle().customer(world.readers[who]), paid=True)
    for charge in paid[-1:]:
        part = {} if dice.pick(["all", "part"]) == "all" else {"amount": 100}
        world.in_dashboard(their_refunds.refund, "", charge=charge["id"], **part)


@step(1, LIFE)
def dispute(world: World, who: int, dice: Dice) -> None:
    """The bank takes the last payment back, or decides what it took."""
    seen = world.oracle()
    open_ones = seen.of("dispute", status="needs_response")
    paid = seen.of("charge", customer=seen.customer(world.readers[who]), paid=True, disputed=False)
    won = dice.pick([True, False])
    if open_ones:
        quietly(lambda: world.sandbox.disputes.close(open_ones[-1]["id"], won=won))
    elif paid:
        quietly(lambda: world.sandbox.disputes.open(paid[-1]["id"]))


@step(1, LIFE)
def delete_customer(world: World, who: int, _: Dice) -> None:
    """Someone deletes the customer in the dashboard."""
    customer = world.oracle().customer(world.readers[who])
    if customer:
        world.in_dashboard(their_customers.delete, customer)
