"""A past for the demo newsroom: readers who come, join, pay, change, give and leave, week after week."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from flask import Flask, current_app
from sqlalchemy import select

from paywall import clock, jobs
from paywall.accounts import readers
from paywall.accounts.models import Reader
from paywall.billing import checkout
from paywall.billing.cashbook import walk
from paywall.billing.gateway import gateway
from paywall.billing.gifts import giving
from paywall.billing.gifts.giving import Order
from paywall.billing.models import StripeCustomer
from paywall.billing.reconcile import walk as reconcile
from paywall.billing.selfcare import leaving, owned, switching
from paywall.billing.selfcare.rules import Deed, Said, Shown
from paywall.config import Settings
from paywall.db import db
from paywall.demo.traffic import Traffic
from paywall.errors import WrongSetting
from paywall.membership.models import Plan, Price, Subscription
from paywall.membership.rules import Source, Status
from paywall.sandbox import Card, Sandbox

Choice = TypeVar("Choice")

WEEK = timedelta(days=7)
MOST_MONTHS = 36
GOOD, FAILS_LATER, CHARGED_BACK = "4242424242424242", "4000000000000341", "4000000000000259"
CARDS = {GOOD: 40, FAILS_LATER: 8, CHARGED_BACK: 1}
PRICES = {("supporter", "month"): 10, ("supporter", "year"): 4, ("circle", "month"): 4, ("circle", "year"): 1}
# So often Stripe's page is left, and opened again.
GOES_BACK = 0.2
REASONS = ("too_expensive", "unused", "switched_service", "missing_features", "other", None)
FIRST = ("Ana", "Boris", "Daria", "Elena", "Georgi", "Hristo", "Ivan", "Kalina", "Lyubov", "Maria", "Nikola")
LAST = ("Angelova", "Borisov", "Dimitrova", "Georgiev", "Ilieva", "Kolev", "Marinova", "Petrov", "Stoyanova")


def begin(months: int) -> None:
    """Let the demo's time begin so many months ago, before anything happens; raises WrongSetting."""
    try:
        _stand_in().begin(clock.wall() - months * timedelta(days=30.44))
    except ValueError:
        raise WrongSetting("the demo has begun already: a past needs a fresh one (make clean)") from None


def play() -> None:
    """Play what happened from then till now; commits. The same each time, but for the dates."""
    stand_in = _stand_in()
    ring, stand_in.on_event = stand_in.on_event, None
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # the app behind the proxy
    traffic = Traffic(clock.now(), clock.wall())
    past = History(random.Random(1878), stand_in, traffic, lambda: _take_in(app, stand_in))  # noqa: S311  # a demo
    number = 0
    while clock.wall() - clock.now() > timedelta(minutes=1):
        past.week(number)
        number += 1
    reconcile.nightly()
    _take_in(app, stand_in)
    stand_in.on_event = ring


@dataclass(frozen=True, slots=True)
class History:
    """The dice, and the hands by which things happen; the same dice make the same history."""

    dice: random.Random
    stand_in: Sandbox
    traffic: Traffic
    take_in: Callable[[], None]

    def week(self, number: int) -> None:
        """What happens within one week, and then the week passes."""
        for each in range(self.dice.randint(3, 7)):
            self._register(f"{number}-r{each}")
        for each in range(self.dice.randint(1, 2 + number // 12)):
            self._join(f"{number}-{each}")
        if self.dice.random() < 0.3:
            self._give()
        for held in self._held():
            self._live(*held)
        self.take_in()
        began = clock.now()
        self.stand_in.advance(to=min(began + WEEK, clock.wall()))
        self.traffic.days(began, clock.now())
        self.take_in()

    def _register(self, salt: str) -> tuple[Reader, str]:
        """Somebody makes an account, with the name that is on their card."""
        first, last = self.dice.choice(FIRST), self.dice.choice(LAST)
        with current_app.test_request_context(headers=self.traffic.cookie()):
            reader = readers.find_or_add(f"{first}.{last}.{salt}@reader.example".lower())
            readers.confirm(reader)
            db.session.commit()
        return reader, f"{first} {last}"

    def _join(self, salt: str) -> None:
        reader, name = self._register(salt)
        slug, interval = self._one_of(PRICES)
        price_id = db.session.scalars(
            select(Price.id).join(Plan).where(Plan.slug == slug, Price.interval == interval, Price.active)
        ).one()
        with current_app.test_request_context(headers=self.traffic.cookie()):
            address = checkout.begin(reader, price_id, None)
            if self.dice.random() < GOES_BACK:
                address = checkout.begin(reader, price_id, None)
        self.stand_in.checkout.pay(address.rpartition("/")[2], _card(self._one_of(CARDS), name))

    def _give(self) -> None:
        names = [self.dice.choice(FIRST), self.dice.choice(FIRST)]
        _plan, present = self.dice.choice(list(giving.on_offer().values()))
        buyer, recipient = (f"{name}.{self.dice.randrange(999)}@reader.example".lower() for name in names)
        order = Order(present, names[0], buyer, names[1], recipient, "Read well.", clock.now())
        db.session.commit()
        with current_app.test_request_context():
            address = giving.begin(None, order)
        self.stand_in.checkout.pay(address.rpartition("/")[2], _card(GOOD, names[0]))

    def _held(self) -> list[tuple[int, int, Status]]:
        query = select(Subscription.reader_id, Subscription.id, Subscription.status)
        mine = Subscription.source == Source.STRIPE, Subscription.cancel_at.is_(None)
        found = db.session.execute(query.where(*mine).order_by(Subscription.id)).all()
        db.session.commit()
        return [(row.reader_id, row.id, row.status) for row in found]

    def _live(self, reader_id: int, held_id: int, status: Status) -> None:
        """A week in the life of a patron: most weeks nothing happens."""
        lot = self.dice.random()
        if status is Status.PAST_DUE and lot < 0.35:
            self._pay_up(reader_id)
        elif status in (Status.ACTIVE, Status.TRIALING) and lot < 0.009:
            leaving.cancel(reader_id, held_id, Said(self.dice.choice(REASONS), None))
        elif status is Status.ACTIVE and lot < 0.011:
            self._refund(reader_id)
        elif status is Status.ACTIVE and lot < 0.022:
            self._change(reader_id, held_id)

    def _pay_up(self, reader_id: int) -> None:
        for bill in (
            gateway().client.v1.invoices.list({"customer": _customer(reader_id), "status": "open"}).data
        ):
            self.stand_in.invoices.pay_hosted(str(bill.id), _card(GOOD, "A Reader"))

    def _change(self, reader_id: int, held_id: int) -> None:
        """They move to another plan, or rarely to another rhythm, at the price that they are shown."""
        held = db.session.get_one(Subscription, held_id)
        if Deed.SWITCH not in owned.deeds(held):
            return
        prices = {price.id: 5 if price.plan_id != held.plan_id else 1 for price in switching.choices(held)}
        price_id = self._one_of(prices)
        with current_app.test_request_context():
            quote = switching.offer(reader_id, held_id, price_id).quote
            db.session.commit()
            shown = Shown(quote.at, quote.total.amount, quote.due.amount)
            switching.take(reader_id, held_id, price_id, shown)

    def _refund(self, reader_id: int) -> None:
        charges = gateway().client.v1.charges.list({"customer": _customer(reader_id), "limit": 1}).data
        for charge in charges:
            if charge.paid and not (charge.amount_refunded or charge.disputed):
                gateway().client.v1.refunds.create({"charge": charge.id, "amount": charge.amount // 2})

    def _one_of(self, weights: Mapping[Choice, int]) -> Choice:
        return self.dice.choices(list(weights), list(weights.values()))[0]


def _take_in(app: Flask, stand_in: Sandbox) -> None:
    """Hand Stripe's events to our webhook and work them off, as server and worker do later."""
    client, settings = app.test_client(use_cookies=False), _settings()

    def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
        return client.post(url.removeprefix(settings.site_url), data=body, headers=dict(headers)).status_code

    while stand_in.deliveries.deliver_due(post):
        jobs.drain(app)
    walk.hourly()
    jobs.drain(app)


def _card(number: str, name: str) -> Card:
    return Card(number=number, exp_month=12, exp_year=clock.wall().year + 3, cvc="123", name=name)


def _customer(reader_id: int) -> str:
    found = db.session.scalars(
        select(StripeCustomer.stripe_id).where(StripeCustomer.reader_id == reader_id)
    ).one()
    db.session.commit()
    return str(found)


def _stand_in() -> Sandbox:
    found: Sandbox = current_app.extensions["sandbox"]
    return found


def _settings() -> Settings:
    found: Settings = current_app.extensions["settings"]
    return found
