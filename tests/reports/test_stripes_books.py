"""Lives at the stand-in for Stripe: of each day we say what its own books said then of patrons and money."""

import enum
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from paywall import clock
from paywall.accounts.models import Reader
from paywall.billing import customers
from paywall.billing.gateway import gateway
from paywall.db import db, read_only
from paywall.membership.models import Subscription
from paywall.reports import rollup
from paywall.reports.asked import Asked
from paywall.reports.measures import standing
from paywall.reports.patrons.look import look
from tests.shop import GOOD, Shop

# https://docs.stripe.com/testing: attached, but every later charge is declined.
FAILS_LATER = "4000000000000341"
STEPS, READERS = 4, 3
MORNING, EVENING = time(9), time(23, 50)
SOFIA = ZoneInfo("Europe/Sofia")
STANDS = {"active": "active", "past_due": "grace", "trialing": "trial"}


class Deed(enum.StrEnum):
    """What happens in a reader's life. Who holds nothing can only join, and who holds something cannot."""

    JOIN = "supporter"
    JOIN_FOR_A_TRIAL = "circle"
    JOIN_AND_FAIL = "supporter, with a card that fails later"
    TRY_AND_FAIL = "circle, with a card that fails later"
    CANCEL_LATER = "cancel at the end of the period"
    KEEP = "do not cancel"
    PAUSE = "pause"
    RESUME = "resume"
    SWITCH = "to the cheapest price"
    SWITCH_UP = "to the dearest price"
    END = "cancel now"
    NOTHING = "nothing"


JOINS = {
    Deed.JOIN: ("supporter", GOOD),
    Deed.JOIN_FOR_A_TRIAL: ("circle", GOOD),
    Deed.JOIN_AND_FAIL: ("supporter", FAILS_LATER),
    Deed.TRY_AND_FAIL: ("circle", FAILS_LATER),
}
CHANGES: dict[Deed, Any] = {
    Deed.CANCEL_LATER: {"cancel_at_period_end": True},
    Deed.KEEP: {"cancel_at_period_end": False},
    Deed.PAUSE: {"pause_collection": {"behavior": "void"}},
    Deed.RESUME: {"pause_collection": ""},
}


@dataclass(frozen=True)
class Step:
    """What each reader does after so many days, and whether the ledger is rolled up then."""

    deeds: tuple[Deed, ...]
    days: int
    rolls_up: bool


steps = st.builds(
    Step,
    # Half of the readers do what counts only for those who hold nothing, so that there are lives to go on.
    deeds=st.tuples(*[st.sampled_from([*JOINS, *Deed])] * READERS),
    days=st.integers(2, 24),
    rolls_up=st.booleans(),
)
# Every deed once, so that no run goes without.
ALL_OF_IT = [
    Step((Deed.JOIN, Deed.JOIN_FOR_A_TRIAL, Deed.JOIN_AND_FAIL), 2, rolls_up=False),
    Step((Deed.PAUSE, Deed.SWITCH_UP, Deed.NOTHING), 10, rolls_up=True),
    Step((Deed.RESUME, Deed.CANCEL_LATER, Deed.SWITCH), 24, rolls_up=False),
    Step((Deed.END, Deed.KEEP, Deed.TRY_AND_FAIL), 9, rolls_up=True),
]


@pytest.mark.story
def test_patrons_and_revenue_are_those_of_stripes_own_books(shop: Shop, database: str) -> None:
    numbers, known = count(), dict[date, Counter[str]]()

    @settings(
        max_examples=3 if database.startswith("sqlite") else 2,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
        database=None,
    )
    @example(ALL_OF_IT)
    @given(st.lists(steps, min_size=STEPS, max_size=STEPS))
    def live(lives: list[Step]) -> None:
        """Others come to the same paper: what was known of the days before stays so."""
        circle = [_somebody(shop, next(numbers)) for _ in range(READERS)]
        for step in lives:
            _play(circle, step, known)
        assert {day: _ours(day) for day in known} == known

    live()
    assert {"active", "grace", "trial", "monthly"} <= set().union(*known.values())


def _somebody(shop: Shop, number: int) -> Shop:
    reader = Reader(email=f"{number}@example.org", confirmed_at=clock.now())
    db.session.add(reader)
    db.session.commit()
    return Shop(shop.app, shop.sandbox, reader)


def _play(circle: Sequence[Shop], step: Step, known: dict[date, Counter[str]]) -> None:
    sandbox, today = circle[0].sandbox, clock.now().astimezone(SOFIA).date() + timedelta(days=step.days)
    sandbox.advance(to=datetime.combine(today, MORNING, SOFIA))
    for one, deed in zip(circle, step.deeds, strict=True):
        _live(one, deed)
    # What else happens that day is of it, too: it is compared as it ends.
    sandbox.advance(to=datetime.combine(today, EVENING, SOFIA))
    # All of them: time has passed for those before as well.
    for reader_id in db.session.scalars(db.select(Reader.id)).all():
        customers.sync_reader(reader_id)
    known[today] = _at_stripe()
    assert _ours(today) == known[today]
    if step.rolls_up:
        rollup.roll_up()


def _live(one: Shop, deed: Deed) -> None:
    mine = [held for held in one.held() if held.status.value in STANDS]
    if mine:
        _change(mine[0], deed)
    elif deed in JOINS:
        one.join(*JOINS[deed])


def _change(held: Subscription, deed: Deed) -> None:
    api = gateway().client.v1.subscriptions
    bought = api.retrieve(held.external_id)
    if bought.status not in STANDS:
        return
    if deed in CHANGES:
        api.update(bought.id, CHANGES[deed])
    elif deed is Deed.END:
        api.cancel(bought.id)
    elif deed in {Deed.SWITCH, Deed.SWITCH_UP}:
        prices = sorted(gateway().client.v1.prices.list({}).data, key=lambda price: price.unit_amount or 0)
        price = prices[-1 if deed is Deed.SWITCH_UP else 0].id
        items: Any = [{"id": bought.items.data[0].id, "price": price}]
        api.update(bought.id, {"items": items, "proration_behavior": "none"})


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
