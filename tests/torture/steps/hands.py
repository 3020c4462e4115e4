"""What steps have at hand: what a reader holds at Stripe, prices, cards, and paying on Stripe's pages."""

from collections.abc import Callable

from sqlalchemy import select

from paywall.db import db
from paywall.membership.models import Plan, Price
from paywall.sandbox import Card, Payment, PaymentState, SandboxError
from tests.torture.oracle import Doc
from tests.torture.world import World

GOOD, FAILS_LATER, ASKS_ALWAYS, REFUSED = (
    "4242424242424242",
    "4000000000000341",
    "4000002760003184",
    "4000000000000002",
)
CARDS = (GOOD, FAILS_LATER, GOOD, FAILS_LATER, ASKS_ALWAYS, REFUSED)
PRICES = ("supporter:month", "circle:month", "supporter:year", "abroad:month")
RUNNING = ("active", "trialing", "past_due")


def holdings(world: World, who: int, *statuses: str) -> list[Doc]:
    """The reader's subscriptions at Stripe in one of these statuses, newest first."""
    mine = world.oracle().of("subscription")
    reader = str(world.readers[who])
    return [
        one for one in mine[::-1] if one["metadata"].get("reader_id") == reader and one["status"] in statuses
    ]


def priced(world: World, name: str) -> Price:
    """A price on sale at our site: "supporter:month"."""
    slug, _, interval = name.partition(":")
    query = select(Price).join(Plan).where(Plan.slug == slug, Price.interval == interval, Price.active)
    with world.app.app_context():
        return db.session.scalars(query).one()


def page_of(address: str) -> str:
    """The id of the page of Stripe's to which our site sends somebody; nothing if it sends them elsewhere."""
    return "" if address.startswith("/") else address.rpartition("/")[2]


def twin(world: World, name: str) -> str:
    """Stripe's id of that price."""
    slug, _, interval = name.partition(":")
    prices = world.oracle().of("price", product=f"paywall_{slug}")
    return str(next(one["id"] for one in prices if one["recurring"]["interval"] == interval))


def card(number: str) -> Card:
    """A card of Stripe's test numbers."""
    return Card(number, 12, 2060, "123", "A Reader")


def paid(world: World, page: str, number: str) -> bool:
    """Pay on a page of Stripe's; whether it was paid."""
    paid = quietly(lambda: world.sandbox.checkout.pay(page, card(number)))
    if paid and paid.state is PaymentState.REQUIRES_ACTION:
        paid = quietly(lambda: world.sandbox.checkout.authenticate(page, passed=True))
    return bool(paid and paid.state is PaymentState.COMPLETE)


def quietly(act: Callable[[], object]) -> Payment | None:
    """What came of an act on Stripe's pages; None if it was refused."""
    try:
        done = act()
    except SandboxError:
        return None
    return done if isinstance(done, Payment) else None
