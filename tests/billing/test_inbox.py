"""Handling events: together for one customer, by several workers at once, again after what failed."""

import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from paywall import clock as ours
from paywall.billing import claims, inbox
from paywall.billing.gateway import gateway
from paywall.billing.gifts import giving
from paywall.billing.models import EventState, StripeCustomer, StripeEvent
from paywall.billing.remote import Event, RemoteSubscription
from paywall.db import db
from paywall.membership.rules import Status
from paywall.sandbox import Fault, FaultKind, Response
from tests.moving import MovingClock
from tests.shop import Shop

FORK = multiprocessing.get_context("fork")
STUCK = Fault(FaultKind.API_ERROR, times=None)


@pytest.fixture
def customer(shop: Shop) -> str:
    """A reader's customer, who has paid; the inbox is empty."""
    shop.join()
    found = db.session.scalars(select(StripeCustomer.stripe_id)).one() or ""
    db.session.rollback()
    return found


def store(customer: str | None, number: int = 1, about: dict[str, Any] | None = None) -> int:
    """Put an event into the inbox as the webhook does, but wake nobody; our number for it."""
    about = about or {"id": "sub_1", "object": "subscription", "customer": customer}
    payload = json.dumps({"object": "event", "data": {"object": about}})
    event = Event(f"evt_{number}", "customer.subscription.updated", customer, livemode=False)
    inbox.store(event, payload)
    db.session.commit()
    return rows()[-1].id


def rows() -> list[StripeEvent]:
    """The inbox as it stands."""
    db.session.rollback()
    found = list(db.session.scalars(select(StripeEvent).order_by(StripeEvent.id)))
    for one in found:
        db.session.refresh(one)
        db.session.expunge(one)
    db.session.rollback()
    return found


def states() -> list[EventState]:
    """How each event stands, oldest first."""
    return [one.state for one in rows()]


def make_due() -> None:
    """Let the time of the next try have come for all that wait, and each claim have run out."""
    long_ago = ours.wall() - timedelta(days=1)
    waiting = update(StripeEvent).where(StripeEvent.try_at.is_not(None))
    db.session.execute(waiting.values(try_at=long_ago, claimed_until=None))
    db.session.commit()


@contextmanager
def asked(shop: Shop) -> Iterator[list[str]]:
    """The addresses at Stripe that are asked meanwhile."""
    heard: list[str] = []
    api = shop.sandbox._api
    real = api.handle

    def listen(method: str, path: str, form: bytes | str, headers: Mapping[str, str]) -> Response:
        heard.append(f"{method} {path}")
        return real(method, path, form, headers)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, "handle", listen)
        yield heard


def test_a_burst_for_one_customer_is_one_fetch(shop: Shop, customer: str) -> None:
    first, *_ = [store(customer, number) for number in range(5)]
    with asked(shop) as heard:
        inbox.handle(first)
        for one in rows():
            inbox.handle(one.id)
    assert heard == ["GET /v1/subscriptions", "GET /v1/invoices", "GET /v1/charges"]
    assert states() == [EventState.HANDLED] * 5
    assert {one.attempts for one in rows()} == {1}
    assert {(one.try_at, one.claimed_until, one.error) for one in rows()} == {(None, None, None)}


def test_an_event_that_comes_during_the_fetch_causes_another(
    shop: Shop, customer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetches, real = [], gateway().subscriptions

    def slow(name: str) -> list[RemoteSubscription]:
        found = real(name)
        fetches.append(name)
        if len(fetches) == 1:
            v1 = gateway().client.v1
            v1.subscriptions.update(found[0].id, {"cancel_at_period_end": True})
            store(name, 2)
        return found

    first = store(customer, 1)
    monkeypatch.setattr(gateway(), "subscriptions", slow)
    inbox.handle(first)
    assert states() == [EventState.HANDLED, EventState.RECEIVED]
    assert shop.held()[0].cancel_at is None
    inbox.handle_waiting()
    assert states() == [EventState.HANDLED] * 2
    assert shop.held()[0].cancel_at is not None
    assert len(fetches) == 2


def test_workers_at_once_share_the_events_and_each_asks_at_most_once(
    shop: Shop, app: Flask, customer: str
) -> None:
    numbers = [store(customer, number) for number in range(6)]
    start, failed = threading.Barrier(4), []

    def worker(mine: list[int]) -> None:
        try:
            with app.app_context():
                start.wait(10)
                for number in mine:
                    inbox.handle(number)
        except BaseException as error:  # told by the test
            failed.append(error)

    threads = [threading.Thread(target=worker, args=(numbers[at:] + numbers[:at],)) for at in range(4)]
    with asked(shop) as heard:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert failed == []
    assert states() == [EventState.HANDLED] * 6
    assert [one.attempts for one in rows()] == [1] * 6
    # Two that claim at the same instant may each get a part: PostgreSQL lets neither wait for the other.
    assert 1 <= heard.count("GET /v1/subscriptions") <= len(threads)


def test_two_claims_never_hold_the_same_event(shop: Shop, app: Flask, customer: str) -> None:
    for number in range(30):
        store(None if number % 3 else customer, number)
    numbers = [one.id for one in rows()]
    start = threading.Barrier(4)
    taken: list[int] = []

    def worker(mine: list[int]) -> None:
        with app.app_context():
            start.wait(10)
            for number in mine:
                claim = claims.take(number)
                db.session.commit()
                taken.extend(event.id for event in claim.events)

    threads = [threading.Thread(target=worker, args=(numbers[:: (-1) ** at],)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(taken) == numbers


def test_a_claim_is_left_alone_until_it_runs_out(shop: Shop, customer: str) -> None:
    number = store(customer)
    claim = claims.take(number)
    db.session.commit()
    assert (claims.take(number).events, claims.due()) == ((), [])
    inbox.handle_waiting()
    assert states() == [EventState.RECEIVED]
    db.session.execute(update(StripeEvent).values(claimed_until=ours.wall()))
    db.session.commit()
    inbox.handle_waiting()
    assert [(one.state, one.attempts) for one in rows()] == [(EventState.HANDLED, 2)]
    claims.fail(claim, claim.events[0], "from a worker that was thought dead")
    db.session.commit()
    assert states() == [EventState.HANDLED]


def test_a_worker_that_is_killed_loses_its_claim_and_no_event(
    shop: Shop, app: Flask, customer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [store(customer, number) for number in range(3)]
    for engine in db.engines.values():
        engine.dispose()
    shop.sandbox.faults.set(Fault(FaultKind.API_HANG, match="/v1/subscriptions", times=1, seconds=14))
    worker = FORK.Process(target=_handle, args=(app, numbers[0]))
    worker.start()
    deadline = time.monotonic() + 20
    while not (shop.sandbox.faults.active() == [] and rows()[0].claimed_until):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(worker.pid or 0, signal.SIGKILL)
    worker.join(10)
    assert worker.exitcode == -signal.SIGKILL
    inbox.handle_waiting()
    assert states() == [EventState.RECEIVED] * 3
    monkeypatch.setattr(ours, "_wall", lambda wall=ours._wall: wall() + claims.HELD)
    inbox.handle_waiting()
    assert [(one.state, one.attempts) for one in rows()] == [(EventState.HANDLED, 2)] * 3


def _handle(app: Flask, number: int) -> None:
    with app.app_context():
        inbox.handle(number)


def test_an_event_that_kills_each_worker_ends_as_failed(shop: Shop, customer: str) -> None:
    number = store(customer)
    for attempt in range(1, claims.ATTEMPTS + 1):
        make_due()
        assert [event.attempts for event in claims.take(number).events] == [attempt]
        db.session.execute(update(StripeEvent).values(error="what failed before"))
        db.session.commit()
    inbox.handle_waiting()
    assert states() == [EventState.RECEIVED]
    make_due()
    inbox.handle_waiting()
    (lost,) = rows()
    assert (lost.state, lost.try_at, lost.attempts) == (EventState.FAILED, None, claims.ATTEMPTS)
    assert lost.error == f"{claims.LOST}\n\nBefore that:\nwhat failed before"
    assert claims.take(number).events == ()


def test_what_fails_is_tried_again_less_and_less_often_and_then_kept_for_a_person(
    shop: Shop, customer: str
) -> None:
    store(customer)
    shop.sandbox.faults.set(STUCK)
    waits = []
    for _ in range(claims.ATTEMPTS):
        before = ours.wall()
        inbox.handle_waiting()
        (failed,) = rows()
        assert failed.state is EventState.FAILED
        assert failed.error is not None
        assert failed.error.startswith("Traceback")
        assert "Unavailable" in failed.error
        waits.append(failed.try_at and round((failed.try_at - before).total_seconds() / 60))
        assert (inbox.waiting(), inbox.given_up()) == ((1, 0) if failed.try_at else (0, 1))
        db.session.rollback()
        inbox.handle_waiting()
        assert rows()[0].attempts == len(waits)
        make_due()
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, None]
    shop.sandbox.faults.clear()
    inbox.handle_waiting()
    store(customer, 2)
    inbox.handle_waiting()
    assert states() == [EventState.FAILED, EventState.HANDLED]
    assert (inbox.oldest_unhandled(), inbox.waiting(), inbox.given_up()) == (0, 0, 1)


def test_what_waits_for_a_later_try_is_done_with_by_a_fetch_for_another(shop: Shop, customer: str) -> None:
    store(customer, 1)
    shop.sandbox.faults.set(STUCK)
    inbox.handle_waiting()
    store(customer, 2)
    inbox.handle_waiting()
    early, late = rows()
    assert (early.attempts, late.attempts) == (1, 1)
    assert early.try_at is not None
    assert late.try_at is not None
    assert early.try_at <= late.try_at
    shop.sandbox.faults.clear()
    store(customer, 3)
    inbox.handle_waiting()
    assert states() == [EventState.HANDLED] * 3
    assert [one.attempts for one in rows()] == [1, 1, 1]


def test_one_event_that_cannot_be_handled_keeps_no_other_from_it(
    shop: Shop, customer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(number: int) -> None:
        raise ZeroDivisionError(number)

    monkeypatch.setattr(giving, "named_by", lambda rows: [7] if rows == [1] else [])
    monkeypatch.setattr(giving, "settle", broken)
    for number in range(3):
        store(customer, number)
    inbox.handle_waiting()
    assert states() == [EventState.FAILED, EventState.HANDLED, EventState.HANDLED]
    assert "ZeroDivisionError: 7" in (rows()[0].error or "")


def test_a_payload_that_makes_no_sense_fails_and_is_kept(shop: Shop, customer: str) -> None:
    store(customer)
    db.session.execute(update(StripeEvent).values(payload="nonsense"))
    db.session.commit()
    inbox.handle_waiting()
    assert states() == [EventState.FAILED]
    assert "JSONDecodeError" in (rows()[0].error or "")


class TestStrangers:
    """On an account that others use too, nobody becomes a patron by being charged there."""

    def test_a_customer_of_others_is_ignored_and_not_even_asked_for(self, shop: Shop) -> None:
        v1 = gateway().client.v1
        other = v1.customers.create({"email": shop.reader.email, "metadata": {"reader_id": "1"}})
        store(other.id)
        with asked(shop) as heard:
            inbox.handle_waiting()
        assert (states(), heard, shop.held()) == ([EventState.IGNORED], [], [])

    def test_a_price_of_others_gives_our_reader_nothing(self, shop: Shop, customer: str) -> None:
        v1 = gateway().client.v1
        product = v1.products.create({"name": "A mug each month"})
        price = v1.prices.create(
            {
                "product": product.id,
                "currency": "eur",
                "unit_amount": 900,
                "recurring": {"interval": "month"},
            }
        )
        v1.subscriptions.cancel(v1.subscriptions.list({"customer": customer}).data[0].id)
        v1.subscriptions.create({"customer": customer, "items": [{"price": price.id}]})
        store(customer)
        inbox.handle_waiting()
        assert states() == [EventState.HANDLED]
        assert [one.status for one in shop.held()] == [Status.CANCELED]


class TestPrune:
    """What is done with is forgotten, what failed is not."""

    @pytest.mark.settings(inbox_days=40)
    def test_after_the_set_days(self, shop: Shop, customer: str, clock: MovingClock) -> None:
        store(customer, 1)
        store("cus_stranger", 2)
        inbox.handle_waiting()
        shop.sandbox.faults.set(STUCK)
        store(customer, 3)
        store(None, 4)
        db.session.execute(
            update(StripeEvent)
            .where(StripeEvent.event_id == "evt_3")
            .values(state=EventState.FAILED, try_at=None, handled_at=None)
        )
        db.session.commit()
        clock.advance(days=39, hours=23)
        inbox.prune()
        assert len(rows()) == 4
        clock.advance(hours=2)
        inbox.prune()
        assert [(one.event_id, one.state) for one in rows()] == [
            ("evt_3", EventState.FAILED),
            ("evt_4", EventState.RECEIVED),
        ]

    def test_all_of_them_however_many(self, shop: Shop) -> None:
        long_ago = ours.now() - timedelta(days=91)
        db.session.add_all(
            StripeEvent(
                event_id=f"evt_{number}",
                type="charge.updated",
                payload="{}",
                state=EventState.IGNORED,
                handled_at=long_ago,
                try_at=None,
            )
            for number in range(2100)
        )
        db.session.commit()
        inbox.prune()
        assert rows() == []


def test_the_page_of_numbers_and_the_readiness_tell_what_waits(
    shop: Shop, app: Flask, customer: str, clock: MovingClock
) -> None:
    store(customer, 1)
    db.session.execute(update(StripeEvent).values(state=EventState.FAILED, try_at=None))
    db.session.commit()
    clock.set(ours.now())
    store(customer, 2)
    clock.advance(minutes=3)
    client: Callable[[str], Any] = app.test_client().get
    text = client("/metrics").text
    for line in ("oldest_seconds 180.0", "waiting 1.0", "failed 1.0"):
        assert f"paywall_inbox_{line}" in text
    ready = client("/readyz").json
    assert ready["notes"] == {"inbox": "1 waiting, the oldest for 180 s; 1 given up"}
    assert set(ready["checks"]) == {"database", "migrations", "worker"}
