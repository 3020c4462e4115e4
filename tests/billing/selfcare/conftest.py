"""A patron at a browser, with what happens at Stripe behind their back."""

from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from paywall.accounts.models import Reader
from paywall.billing import customers
from paywall.billing.gateway import gateway
from paywall.db import db
from paywall.mail import Letter
from paywall.membership.models import Subscription
from paywall.membership.rules import Interval
from tests.accounts.browser import send, sign_up
from tests.shop import GOOD, Shop, card

EMAIL = "vera@example.org"


@dataclass
class Desk:
    """What a test does with the patron's pages."""

    shop: Shop
    browser: FlaskClient

    def join(
        self, slug: str = "supporter", number: str = GOOD, interval: Interval = Interval.MONTH
    ) -> Subscription:
        """Pay at Checkout and come back."""
        price = str(self.shop.price(slug, interval).id)
        db.session.rollback()
        page = send(self.browser, "/join/checkout", page="/join", price=price).location
        self.shop.sandbox.checkout.pay(page.rpartition("/")[2], card(number))
        self.browser.get(f"/join/return?session_id={page.rpartition('/')[2]}")
        return self.held()

    def held(self) -> Subscription:
        """The membership as our tables have it now."""
        return self.shop.held()[-1]

    def path(self, deed: str) -> str:
        """The address of a page of the newest membership."""
        return f"/account/membership/{self.held().id}/{deed}"

    def press(self, deed: str, **fields: str) -> TestResponse:
        """Press the button of a deed with what its form carries; where that leads."""
        return send(self.browser, self.path(deed), page="/account", **fields)

    def account(self) -> str:
        """What the account page says."""
        return unescape(self.browser.get("/account").text)

    def at_stripe(self) -> Any:
        """The subscription as Stripe has it, with its discounts and its last bill."""
        db.session.rollback()
        stripe_id = self.held().external_id
        return gateway().client.v1.subscriptions.retrieve(stripe_id, {"expand": ["latest_invoice"]})

    def sync(self) -> None:
        """What an event from Stripe brings about."""
        db.session.rollback()
        customers.sync_reader(self.shop.reader.id)


@pytest.fixture
def desk(shop: Shop, client: FlaskClient, letters: Callable[[], list[Letter]]) -> Desk:
    """A browser in which a reader is signed in, who holds nothing yet."""
    sign_up(client, letters, EMAIL)
    db.session.rollback()
    shop.reader = db.session.scalars(select(Reader).where(Reader.email == EMAIL)).one()
    reader_id = shop.reader.id
    db.session.commit()
    assert reader_id
    return Desk(shop, client)
