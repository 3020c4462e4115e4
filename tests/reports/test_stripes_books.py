"""Lives at the stand-in for Stripe: of each day we say what its own books said then of patrons and money."""

from collections import Counter
from datetime import date, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from paywall import clock
from paywall.accounts.models import Reader
from paywall.billing import customers
from paywall.billing.gateway import gateway
from paywall.db import db, read_only
from paywall.reports import rollup
from paywall.reports.asked import Asked
from paywall.reports.measures import standing
from paywall.reports.patrons.look import look
from tests.shop import GOOD, Shop

# https://docs.stripe.com/testing: attached, but every later charge is declined.
FAILS_LATER = "4000000000000341"
STEPS, READERS = 10, 4
SOFIA = ZoneInfo("Europe/Sofia")
STANDS = {"active": "active", "past_due": "grace", "trialing": "trial"}


@pytest.fixture
def circle_of_readers(shop: Shop) -> list[Shop]:
    """Several readers at the same shop."""
    readers = [Reader(email=f"{number}@example.org", confirmed_at=clock.now()) for number in range(READERS)]
    db.session.add_all(readers)
    db.session.commit()
    return [Shop(shop.app, shop.sandbox, reader) for reader in readers]


@pytest.mark.story
def test_patrons_and_revenue_are_those_of_stripes_own_books(circle_of_readers: list[Shop]) -> None:
    chance, known = Random(7), {}
    for step in range(STEPS):
        for one in circle_of_readers:
            _live(one, chance)
        for one in circle_of_readers:
            customers.sync_reader(one.reader.id)
        today = clock.now().astimezone(SOFIA).date()
        known[today] = _at_stripe()
        assert _ours(today) == known[today]
        if step % 5 == 4:
            rollup.roll_up()
        circle_of_readers[0].sandbox.advance(by=timedelta(days=chance.randint(2, 24)))
    assert {day: _ours(day) for day in known} == known
    assert len({tuple(sorted(found.items())) for found in known.values()}) > STEPS / 2


def _live(one: Shop, chance: Random) -> None:
    """Something happens in a reader's life, or nothing."""
    api = gateway().client.v1.subscriptions
    mine = [held for held in one.held() if held.status.value in STANDS]
    if not mine:
        if chance.random() < 0.6:
            one.join(chance.choice(["supporter", "circle"]), chance.choice([GOOD, FAILS_LATER]))
        return
    held = mine[0].external_id
    changes: list[Any] = [
        {"cancel_at_period_end": True},
        {"cancel_at_period_end": False},
        {"pause_collection": {"behavior": "void"}},
        {"pause_collection": ""},
    ]
    bought, prices = api.retrieve(held), gateway().client.v1.prices.list({}).data
    if bought.status not in STANDS:
        return
    item = bought.items.data[0].id
    changes += [
        {"items": [{"id": item, "price": price.id}], "proration_behavior": "none"} for price in prices
    ]
    change = chance.choice([None, *changes])
    if change:
        api.update(held, change)
    elif chance.random() < 0.5:
        api.cancel(held)


def _at_stripe() -> Counter[str]:
    """Of all subscriptions there: customers by where they stand, and what they pay a month."""
    found, standing_of = Counter[str](), dict[str, set[str]]()
    for one in gateway().client.v1.subscriptions.list({"status": "all", "limit": 100}).auto_paging_iter():
        if one.status not in STANDS:
            continue
        standing_of.setdefault(str(one.customer), set()).add(STANDS[one.status])
        if one.status != "trialing" and one.pause_collection is None:
            price = one.items.data[0].price
            months = 12 if price.recurring and price.recurring.interval == "year" else 1
            found["monthly"] += round((price.unit_amount or 0) / months)
    for stands in standing_of.values():
        found[next(kind for kind in STANDS.values() if kind in stands)] += 1
    return found


def _ours(day: date) -> Counter[str]:
    db.session.commit()
    read_only()
    at_end = look(Asked(day, day, zone=SOFIA)).now.whole()
    db.session.commit()
    found = standing(at_end)
    counts = {"active": found.active, "grace": found.grace, "trial": found.trial}
    return +Counter(counts | {"monthly": at_end.monthly("eur")})
