"""Life: gifts that are bought, redeemed and given back."""

from sqlalchemy import select

from paywall.billing.gifts import letters
from paywall.billing.gifts.models import Gift
from paywall.billing.gifts.rules import MONTHS, GiftState, Present
from paywall.db import db
from paywall.money import Money
from paywall.sandbox import refunds as their_refunds
from tests.torture.schedule import Dice
from tests.torture.steps.hands import GOOD, REFUSED, page_of, paid, priced, quietly
from tests.torture.steps.kinds import LIFE, step
from tests.torture.world import World


@step(2, LIFE)
def give(world: World, who: int, dice: Dice) -> None:
    """Buy a gift, with an account or without one, pay, and perhaps come back."""
    months, number, returns = dice.pick(MONTHS), dice.pick([GOOD, REFUSED]), dice.pick([True, False])
    buyer, price = dice.pick([who, None]), priced(world, "supporter:month")
    present = Present(price.plan_id, months, Money(price.amount * months, price.currency))
    names = {"buyer_name": "A", "buyer_email": "a@example.org", "recipient_name": "B"}
    address = world.visit(buyer, "/gift", present=present.key, recipient_email="b@example.org", **names)
    page = page_of(address)
    if page and paid(world, page, number) and returns:
        world.visit(buyer, f"/gift/paid?session_id={page}")


@step(2, LIFE)
def redeem(world: World, who: int, _: Dice) -> None:
    """Redeem the newest gift that is good."""
    good = select(Gift.salt).where(Gift.state == GiftState.PAID).order_by(Gift.id.desc()).limit(1)
    with world.app.app_context():
        salt = db.session.scalar(good)
        code = letters.code(salt) if salt else "no code"
    world.visit(who, "/redeem", code=code, anyway="yes")


@step(1, LIFE)
def take_gift_back(world: World, _who: int, dice: Dice) -> None:
    """The money of the newest gift goes back, or its bank takes it, or decides."""
    seen = world.oracle()
    sessions = [one for one in seen.of("checkout.session", mode="payment") if one["payment_intent"]]
    if not sessions:
        return
    charge = seen.of("charge", payment_intent=sessions[-1]["payment_intent"])[-1]["id"]
    disputes = seen.of("dispute", charge=charge, status="needs_response")
    if disputes:
        won = dice.pick([True, False])
        quietly(lambda: world.sandbox.disputes.close(disputes[0]["id"], won=won))
    elif dice.pick(["refund", "dispute"]) == "refund":
        world.in_dashboard(their_refunds.refund, "", charge=charge)
    else:
        quietly(lambda: world.sandbox.disputes.open(charge))
