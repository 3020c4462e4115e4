"""A newsroom with two plans, made at Stripe, and a reader with an account."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from paywall import clock
from paywall.accounts.models import Reader
from paywall.billing import checkout, customers
from paywall.billing.gateway import gateway
from paywall.billing.setup import setup
from paywall.db import db
from paywall.membership import plans
from paywall.membership.models import Plan, Price, Subscription
from paywall.membership.plans import PlanText
from paywall.membership.rules import Interval
from paywall.money import Money
from paywall.sandbox import Card, Payment, Sandbox

SITE = "http://127.0.0.1:8000"
GOOD = "4242424242424242"


def card(number: str = GOOD) -> Card:
    """A card of Stripe's test numbers."""
    return Card(number=number, exp_month=12, exp_year=2031, cvc="123", name="A Reader")


@dataclass
class Shop:
    """What a test does with the newsroom; all of it inside one application context."""

    app: Flask
    sandbox: Sandbox
    reader: Reader

    def price(self, slug: str = "supporter", interval: Interval = Interval.MONTH) -> Price:
        """A price on sale."""
        query = select(Price).join(Plan).where(Plan.slug == slug, Price.interval == interval, Price.active)
        return db.session.scalars(query).one()

    def begin(self, slug: str = "supporter", next_path: str | None = None) -> str:
        """Open Checkout; the session's id."""
        with self.app.test_request_context():
            return checkout.begin(self.reader, self.price(slug).id, next_path).rpartition("/")[2]

    def pay(self, session_id: str, number: str = GOOD) -> Payment:
        """Pay on Stripe's page; nobody comes back to us from it."""
        return self.sandbox.checkout.pay(session_id, card(number))

    def join(self, slug: str = "supporter", number: str = GOOD) -> Subscription:
        """Open Checkout, pay, and come back."""
        session_id = self.begin(slug)
        self.pay(session_id, number)
        checkout.finish(self.reader, session_id)
        return self.held()[0]

    def sell_by_the_quarter(self) -> None:
        """Staff give the reader, in the dashboard, a price of 15 euros each three months."""
        subscription = self.held()[0].external_id
        stripe = gateway().client.v1
        item = stripe.subscriptions.retrieve(subscription).items.data[0]
        quarter = stripe.prices.create(
            {
                "product": str(item.price.product),
                "unit_amount": 1500,
                "currency": "eur",
                "recurring": {"interval": "month", "interval_count": 3},
            }
        )
        stripe.subscriptions.update(subscription, {"items": [{"id": item.id, "price": quarter.id}]})
        customers.sync_reader(self.reader.id)

    def held(self) -> list[Subscription]:
        """The reader's subscriptions as our tables have them now, in no transaction."""
        db.session.rollback()
        query = select(Subscription).where(Subscription.reader_id == self.reader.id).order_by(Subscription.id)
        found = list(
            db.session.scalars(
                query.options(joinedload(Subscription.plan)).execution_options(populate_existing=True)
            )
        )
        for one in found:
            db.session.expunge(one)
        db.session.rollback()
        return found


@pytest.fixture
def shop(app: Flask, context: None, sandbox: Sandbox) -> Shop:
    """Two plans at Stripe, one of them with a trial, and a reader."""
    month = {Interval.MONTH: Money(500, "eur"), Interval.YEAR: Money(5000, "eur")}
    plans.write(PlanText("supporter", "Supporter", "Every article.", month, position=1), "For the test")
    plans.write(
        PlanText("circle", "Circle", "And more.", {Interval.MONTH: Money(1500, "eur")}, trial_days=14),
        "For the test",
    )
    reader = Reader(email="ana@example.org", confirmed_at=clock.now())
    db.session.add(reader)
    db.session.commit()
    list(setup(SITE))
    return Shop(app, sandbox, reader)


@pytest.fixture
def deliver(app: Flask, sandbox: Sandbox, work: Callable[[], int]) -> Callable[[], int]:
    """Deliver Stripe's events to our webhook and run the jobs; how many were taken in with 2xx."""
    client = app.test_client(use_cookies=False)

    def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
        return client.post(url.removeprefix(SITE), data=body, headers=dict(headers)).status_code

    def run() -> int:
        taken = sandbox.deliveries.deliver_due(post)
        work()
        return taken

    return run
