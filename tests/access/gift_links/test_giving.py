"""How many articles a patron can give: one link each, so many a month, however many tabs."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import func, select

from paywall.access.gift_links import giving
from paywall.access.gift_links.models import GiftArrival, GiftLink
from paywall.access.gift_links.rules import Terms
from paywall.accounts.models import Reader
from paywall.db import db
from paywall.errors import Conflict, NotFound
from paywall.membership.models import MembershipEvent, Subscription
from paywall.membership.rules import Change, Interval, Source, Status
from tests.shop import Shop

pytestmark = pytest.mark.usefixtures("context")

# 1 November begins at 22:00 in UTC the day before.
MONTH = datetime(2026, 10, 31, 22, tzinfo=UTC)
TERMS = Terms(3, timedelta(days=14), ZoneInfo("Europe/Sofia"))
SECOND = timedelta(seconds=1)


def reader(email: str = "ana@example.org") -> int:
    db.session.add(one := Reader(email=email, created_at=MONTH))
    db.session.commit()
    return one.id


def give(giver: int, key: str, now: datetime, *, by_staff: bool = False) -> GiftLink:
    link = giving.give(giver, key, TERMS, now, by_staff=by_staff)
    db.session.commit()
    return link


def test_the_same_article_has_one_link_and_costs_once(app: Flask) -> None:
    ana = reader()
    first = give(ana, "1", MONTH)
    assert give(ana, "1", MONTH + timedelta(days=14) - SECOND).id == first.id
    assert giving.left(ana, TERMS, MONTH) == 2
    assert first.until == MONTH + timedelta(days=14)


def test_once_it_has_run_out_or_was_taken_back_another_costs_again(app: Flask) -> None:
    ana = reader()
    first = give(ana, "1", MONTH)
    second = give(ana, "1", MONTH + timedelta(days=14))
    giving.revoke(second.id, MONTH, giver_id=ana)
    third = give(ana, "1", MONTH + timedelta(days=15))
    assert len({first.id, second.id, third.id}) == 3
    assert giving.left(ana, TERMS, MONTH + timedelta(days=15)) == 0


def test_after_the_last_one_the_next_month_is_waited_for(app: Flask) -> None:
    ana, other = reader(), reader("bo@example.org")
    for key in "123":
        give(ana, key, MONTH)
    last_moment = datetime(2026, 11, 30, 22, tzinfo=UTC) - SECOND
    with pytest.raises(Conflict, match="all your articles of this month"):
        give(ana, "4", last_moment)
    db.session.rollback()
    assert give(ana, "2", MONTH + timedelta(days=1)).key == "2"
    give(other, "4", last_moment)
    give(ana, "4", last_moment + SECOND)
    assert giving.left(ana, TERMS, last_moment + SECOND) == 2


def test_what_staff_give_counts_against_nothing(app: Flask) -> None:
    ana = reader()
    for key in "1234":
        give(ana, key, MONTH, by_staff=True)
    assert giving.left(ana, TERMS, MONTH) == 3


def test_fewer_a_month_than_given_already_leaves_none(app: Flask) -> None:
    ana = reader()
    for key in "123":
        give(ana, key, MONTH)
    assert giving.left(ana, Terms(1, TERMS.good_for, TERMS.zone), MONTH) == 0


@pytest.mark.parametrize("keys", ["1111111111", "1234567890"])
def test_of_ten_at_the_same_instant_no_more_than_the_month_allows(app: Flask, keys: str) -> None:
    ana = reader()
    db.session.rollback()
    start, made, refused = threading.Barrier(len(keys)), [], []

    def try_one(key: str) -> None:
        with app.test_request_context():
            start.wait(10)
            try:
                made.append(give(ana, key, MONTH).id)
            except Conflict:
                db.session.rollback()
                refused.append(key)

    threads = [threading.Thread(target=try_one, args=(key,)) for key in keys]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    kept = db.session.scalar(select(func.count()).select_from(GiftLink))
    assert len(made) + len(refused) == 10
    assert kept == len(set(made)) == min(3, len(set(keys)))


def test_nobody_takes_back_anothers_link_but_staff(app: Flask) -> None:
    ana, bo = reader(), reader("bo@example.org")
    link = give(ana, "1", MONTH)
    with pytest.raises(NotFound):
        giving.revoke(link.id, MONTH, giver_id=bo)
    with pytest.raises(NotFound):
        giving.revoke(link.id + 1, MONTH)
    giving.revoke(link.id, MONTH)
    assert giving.revoke(link.id, MONTH + SECOND).revoked_at == MONTH


@pytest.fixture
def ledger(shop: Shop) -> Callable[..., None]:
    """Write a line of the ledger for a reader."""
    plan = shop.price().plan_id

    def write(reader_id: int, at: datetime, delta: int, source: Source = Source.STRIPE) -> None:
        about = {"reader_id": reader_id, "plan_id": plan, "source": source, "currency": "eur"}
        held = Subscription(
            **about,
            external_id=f"{reader_id}-{at}-{source}-{delta}",
            status=Status.ACTIVE,
            amount=500,
            interval=Interval.MONTH,
            monthly=delta,
            started_at=at,
        )
        db.session.add(held)
        db.session.flush()
        line = MembershipEvent(
            **about,
            subscription_id=held.id,
            at=at,
            change=Change.STARTED,
            status=Status.ACTIVE,
            monthly_delta=delta,
        )
        db.session.add(line)
        db.session.commit()

    return write


def test_what_came_of_a_link_is_told_in_numbers(shop: Shop, ledger: Callable[..., None]) -> None:
    giver = shop.reader.id
    link, quiet = give(giver, "1", MONTH), give(giver, "2", MONTH)
    came = [reader(f"{number}@example.org") for number in range(6)]
    for one in came:
        db.session.add(GiftArrival(gift_link_id=link.id, reader_id=one, at=MONTH))
    db.session.commit()
    ledger(came[0], MONTH, 500)
    ledger(came[0], MONTH + SECOND, 1000)
    ledger(came[1], MONTH + timedelta(days=40), 400, Source.PATREON)
    ledger(came[3], MONTH + SECOND, 500, Source.GIFT)
    ledger(came[4], MONTH + SECOND, 0)
    found = giving.given(GiftLink.giver_id == giver, most=10)
    assert [(one.link.id, one.signed_up, one.paid) for one in found] == [(quiet.id, 0, 0), (link.id, 6, 2)]
