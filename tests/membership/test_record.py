"""The one writer: the same facts twice change nothing, and the ledger adds up to what is held."""

from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import DatabaseError

from paywall import clock
from paywall.accounts.models import Reader
from paywall.db import db
from paywall.membership import plans, record
from paywall.membership.models import MembershipEvent, Plan, Subscription
from paywall.membership.plans import PlanText
from paywall.membership.policy import Policy
from paywall.membership.rules import Facts, Interval, Source, Status
from paywall.money import Money

POLICY = Policy(grace=timedelta(days=7), slack=timedelta(hours=24))


@pytest.fixture
def reader(app: Flask, context: None) -> Reader:
    """A reader, and a plan with the id that `facts` name."""
    plans.write(PlanText("supporter", "Supporter", "", {Interval.MONTH: Money(500, "eur")}), "For the test")
    found = Reader(email="ana@example.org")
    db.session.add(found)
    db.session.commit()
    return found


def facts(**changes: object) -> Facts:
    now = clock.now()
    usual = Facts(
        source=Source.STRIPE,
        external_id="sub_1",
        plan_id=db.session.scalars(select(Plan.id)).one(),
        status=Status.ACTIVE,
        price=Money(500, "eur"),
        interval=Interval.MONTH,
        started_at=now,
        period_start=now,
        period_end=now + timedelta(days=30),
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


def test_the_same_facts_twice_change_nothing(reader: Reader) -> None:
    same = facts()
    assert len(record.record(reader, [same], POLICY)) == 1
    assert record.record(reader, [same], POLICY) == []
    assert len(db.session.scalars(select(Subscription)).all()) == 1


def test_missing_facts_end_nothing(reader: Reader) -> None:
    record.record(reader, [facts()], POLICY)
    assert record.record(reader, [], POLICY) == []
    assert record.live(reader.id)[0].status is Status.ACTIVE


def test_the_page_shows_what_is_held_before_what_has_ended(reader: Reader) -> None:
    assert record.current(reader.id) is None
    record.record(
        reader, [facts(external_id="sub_old", status=Status.CANCELED, ended_at=clock.now())], POLICY
    )
    old = record.current(reader.id)
    assert old is not None
    assert old.external_id == "sub_old"
    record.record(reader, [facts(started_at=clock.now() - timedelta(days=400))], POLICY)
    now = record.current(reader.id)
    assert now is not None
    assert now.external_id == "sub_1"


def test_lines_of_the_ledger_cannot_be_changed_or_deleted(reader: Reader) -> None:
    record.record(reader, [facts()], POLICY)
    db.session.commit()
    for forbidden in (update(MembershipEvent).values(monthly_delta=1), delete(MembershipEvent)):
        with pytest.raises(DatabaseError, match="append-only"):
            db.session.execute(forbidden)
        db.session.rollback()


def test_dates_of_lines_are_those_of_the_source(reader: Reader) -> None:
    began = clock.now() - timedelta(days=40)
    trial = facts(status=Status.TRIALING, started_at=began, trial_end=began + timedelta(days=14))
    ended = clock.now() - timedelta(days=1)
    record.record(reader, [trial], POLICY)
    record.record(reader, [replace(trial, status=Status.ACTIVE)], POLICY)
    record.record(reader, [replace(trial, status=Status.CANCELED, ended_at=ended, feedback="unused")], POLICY)
    lines = db.session.scalars(select(MembershipEvent).order_by(MembershipEvent.id)).all()
    assert [line.at for line in lines] == [began, began + timedelta(days=14), ended]
    assert [line.feedback for line in lines] == [None, None, "unused"]


standings = st.tuples(
    st.sampled_from(list(Status)),
    st.sampled_from([500, 1500, 5000]),
    st.sampled_from(list(Interval)),
    st.sampled_from(["eur", "usd"]),
    st.booleans(),
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(st.lists(standings, max_size=8))
def test_the_ledger_always_adds_up_to_what_is_held(
    reader: Reader, life: list[tuple[Status, int, Interval, str, bool]]
) -> None:
    name = f"sub_{db.session.scalar(select(func.count(Subscription.id)))}"
    for status, amount, interval, currency, canceling in life:
        cancel_at = clock.now() + timedelta(days=9) if canceling else None
        one = facts(external_id=name, status=status, price=Money(amount, currency), interval=interval)
        record.record(reader, [replace(one, cancel_at=cancel_at)], POLICY)
    held = db.session.execute(
        select(Subscription.currency, func.sum(Subscription.monthly)).group_by(Subscription.currency)
    )
    lines = db.session.execute(
        select(MembershipEvent.currency, func.sum(MembershipEvent.monthly_delta)).group_by(
            MembershipEvent.currency
        )
    )
    assert {key: total for key, total in held if total} == {key: total for key, total in lines if total}
    db.session.commit()
