"""What can happen in a schedule: one function a step, in three kinds.

*Life*: a reader at our site or on Stripe's pages, the newsroom in Stripe's dashboard. *Work*: deliveries, jobs,
periodic work. *Trouble*: what goes wrong. A step that makes no sense just now (to resume what is not paused) does
nothing. The number at the decorator is how often the step is drawn, against the others.
"""

import random
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from sqlalchemy import select

from paywall import clock, jobs, mail
from paywall.billing import checkout, inbox
from paywall.billing.gifts import giving, redeeming
from paywall.billing.gifts import letters as gift_letters
from paywall.billing.gifts.models import Gift
from paywall.billing.gifts.rules import MONTHS, GiftState, Present
from paywall.billing.reconcile import backfill, walk
from paywall.db import db
from paywall.membership.models import Price
from paywall.money import Money
from paywall.sandbox import AfterRetries, Card, Dunning, Fault, FaultKind, Payment, PaymentState, SandboxError
from paywall.sandbox import customers as their_customers
from paywall.sandbox import refunds as their_refunds
from paywall.sandbox import subscriptions as theirs
from tests.torture import turnstile
from tests.torture.oracle import Doc
from tests.torture.schedule import Dice
from tests.torture.world import CODES, World

Act = Callable[[World, int, Dice], None]
GOOD, FAILS_LATER, ASKS_ALWAYS, REFUSED = "4242424242424242", "4000000000000341", "4000002760003184", "4000000000000002"
CARDS = (GOOD, FAILS_LATER, GOOD, FAILS_LATER, ASKS_ALWAYS, REFUSED)
PRICES = ("supporter:month", "circle:month", "supporter:year", "abroad:month")
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
RUNNING = ("active", "trialing", "past_due")
MOST_AT_ONCE = 4
SHARE_OF_LIFE = 0.35
# Periodic work that is a step of its own, and what touches no books.
OFTEN = {
    "billing.inbox.handle_waiting",
    "billing.reconcile.backfill.hourly",
    "billing.reconcile.walk.nightly",
    "mail.send_waiting",
    "accounts.proofs.forget_expired",
    "watch.still_alive",
}

LIFE: dict[str, Act] = {}
WORK: dict[str, Act] = {}
TROUBLE: dict[str, Act] = {}
STEPS: dict[str, Act] = {}
WEIGHTS: dict[str, int] = {}


def step(weight: int, kind: dict[str, Act] | None = None) -> Callable[[Act], Act]:
    """Declare a step; those of life and work are also played at once with others."""

    def declare(act: Act) -> Act:
        STEPS[act.__name__] = act
        WEIGHTS[act.__name__] = weight
        if kind is not None:
            kind[act.__name__] = act
        return act

    return declare


# Life


@step(5, LIFE)
def join(world: World, who: int, dice: Dice) -> None:
    """Open Checkout at our site, pay there, and perhaps come back from it."""
    plan, number, returns = dice.pick(PRICES), dice.pick(CARDS), dice.pick([True, False])
    code = dice.pick([None, *CODES])
    page = ""
    with world.at_our_site():
        page = checkout.begin(world.reader(who), _price(plan).id, None, code).rpartition("/")[2]
    if page and _pay(world, page, number) and returns:
        with world.at_our_site():
            checkout.finish(world.reader(who), page)


@step(1, LIFE)
def join_twice(world: World, who: int, dice: Dice) -> None:
    """A second subscription beside the first, made in the dashboard."""
    customer = world.oracle().customer(world.readers[who])
    price = _twin(world, dice.pick(PRICES))
    facts = {"items": [{"price": price}], "metadata": {"reader_id": str(world.readers[who])}}
    if customer:
        world.in_dashboard(theirs.create, "", customer=customer, **facts)


@step(2, LIFE)
def change_card(world: World, who: int, dice: Dice) -> None:
    """Another card at the portal."""
    page = ""
    with world.at_our_site():
        page = checkout.portal(world.reader(who), None).rpartition("/")[2]
    if page:
        _quietly(lambda: world.sandbox.portal.change_card(page, _card(dice.pick(CARDS))))


@step(1, LIFE)
def pay(world: World, who: int, dice: Dice) -> None:
    """Pay an open bill on its own page."""
    number = dice.pick(CARDS)
    for bill in world.oracle().of("invoice", customer=world.oracle().customer(world.readers[who]), status="open"):
        _quietly(lambda id=bill["id"]: world.sandbox.invoices.pay_hosted(id, _card(number)))
        return


@step(2, LIFE)
def change_plan(world: World, who: int, dice: Dice) -> None:
    """Upgrade, downgrade, another rhythm, more of the same."""
    for held in _held(world, who, *RUNNING, "unpaid", "paused"):
        item = world.oracle().of("subscription_item", subscription=held["id"])[0]["id"]
        price = _twin(world, dice.pick(PRICES))
        behavior = dice.pick(["create_prorations", "always_invoice", "none"])
        wanted = {"id": item, "price": price, "quantity": dice.pick([1, 1, 2])}
        world.in_dashboard(theirs.update, held["id"], items=[wanted], proration_behavior=behavior)


@step(3, LIFE)
def cancel(world: World, who: int, dice: Dice) -> None:
    """At the end of the period in each of the ways in which Stripe says so, on a day, or at once."""
    way = dice.pick(["portal", "boolean", "day", "now"])
    facts: Doc = {
        "portal": {"cancel_at": "min_period_end"},
        "boolean": {"cancel_at_period_end": True},
        "day": {"cancel_at": world.now + dice.pick([3600, 86_400, 12 * 86_400])},
    }.get(way, {})
    for held in _held(world, who, *RUNNING, "unpaid", "paused")[:1]:
        world.in_dashboard(theirs.update if facts else theirs.cancel, held["id"], **facts)


@step(1, LIFE)
def undo(world: World, who: int, _: Dice) -> None:
    """Take a cancellation back."""
    for held in _held(world, who, *RUNNING):
        world.in_dashboard(theirs.update, held["id"], cancel_at_period_end=False)


@step(1, LIFE)
def pause(world: World, who: int, _: Dice) -> None:
    """Pause the subscription."""
    for held in _held(world, who, *RUNNING)[:1]:
        world.in_dashboard(theirs.pause, held["id"])


@step(1, LIFE)
def resume(world: World, who: int, _: Dice) -> None:
    """Let it run again."""
    for held in _held(world, who, "paused"):
        world.in_dashboard(theirs.resume, held["id"])


@step(1, LIFE)
def pause_collection(world: World, who: int, dice: Dice) -> None:
    """Collect no money for now, or again."""
    behavior = dice.pick(["keep_as_draft", "void", "mark_uncollectible", None])
    wanted = {"behavior": behavior} if behavior else ""
    for held in _held(world, who, *RUNNING):
        world.in_dashboard(theirs.update, held["id"], pause_collection=wanted)


@step(1, LIFE)
def discount(world: World, who: int, dice: Dice) -> None:
    """Staff grant a discount to a subscription, or take it away."""
    coupons = world.oracle().of("coupon")
    given = dice.pick([*({"coupon": coupon["id"]} for coupon in coupons), None])
    for held in _held(world, who, *RUNNING)[:1]:
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
        _quietly(lambda: world.sandbox.disputes.close(open_ones[-1]["id"], won=won))
    elif paid:
        _quietly(lambda: world.sandbox.disputes.open(paid[-1]["id"]))


@step(1, LIFE)
def delete_customer(world: World, who: int, _: Dice) -> None:
    """Someone deletes the customer in the dashboard."""
    customer = world.oracle().customer(world.readers[who])
    if customer:
        world.in_dashboard(their_customers.delete, customer)


@step(2, LIFE)
def give(world: World, who: int, dice: Dice) -> None:
    """Buy a gift, with an account or without one, pay, and perhaps come back."""
    months, number, returns = dice.pick(MONTHS), dice.pick([GOOD, REFUSED]), dice.pick([True, False])
    with_account, page = dice.pick([True, False]), ""
    with world.at_our_site():
        buyer = world.reader(who) if with_account else None
        price = _price("supporter:month")
        present = Present(price.plan_id, months, Money(price.amount * months, price.currency))
        order = giving.Order(present, "A", "a@example.org", "B", "b@example.org", "", clock.now())
        page = giving.begin(buyer, order).rpartition("/")[2]
    if page and _pay(world, page, number) and returns:
        with world.at_our_site():
            giving.returned(page, world.readers[who] if with_account else None)


@step(2, LIFE)
def redeem(world: World, who: int, _: Dice) -> None:
    """Redeem the newest gift that is good."""
    with world.at_our_site():
        good = select(Gift).where(Gift.state == GiftState.PAID).order_by(Gift.id.desc()).limit(1)
        gift = db.session.scalar(good)
        code = gift_letters.hashed(gift_letters.code(gift.salt)) if gift else None
        redeeming.redeem(world.reader(who), code, anyway=True)
        db.session.commit()


@step(1, LIFE)
def take_gift_back(world: World, _who: int, dice: Dice) -> None:
    """The money of the newest gift goes back, or its bank takes it, or decides."""
    seen = world.oracle()
    sessions = [one for one in seen.of("checkout.session", mode="payment") if one["payment_intent"]]
    for charge in seen.of("charge", payment_intent=sessions[-1]["payment_intent"])[-1:] if sessions else []:
        disputes = seen.of("dispute", charge=charge["id"], status="needs_response")
        if disputes:
            won = dice.pick([True, False])
            _quietly(lambda: world.sandbox.disputes.close(disputes[0]["id"], won=won))
        elif dice.pick(["refund", "dispute"]) == "refund":
            world.in_dashboard(their_refunds.refund, "", charge=charge["id"])
        else:
            _quietly(lambda: world.sandbox.disputes.open(charge["id"]))


# Work


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
    """All other periodic work once: gifts move on, the cash book is walked through, and what will be added."""
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


@step(6)
def burst(world: World, who: int, dice: Dice) -> None:
    """Several acts at once, which hand over to one another at the turnstile."""
    chance, acts = _acts(world, who, dice)
    world.counts["bursts"] += 1
    turnstile.Turnstile(_falls(chance)).run(acts)


@step(5)
def race(world: World, who: int, dice: Dice) -> None:
    """Whoever looks at Stripe falls behind, while life goes on and another worker hears of it first."""
    names = (
        dice.pick(["deliver", "look", "minutely", "daily"]),
        dice.pick(list(LIFE)),
        dice.pick(["deliver", "take_in"]),
    )
    falls, chance = {dice.pick(range(1, 20))}, random.Random(dice.pick(range(100)))
    world.counts["bursts"] += 1
    turnstile.Turnstile(falls).run(
        [partial(STEPS[name], world, who, Dice(chance.randrange(10_000))) for name in names]
    )


@step(3)
def kill(world: World, who: int, dice: Dice) -> None:
    """A burst in a process that is killed at some place."""
    chance, acts = _acts(world, who, dice)
    after = int(10 ** chance.uniform(0, 2.5))
    world.close_doors()
    if turnstile.killed(partial(turnstile.Turnstile(_falls(chance)).run, acts), after=after):
        world.counts["kills"] += 1
        world.lose_queue()


@step(12)
def wait(world: World, _who: int, dice: Dice) -> None:
    """Time passes."""
    world.pass_time(dice.pick(SPANS))


# Trouble


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


def _acts(world: World, who: int, dice: Dice) -> tuple[random.Random, list[Callable[[], None]]]:
    """Mostly workers, and often life goes on beside them."""
    chance = random.Random(dice.pick(range(10_000)))
    workers, life = ["deliver", "deliver", "deliver", "look", *WORK], list(LIFE)
    names = [
        chance.choice(life if chance.random() < SHARE_OF_LIFE else workers)
        for _ in range(chance.randint(2, MOST_AT_ONCE))
    ]
    acts = [partial(STEPS[name], world, who, Dice(chance.randrange(10_000))) for name in names]
    return chance, acts


def _falls(chance: random.Random) -> set[int]:
    """Three of the first forty places at the turnstile."""
    return {chance.randrange(40) for _ in range(3)}


def _trouble(world: World, fault: Fault) -> None:
    world.sandbox.faults.set(fault)
    world.counts[fault.kind] += fault.times or 1


def _held(world: World, who: int, *statuses: str) -> list[Doc]:
    """The reader's subscriptions at Stripe in one of these statuses, newest first."""
    mine = world.oracle().of("subscription")
    reader = str(world.readers[who])
    return [one for one in mine[::-1] if one["metadata"].get("reader_id") == reader and one["status"] in statuses]


def _price(name: str) -> Price:
    slug, _, interval = name.partition(":")
    found = db.session.scalars(select(Price).where(Price.active)).all()
    return next(one for one in found if one.plan.slug == slug and one.interval == interval)


def _twin(world: World, name: str) -> str:
    slug, _, interval = name.partition(":")
    prices = world.oracle().of("price", product=f"paywall_{slug}")
    return str(next(one["id"] for one in prices if one["recurring"]["interval"] == interval))


def _card(number: str) -> Card:
    return Card(number, 12, 2060, "123", "A Reader")


def _pay(world: World, page: str, number: str) -> bool:
    """Pay on a page of Stripe's; whether it was paid."""
    paid = _quietly(lambda: world.sandbox.checkout.pay(page, _card(number)))
    if paid and paid.state is PaymentState.REQUIRES_ACTION:
        paid = _quietly(lambda: world.sandbox.checkout.authenticate(page, passed=True))
    return bool(paid and paid.state is PaymentState.COMPLETE)


def _quietly(act: Callable[[], object]) -> Payment | None:
    """What came of an act on Stripe's pages; None if it was refused."""
    try:
        done = act()
    except SandboxError:
        return None
    return done if isinstance(done, Payment) else None
