"""Life: joining at our site, cards and bills on Stripe's pages."""

from paywall.sandbox import subscriptions as theirs
from tests.torture.newsroom import OFFERS
from tests.torture.schedule import Dice
from tests.torture.steps.hands import CARDS, PRICES, card, page_of, paid, priced, quietly, twin
from tests.torture.steps.kinds import LIFE, step
from tests.torture.world import World


@step(5, LIFE)
def join(world: World, who: int, dice: Dice) -> None:
    """Open Checkout at our site, pay there, and perhaps come back from it."""
    plan, number, returns = dice.pick(PRICES), dice.pick(CARDS), dice.pick([True, False])
    code = dice.pick([None, *OFFERS])
    address = world.visit(who, "/join/checkout", price=priced(world, plan).id, code=code or "")
    page = page_of(address)
    if page and paid(world, page, number) and returns:
        world.visit(who, f"/join/return?session_id={page}")


@step(1, LIFE)
def join_twice(world: World, who: int, dice: Dice) -> None:
    """A second subscription beside the first, made in the dashboard for one of the customer's cards."""
    seen, reader = world.oracle(), world.readers[who]
    cards = seen.of("payment_method", customer=seen.customer(reader) or "nobody")
    if cards:
        world.in_dashboard(
            theirs.create,
            "",
            customer=cards[-1]["customer"],
            default_payment_method=cards[-1]["id"],
            items=[{"price": twin(world, dice.pick(PRICES))}],
            metadata={"reader_id": str(reader)},
        )


@step(2, LIFE)
def change_card(world: World, who: int, dice: Dice) -> None:
    """Another card at the portal."""
    page = page_of(world.visit(who, "/account/portal", flow=""))
    if page:
        quietly(lambda: world.sandbox.portal.change_card(page, card(dice.pick(CARDS))))


@step(1, LIFE)
def pay(world: World, who: int, dice: Dice) -> None:
    """Pay an open bill on its own page."""
    seen, number = world.oracle(), dice.pick(CARDS)
    bills = seen.of("invoice", customer=seen.customer(world.readers[who]), status="open")
    if bills:
        quietly(lambda: world.sandbox.invoices.pay_hosted(bills[0]["id"], card(number)))
