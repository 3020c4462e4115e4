"""Who gave what, and who came by it, is forgotten some time after the end; the figures stay."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import func, select

from paywall.access.gift_links import forgetting, giving
from paywall.access.gift_links.giving import Came
from paywall.access.gift_links.models import GiftArrival, GiftLink, PastGifts
from paywall.access.gift_links.rules import Terms
from paywall.accounts.models import Reader
from paywall.db import db
from tests.access.gift_links.test_giving import ledger
from tests.conftest import let_settings_say
from tests.moving import MovingClock
from tests.shop import Shop

pytestmark = pytest.mark.usefixtures("context")

__all__ = ["ledger"]  # a fixture

# 1 March begins at 22:00 in UTC the day before.
MADE = datetime(2026, 3, 10, 12, tzinfo=UTC)
TERMS = Terms(5, timedelta(days=14), ZoneInfo("Europe/Sofia"))
KEPT, SECOND = timedelta(days=30), timedelta(seconds=1)


def reader(email: str) -> int:
    db.session.add(one := Reader(email=email, created_at=MADE))
    db.session.commit()
    return one.id


def give(giver: int, key: str, at: datetime = MADE) -> GiftLink:
    link = giving.give(giver, key, TERMS, at, by_staff=False)
    db.session.commit()
    return link


def left_at(clock: MovingClock, now: datetime) -> list[str]:
    """The articles of the links that are left after the forgetting of this instant."""
    clock.set(now)
    forgetting.forget()
    return list(db.session.scalars(select(GiftLink.key).order_by(GiftLink.id)))


@pytest.fixture
def zone(app: Flask) -> None:
    """A paper in Sofia."""
    let_settings_say(app, timezone="Europe/Sofia")


@pytest.mark.usefixtures("zone")
def test_a_link_is_forgotten_so_many_days_after_its_end(app: Flask, clock: MovingClock) -> None:
    ana = reader("ana@example.org")
    link = give(ana, "1")
    number, until = link.id, link.until
    assert left_at(clock, until + KEPT - SECOND) == ["1"]
    assert left_at(clock, until + KEPT) == []
    assert give(ana, "1", until + KEPT).id > number


@pytest.mark.usefixtures("zone")
def test_one_that_was_taken_back_has_ended_then(app: Flask, clock: MovingClock) -> None:
    ana = reader("ana@example.org")
    giving.revoke(give(ana, "1").id, MADE + SECOND, giver_id=ana)
    give(ana, "2")
    db.session.commit()
    assert left_at(clock, MADE + KEPT) == ["1", "2"]
    assert left_at(clock, MADE + KEPT + SECOND) == ["2"]


@pytest.mark.usefixtures("zone")
def test_what_counts_against_a_month_is_known_until_the_month_is_over(app: Flask, clock: MovingClock) -> None:
    let_settings_say(app, journey_days=0)
    ana = reader("ana@example.org")
    for key in "123":
        giving.revoke(give(ana, key).id, MADE, giver_id=ana)
    month_ends = datetime(2026, 3, 31, 21, tzinfo=UTC)
    assert left_at(clock, month_ends - SECOND) == ["1", "2", "3"]
    assert giving.left(ana, TERMS, month_ends - SECOND) == 2
    assert left_at(clock, month_ends) == []


def test_the_figures_stay_and_nobody_is_in_them(
    shop: Shop, ledger: Callable[..., None], clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "AT_ONCE", 2)
    givers = [reader(f"giver-{number}@example.org") for number in range(3)]
    links = [give(giver, key) for giver in givers for key in "12"]
    for number, link in enumerate(links):
        link.opened = number
        for each in range(number):
            who = reader(f"{number}-{each}@example.org")
            db.session.add(GiftArrival(gift_link_id=link.id, reader_id=who, at=MADE))
            db.session.commit()
            if each % 2:
                ledger(who, MADE, 500)
    known = [giving.in_all(), giving.in_all("1"), giving.in_all("2"), giving.in_all("3")]
    assert known[0] == Came(6, 15, 15, 6)
    assert known[3] == Came(0, 0, 0, 0)
    soon = give(givers[0], "2", MADE + timedelta(days=20))
    assert left_at(clock, MADE + timedelta(days=14) + KEPT) == ["2"]
    assert db.session.scalar(select(func.count()).select_from(GiftArrival)) == 0
    assert set(PastGifts.__table__.columns.keys()) == {"key", "links", "opened", "signed_up", "paid"}
    assert left_at(clock, soon.until + KEPT) == []
    after = [giving.in_all(), giving.in_all("1"), giving.in_all("2"), giving.in_all("3")]
    assert after == [Came(7, 15, 15, 6), known[1], Came(4, 9, 9, known[2].paid), known[3]]
