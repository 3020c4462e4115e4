"""Whatever the SDK lets us ask, the stand-in answers or refuses it; it never breaks."""

import random
from datetime import timedelta

import pytest

from paywall.sandbox.routes import ROUTES
from tests.sandbox.requests import Requests
from tests.sandbox.shop import FAILS_LATER, Inbox, Shop

KEY = {"Authorization": "Bearer sk_test_sandbox"}
REQUESTS = 800


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_request_breaks_the_books(shop: Shop, seed: int) -> None:
    _people(shop)
    chance, requests = random.Random(seed), Requests(shop, seed)
    for number in range(REQUESTS):
        if number % 50 == 0:
            requests.look_around()
        route = chance.choice([r for r in ROUTES if r.method != "DELETE" or number % 10 == 0])
        answer = shop.sandbox.handle(route.method, requests.path(route), requests.form(route), KEY)
        assert answer.status in (200, 400, 402, 404)
    shop.sandbox.advance(months=1)


def _people(shop: Shop) -> None:
    shop.subscribe()
    shop.subscribe(FAILS_LATER)
    shop.subscribe(subscription_data={"trial_period_days": 40})
    shop.session()
    shop.portal()
    Inbox(shop)
    shop.v1.coupons.create({"percent_off": 10, "duration": "once"})
    shop.sandbox.advance(months=1, by=timedelta(hours=3))
