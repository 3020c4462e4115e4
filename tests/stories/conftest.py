"""What a story has: a paper with one article for patrons, a plan on sale, and a reader at a browser."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from paywall.accounts.models import Reader
from paywall.db import db
from paywall.sandbox import Payment
from tests.accounts.browser import Letters, send, sign_up
from tests.articles.files import SECRET, TEASER, publish
from tests.shop import GOOD, SITE, Shop, card

ARTICLE = "/article/the-house"
EMAIL = "vera@example.org"


@dataclass
class Person:
    """Someone at a browser, who knows nothing but pages and letters."""

    browser: FlaskClient
    shop: Shop
    letters: Letters

    def sign_up(self) -> None:
        """Make an account with the code of the letter; what the shop holds is this reader's from now on."""
        sign_up(self.browser, self.letters, EMAIL)
        self.shop.reader = db.session.scalars(select(Reader).where(Reader.email == EMAIL)).one()
        db.session.rollback()

    def choose(self, price: str) -> str:
        """Choose a price on the join page, having come from the article; Stripe's page to pay on."""
        answer = send(self.browser, "/join/checkout", page=f"/join?next={ARTICLE}", price=price, next=ARTICLE)
        assert answer.status_code == 303, answer.text
        return answer.location

    def pay(self, page: str, number: str = GOOD) -> Payment:
        """Pay on Stripe's page, and stay there."""
        return self.shop.sandbox.checkout.pay(page.rpartition("/")[2], card(number))

    def come_back(self, payment: Payment) -> str:
        """Go where Stripe sends the browser; the path at which it arrives."""
        answer = self.open((payment.redirect_url or "").removeprefix(SITE), follow=True)
        return answer.request.path

    def portal(self, flow: str) -> str:
        """Press a button of the account page that leads to Stripe; the id of the page there."""
        answer = send(self.browser, "/account/portal", page="/account", flow=flow)
        assert answer.status_code == 303, answer.text
        return answer.location.rpartition("/")[2]

    def open(self, path: str, *, follow: bool = False) -> TestResponse:
        """Open a page."""
        return self.browser.get(path, follow_redirects=follow)

    def reads(self) -> bool:
        """Whether the article is there in full; if not, no word of the rest leaves the house."""
        answer = self.open(ARTICLE)
        assert answer.status_code == 200
        assert TEASER in answer.text
        if SECRET in answer.text:
            assert 'class="offer"' not in answer.text
            return True
        assert 'class="offer"' in answer.text
        assert "pearl" not in f"{answer.headers}{answer.text}"
        return False

    def paid_until(self) -> datetime:
        """The end of the period paid for."""
        end = self.shop.held()[0].period_end
        assert end is not None
        return end

    def kinds(self) -> list[str]:
        """The kinds of letters written to this person, oldest first."""
        return [letter.kind for letter in self.letters() if letter.to == EMAIL]


@pytest.fixture
def price(shop: Shop) -> str:
    """The monthly price on sale; the article is out."""
    publish()
    found = str(shop.price().id)
    db.session.rollback()
    return found


@pytest.fixture
def vera(shop: Shop, price: str, client: FlaskClient, letters: Letters) -> Person:
    """A visitor who may become a reader and a patron."""
    return Person(client, shop, letters)


@pytest.fixture
def patron(vera: Person, price: str, deliver: Callable[[], int]) -> Person:
    """The same, a patron of today."""
    vera.sign_up()
    assert vera.come_back(vera.pay(vera.choose(price))) == ARTICLE
    deliver()
    return vera
