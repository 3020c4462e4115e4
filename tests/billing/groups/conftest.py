"""A newsroom that sells a plan by the seat, an owner who buys some, and people who are invited."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from paywall import clock
from paywall.accounts.models import Reader
from paywall.billing import customers
from paywall.billing.gateway import gateway
from paywall.billing.groups.models import Group, Invitation, Seat
from paywall.billing.setup import setup
from paywall.billing.sync import sync
from paywall.db import db
from paywall.mail import Letter
from paywall.membership import plans
from paywall.membership.models import Subscription
from paywall.membership.plans import PlanText
from paywall.membership.rules import Interval, Source
from paywall.membership.seats import SeatRange
from paywall.money import Money
from tests.accounts.browser import link_in, send, sign_up
from tests.articles.files import publish
from tests.billing.apart import Apart
from tests.shop import GOOD, SITE, Shop, card

OWNER, MIA, NOA, UMA = (f"{name}@example.org" for name in ("olga", "mia", "noa", "uma"))


@dataclass
class School:
    """What a group's story is told with. `owner` is the browser in which the owner is signed in."""

    shop: Shop
    owner: FlaskClient
    read: Callable[[], list[Letter]]
    browsers: dict[str, FlaskClient] = field(default_factory=dict)

    def buy(self, seats: int = 3, *, slug: str = "school", number: str = GOOD) -> None:
        """Choose seats on the join page, pay, and come back."""
        price = self.shop.price(slug).id
        answer = send(self.owner, "/join/checkout", page="/join", price=str(price), seats=str(seats))
        assert answer.status_code == 303, answer.text
        self.pay(answer.location, number)

    def pay(self, page: str, number: str = GOOD) -> None:
        """Pay on Stripe's page, and come back."""
        paid = self.shop.sandbox.checkout.pay(page.rpartition("/")[2], card(number))
        self.owner.get((paid.redirect_url or "").removeprefix(SITE))

    @contextmanager
    def standing_at(self, instant: datetime) -> Iterator[None]:
        """Let our own time stand: Stripe's runs, and a second before an end is over before all is asked."""
        clock.use(lambda: instant)
        try:
            yield
        finally:
            clock.use(self.shop.sandbox.now)

    def invite(self, *addresses: str) -> TestResponse:
        """Fill in the form on the group's page."""
        return self.post("invite", addresses="\n".join(addresses))

    def post(self, what: str, **fields: object) -> TestResponse:
        """Send one of the forms on the group's page, as the owner."""
        values = {name: str(value) for name, value in fields.items()}
        return send(self.owner, f"/account/group/{what}", page="/account/group", **values)

    def page(self) -> str:
        """The group's page."""
        return self.owner.get("/account/group").text

    def link(self, to: str) -> str:
        """The path of the link in the newest invitation to an address."""
        return link_in(self.letters("group_invitation", to)[-1])

    def browser(self, email: str) -> FlaskClient:
        """A browser of their own, in which someone is signed in."""
        if email not in self.browsers:
            self.browsers[email] = self.shop.app.test_client()
            sign_up(self.browsers[email], self.read, email)
        return self.browsers[email]

    def accept(self, email: str, path: str, **fields: str) -> TestResponse:
        """Follow an invitation's link and press the button there."""
        token = path.partition("token=")[2]
        self.browser(email).get(path)
        return send(self.browser(email), "/group/join", page="/account", token=token, **fields)

    def joins(self, email: str) -> FlaskClient:
        """Someone is invited and accepts; their browser."""
        assert self.invite(email).status_code == 303
        assert self.accept(email, self.link(email)).status_code == 303
        return self.browser(email)

    def letters(self, kind: str, to: str | None = None) -> list[Letter]:
        """The letters of a kind, oldest first."""
        return [one for one in self.read() if one.kind == kind and to in (None, one.to)]

    def group(self) -> Group:
        """The newest group as it stands."""
        db.session.rollback()
        return db.session.scalars(select(Group).order_by(Group.id.desc()).limit(1)).one()

    def seat(self, email: str) -> Seat:
        """The newest seat of a reader."""
        db.session.rollback()
        mine = select(Seat).join(Reader).where(Reader.email == email)
        return db.session.scalars(mine.order_by(Seat.id.desc()).limit(1)).one()

    def invitation(self, email: str) -> Invitation:
        """The invitation of an address."""
        db.session.rollback()
        return db.session.scalars(select(Invitation).where(Invitation.email == email)).one()

    def held(self, email: str, source: Source = Source.GROUP) -> Subscription:
        """The newest that a reader holds of a source, in no transaction."""
        db.session.rollback()
        mine = select(Subscription).join(Reader, Reader.id == Subscription.reader_id)
        mine = mine.where(Reader.email == email, Subscription.source == source)
        found = db.session.scalars(mine.order_by(Subscription.id.desc()).limit(1)).one()
        db.session.refresh(found)
        db.session.expunge(found)
        db.session.rollback()
        return found

    def paid(self) -> Subscription:
        """What the owner pays for."""
        return self.held(OWNER, Source.STRIPE)

    def change(self, **wanted: Any) -> None:
        """Staff or Stripe change the owner's subscription there; the event is handled."""
        subscription = self.paid().external_id
        if {"price", "quantity"} & wanted.keys():
            item = gateway().client.v1.subscriptions.retrieve(subscription).items.data[0].id
            wanted = {"items": [{"id": item, **wanted}], "proration_behavior": "none"}
        gateway().client.v1.subscriptions.update(subscription, wanted)  # type: ignore[arg-type]  # any change
        self.sync()

    def sync(self) -> None:
        """Read the owner's books again."""
        db.session.rollback()
        reader_id = db.session.scalars(select(Reader.id).where(Reader.email == OWNER)).one()
        customer_id = customers.row_id(reader_id)
        db.session.commit()
        assert customer_id
        sync(customer_id)


@pytest.fixture
def school(shop: Shop, letters: Callable[[], list[Letter]]) -> Iterator[School]:
    """The owner has an account and nothing else yet; the article is out."""
    publish()
    prices = {Interval.MONTH: Money(400, "eur"), Interval.YEAR: Money(4000, "eur")}
    plans.write(
        PlanText("school", "School", "For many.", prices, seats=SeatRange(3, 10), position=3), "For the test"
    )
    plans.write(
        PlanText("college", "College", "And more.", prices, seats=SeatRange(2, 50), position=4),
        "For the test",
    )
    db.session.commit()
    list(setup(SITE))

    def read() -> list[Letter]:
        db.session.rollback()
        return letters()

    shop.app.test_client_class = Apart
    found = School(shop, shop.app.test_client(), read)
    found.browsers[OWNER] = found.owner
    sign_up(found.owner, read, OWNER)
    yield found
    db.session.rollback()
