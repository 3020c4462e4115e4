"""Reconcile: each kind of drift is named and mended, absence ends nothing, a walk that is stopped goes on."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, select, update

from paywall import clock
from paywall.accounts.models import Reader
from paywall.billing.gateway import gateway, walks
from paywall.billing.models import Reconciliation, StripeCustomer, StripeEvent
from paywall.billing.reconcile import backfill, pace, runs
from paywall.billing.reconcile.drift import Drift, Kind, Outcome
from paywall.billing.reconcile.walk import Part, Walk, begin, nightly
from paywall.db import db
from paywall.errors import Conflict, Unavailable
from paywall.mail import Letter
from paywall.membership.models import Subscription
from paywall.membership.rules import Status
from paywall.sandbox import Fault, FaultKind
from tests.shop import Shop

pytestmark = [pytest.mark.story, pytest.mark.settings(stripe_reads_per_second=100)]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "LONGEST", 0)


def walked(**how: bool) -> list[Drift]:
    """Everything that one whole walk finds, foreign ones too."""
    return list(begin(**how).drifts())


def told(drifts: list[Drift]) -> set[tuple[Kind, Outcome]]:
    return {(one.kind, one.outcome) for one in drifts}


def spoil(**values: object) -> None:
    """Let our rows say something else."""
    db.session.execute(update(Subscription).values(**values))
    db.session.commit()


def tables() -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables."""
    found = {
        name: [tuple(row) for row in db.session.execute(select(table).order_by(*table.primary_key))]
        for name, table in db.metadata.tables.items()
    }
    db.session.rollback()
    return found


def another(shop: Shop, email: str) -> Shop:
    """A second reader of the same newsroom."""
    reader = Reader(email=email, confirmed_at=clock.now())
    db.session.add(reader)
    db.session.commit()
    return Shop(shop.app, shop.sandbox, reader)


def test_books_that_agree_show_nothing(shop: Shop) -> None:
    shop.join()
    walk = begin()
    assert list(walk.drifts()) == []
    assert walk.is_clean
    assert walk.counts["subscriptions"] == 1
    last = runs.last(gateway().mode)
    assert last is not None
    assert last.finished_at is not None
    assert json.loads(last.counts)["rows"] == 1


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (Kind.STATUS, {"status": Status.PAST_DUE}),
        (Kind.PRICE, {"amount": 499}),
        (Kind.PRICE, {"monthly": 1}),
        (Kind.PERIOD, {"period_end": None}),
        (Kind.PERIOD, {"cancel_at": clock.wall()}),
    ],
)
def test_a_row_that_says_otherwise_is_named_and_written_anew(
    shop: Shop, kind: Kind, values: dict[str, object]
) -> None:
    right = shop.join()
    spoil(**values)
    assert told(walked()) == {(kind, Outcome.REPAIRED)}
    held = shop.held()[0]
    assert (held.status, held.amount, held.monthly) == (right.status, right.amount, right.monthly)
    assert (held.period_end, held.cancel_at) == (right.period_end, right.cancel_at)
    assert walked() == []


def test_a_subscription_that_we_never_heard_of_comes_in(shop: Shop) -> None:
    shop.pay(shop.begin())
    assert shop.held() == []
    assert told(walked()) == {(Kind.MISSING_HERE, Outcome.REPAIRED)}
    assert shop.held()[0].status is Status.ACTIVE


def test_a_customer_that_our_tables_lost_is_known_again_by_reader_and_address(shop: Shop) -> None:
    shop.pay(shop.begin())
    gateway().update_email(_customer(shop), "ana@example.org")
    db.session.execute(delete(StripeCustomer))
    db.session.commit()
    assert told(walked(dry=True)) == {(Kind.MISSING_HERE, Outcome.FOUND)}
    assert told(walked()) == {(Kind.MISSING_HERE, Outcome.REPAIRED)}
    assert shop.held()[0].status is Status.ACTIVE


@pytest.mark.parametrize("claim", ["nobody", "another", "taken"])
def test_a_customer_of_someone_else_never_becomes_a_patron(shop: Shop, claim: str) -> None:
    shop.pay(shop.begin())
    mine = _customer(shop)
    whose = {"nobody": "987654321", "another": str(shop.reader.id), "taken": str(shop.reader.id)}[claim]
    address = "other@example.org" if claim == "another" else shop.reader.email
    db.session.rollback()
    gateway().client.v1.customers.update(mine, {"metadata": {"reader_id": whose}, "email": address})
    taken = "cus_another" if claim == "taken" else None
    db.session.execute(update(StripeCustomer).values(stripe_id=taken))
    db.session.commit()
    assert {one.kind for one in walked()} == {Kind.FOREIGN}
    assert shop.held() == []


def test_a_subscription_to_something_else_is_foreign_and_left_alone(shop: Shop) -> None:
    shop.join()
    v1 = gateway().client.v1
    facts = {"currency": "eur", "unit_amount": 100, "recurring": {"interval": "month"}}
    price = v1.prices.create({**facts, "product_data": {"name": "Mug club"}}).id  # type: ignore[typeddict-item]
    v1.payment_methods.attach("pm_card_visa", {"customer": (mine := _customer(shop))})
    method = v1.payment_methods.list({"customer": mine}).data[0].id
    v1.subscriptions.create({"customer": mine, "items": [{"price": price}], "default_payment_method": method})
    db.session.rollback()
    walk = begin()
    assert {one.kind for one in walk.drifts()} == {Kind.FOREIGN}
    assert walk.is_clean
    assert len(shop.held()) == 1


def test_what_stripe_does_not_know_is_told_and_ends_by_its_date_alone(shop: Shop) -> None:
    held = shop.join()
    spoil(external_id="sub_of_another_account")
    found = {(one.kind, one.outcome) for one in walked()}
    assert (Kind.MISSING_THERE, Outcome.REMAINS) in found
    kept = [one for one in shop.held() if one.external_id == "sub_of_another_account"]
    assert [one.access_until for one in kept] == [held.access_until]


def test_a_customer_deleted_at_stripe_loses_what_they_held(shop: Shop) -> None:
    shop.join()
    gateway().client.v1.customers.delete(_customer(shop))
    db.session.rollback()
    assert {one.outcome for one in walked()} == {Outcome.REPAIRED}
    assert shop.held()[0].status is Status.CANCELED
    assert shop.held()[0].access_until is None
    assert walked() == []


def test_what_a_deleted_customer_held_before_we_heard_of_it_comes_in(shop: Shop) -> None:
    shop.pay(shop.begin())
    gateway().client.v1.customers.delete(_customer(shop))
    db.session.rollback()
    assert told(walked()) == {(Kind.MISSING_HERE, Outcome.REPAIRED)}
    assert walked() == []


def test_who_pays_twice_keeps_reading_and_is_named(shop: Shop) -> None:
    shop.join()
    v1 = gateway().client.v1
    first = v1.subscriptions.list({"customer": _customer(shop)}).data[0]
    db.session.rollback()
    price = first["items"].data[0].price.id
    method = str(first.default_payment_method)
    v1.subscriptions.create(
        {"customer": str(first.customer), "items": [{"price": price}], "default_payment_method": method}
    )
    walk = begin()
    assert told(list(walk.drifts())) == {
        (Kind.MISSING_HERE, Outcome.REPAIRED),
        (Kind.DUPLICATE, Outcome.REMAINS),
    }
    assert not walk.is_clean
    assert all(one.access_until for one in shop.held())


def test_a_dry_run_finds_all_and_writes_nothing(shop: Shop, letters: Callable[[], list[Letter]]) -> None:
    shop.join()
    shop.sandbox.advance(months=2)
    before, written = tables(), len(letters())
    walk = begin(dry=True)
    assert told(list(walk.drifts())) == {(Kind.PERIOD, Outcome.FOUND)}
    assert not walk.is_clean
    assert tables() == before
    assert len(letters()) == written


def test_events_lost_for_three_days_come_into_the_inbox(shop: Shop, work: Callable[[], int]) -> None:
    shop.pay(shop.begin())
    shop.sandbox.advance(by=timedelta(days=3))
    walk = begin()
    list(walk.drifts())
    assert walk.counts["events"] > 0
    work()
    states = set(db.session.scalars(select(StripeEvent.state)))
    db.session.rollback()
    assert states == {"handled"}
    again = begin()
    list(again.drifts())
    assert again.counts["events"] == 0


def test_the_hourly_look_back_alone_lets_a_payer_in(shop: Shop, work: Callable[[], int]) -> None:
    shop.pay(shop.begin())
    backfill.hourly()
    work()
    assert shop.held()[0].status is Status.ACTIVE


def test_a_gap_longer_than_stripe_remembers_is_closed_by_the_walk(shop: Shop) -> None:
    shop.join(number="4000000000000341")
    shop.sandbox.advance(by=timedelta(days=75))
    drifts = walked()
    assert (Kind.STATUS, Outcome.REPAIRED) in told(drifts)
    assert shop.held()[0].status is Status.CANCELED


class TestStopping:
    """A walk that is stopped, killed or refused goes on where it stood."""

    @pytest.fixture
    def readers(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> list[Shop]:
        """Five readers who have paid and of whom we never heard, and pages of two."""
        found = [another(shop, f"{number}@example.org") for number in range(5)]
        for one in found:
            one.pay(one.begin())
        monkeypatch.setattr(walks, "PAGE", 2)
        return found

    def test_it_goes_on_after_the_page_at_which_it_stood(self, readers: list[Shop]) -> None:
        first = begin()
        for _ in first.drifts():
            first.stop()
        assert first.counts["subscriptions"] < 5
        second = begin()
        assert second.run.is_resumed
        assert second.run.row_id == first.run.row_id
        list(second.drifts())
        assert second.counts["subscriptions"] == 5
        assert all(one.held() for one in readers)

    def test_it_can_be_told_to_begin_anew(self, readers: list[Shop]) -> None:
        first = begin()
        for _ in first.drifts():
            first.stop()
        assert not begin(restart=True).run.is_resumed

    def test_it_begins_anew_where_its_file_is_gone(self, readers: list[Shop]) -> None:
        first = begin()
        for _ in first.drifts():
            first.stop()
        first.seen.drop()
        second = begin()
        assert not second.run.is_resumed
        list(second.drifts())
        assert second.counts["subscriptions"] == 5

    def test_a_killed_one_is_taken_over_when_it_has_been_silent(self, readers: list[Shop]) -> None:
        next(begin().drifts())
        with pytest.raises(Conflict):
            begin()
        db.session.execute(update(Reconciliation).values(beat_at=clock.wall() - 2 * runs.SILENCE))
        db.session.commit()
        second = begin()
        list(second.drifts())
        assert walked() == []
        assert all(one.held() for one in readers)

    def test_a_stripe_that_is_busy_is_asked_again(self, readers: list[Shop], shop: Shop) -> None:
        shop.sandbox.faults.set(Fault(FaultKind.API_ERROR, times=3, match="/v1/subscriptions*", status=429))
        walk = begin()
        list(walk.drifts())
        assert walk.counts["subscriptions"] == 5
        assert walk.is_clean

    def test_a_stripe_that_stays_silent_breaks_it_off_and_it_goes_on_later(
        self, readers: list[Shop], shop: Shop
    ) -> None:
        shop.sandbox.faults.set(
            Fault(FaultKind.API_ERROR, times=None, match="/v1/subscriptions*", status=500)
        )
        with pytest.raises(Unavailable):
            list(begin().drifts())
        shop.sandbox.faults.clear()
        walk = begin()
        assert list(walk.drifts())
        assert all(one.held() for one in readers)

    def test_each_night_it_is_done_by_itself(self, readers: list[Shop], shop: Shop) -> None:
        nightly()
        assert all(one.held() for one in readers)
        shop.sandbox.faults.set(Fault(FaultKind.API_ERROR, times=None, match="/v1/*", status=500))
        nightly()


class TestCommand:
    """flask paywall reconcile."""

    def run(self, app: Flask, *words: str) -> tuple[int, str]:
        result = app.test_cli_runner().invoke(args=["paywall", "reconcile", *words])
        return result.exit_code, result.output

    def test_it_says_what_it_mended_and_then_that_the_books_agree(self, shop: Shop, app: Flask) -> None:
        held = shop.join()
        spoil(amount=499)
        code, output = self.run(app)
        assert code == 0
        assert f"price         repaired {held.external_id} of cus_" in output
        code, output = self.run(app)
        assert code == 0
        assert output.startswith("The books agree: ")

    def test_a_dry_run_that_finds_something_ends_with_1(self, shop: Shop, app: Flask) -> None:
        shop.join()
        spoil(amount=499)
        code, output = self.run(app, "--dry-run", "--json")
        *found, last = [json.loads(line) for line in output.splitlines()]
        assert code == 1
        assert [(one["kind"], one["outcome"]) for one in found] == [("price", "found")]
        assert last["finished"]
        assert not last["clean"]
        assert last["counts"]["price"] == 1

    def test_foreign_ones_are_told_when_asked_for(self, shop: Shop, app: Flask) -> None:
        shop.pay(shop.begin())
        gateway().update_email(_customer(shop), "other@example.org")
        db.session.execute(update(StripeCustomer).values(stripe_id=None))
        db.session.commit()
        assert "foreign" in self.run(app, "--verbose")[1]
        assert "foreign  " not in self.run(app)[1]

    def test_a_silent_stripe_ends_it_with_2(self, shop: Shop, app: Flask) -> None:
        shop.sandbox.faults.set(Fault(FaultKind.API_ERROR, times=None, match="/v1/*", status=500))
        code, output = self.run(app)
        assert code == 2
        assert "Run it again to go on." in output

    def test_a_second_one_at_the_same_time_is_refused(self, shop: Shop, app: Flask) -> None:
        shop.join()
        spoil(amount=499)
        under_way: Iterator[Drift] = begin().drifts()
        next(under_way)
        code, output = self.run(app)
        assert code == 1
        assert "at work already" in output


def test_the_parts_come_in_this_order() -> None:
    assert list(Part) == ["events", "there", "here", "twice"]


def test_the_metrics_tell_when_the_books_were_last_compared(shop: Shop, app: Flask) -> None:
    shop.join()
    assert "paywall_reconcile_age_seconds -1.0" in app.test_client().get("/metrics").text
    spoil(external_id="sub_of_another_account")
    walked()
    page = app.test_client().get("/metrics").text
    assert "paywall_reconcile_age_seconds -1.0" not in page
    assert "paywall_reconcile_remaining 2.0" in page


def test_a_walk_counts_its_questions(shop: Shop) -> None:
    shop.join()
    walk: Walk = begin()
    list(walk.drifts())
    assert 3 <= walk.pace.calls <= 6


def _customer(shop: Shop) -> str:
    found = db.session.scalars(
        select(StripeCustomer.stripe_id).where(StripeCustomer.reader_id == shop.reader.id)
    ).one()
    db.session.rollback()
    return str(found)
