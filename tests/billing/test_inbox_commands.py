"""`flask paywall inbox ...`: what came in is listed, shown and handled again."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskCliRunner
from sqlalchemy import update

from paywall import clock
from paywall.billing import claims, inbox
from paywall.billing.models import EventState, StripeEvent
from paywall.db import db
from paywall.sandbox import Fault, FaultKind
from tests.billing.test_inbox import STUCK, customer, rows, states, store
from tests.shop import Shop
from tests.test_cli import fails, run, shell

pytestmark = pytest.mark.story

ONE_DATABASE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

__all__ = ["customer", "shell"]  # fixtures


@pytest.fixture
def known(shop: Shop, customer: str) -> str:
    """An inbox with one event of each state; the customer whose they are."""
    store("cus_stranger", 1)
    store(customer, 2)
    inbox.handle_waiting()
    shop.sandbox.faults.set(STUCK)
    store(customer, 3)
    inbox.handle_waiting()
    shop.sandbox.faults.clear()
    store(customer, 4)
    return customer


def listed(shell: FlaskCliRunner, *options: str) -> list[str]:
    """Stripe's ids of the events that are listed."""
    said = run(shell, "inbox", "list", "--json", *options)
    return [json.loads(line)["event_id"] for line in said.splitlines()]


def test_the_newest_are_listed_first(shell: FlaskCliRunner, known: str) -> None:
    lines = run(shell, "inbox", "list").splitlines()
    assert [line.split()[-1] for line in lines] == ["evt_4", "evt_3", "evt_2", "evt_1"]
    assert [line.split()[2] for line in lines] == ["received", "failed", "handled", "ignored"]
    assert lines[1].split()[3:6] == ["1", "of", "12"]
    assert known in lines[0]


def test_only_those_asked_for(shell: FlaskCliRunner, known: str) -> None:
    assert listed(shell, "--state", "failed") == ["evt_3"]
    assert listed(shell, "--state", "ignored") == ["evt_1"]
    assert listed(shell, "--customer", "cus_stranger") == ["evt_1"]
    assert listed(shell, "--customer", "cus_stranger", "--state", "failed") == []
    assert listed(shell, "--limit", "2") == ["evt_4", "evt_3"]


@ONE_DATABASE
def test_none_is_said_in_words_or_by_no_line(shell: FlaskCliRunner) -> None:
    assert run(shell, "inbox", "list") == "There are no such events.\n"
    assert run(shell, "inbox", "list", "--json") == ""
    assert "'lost'" in fails(shell, "inbox", "list", "--state", "lost")


def test_one_is_shown_with_its_error_and_what_stripe_sent(shell: FlaskCliRunner, known: str) -> None:
    said = run(shell, "inbox", "show", "evt_3")
    assert said == run(shell, "inbox", "show", "3")
    assert "state         failed" in said
    assert f"customer      {known}" in said
    assert "The last error:\nTraceback (most recent call last):" in said
    assert "Unavailable: Stripe does not answer just now." in said
    assert '"object": "subscription"' in said.partition("What Stripe sent:")[2]


def test_one_that_went_well_is_shown_without_an_error(shell: FlaskCliRunner, known: str) -> None:
    said = run(shell, "inbox", "show", "evt_2")
    assert "handled_at" in said
    assert "error" not in said
    whole = json.loads(run(shell, "inbox", "show", "evt_2", "--json"))
    assert (whole["error"], whole["attempts"], whole["payload"]["object"]) == (None, 1, "event")


@ONE_DATABASE
@pytest.mark.parametrize("command", ["show", "replay"])
def test_what_is_not_there_is_said(shell: FlaskCliRunner, shop: Shop, command: str) -> None:
    more = ("--why", "After the mend") if command == "replay" else ()
    for name in ("99", "evt_99", "1" * 30, "²"):
        assert f"There is no event {name} in the inbox" in fails(shell, "inbox", command, name, *more)


def test_what_failed_is_handled_again(shell: FlaskCliRunner, known: str, work: Callable[[], int]) -> None:
    assert (
        run(shell, "inbox", "replay", "--failed", "--why", "After the mend")
        == "To be handled again by the worker: 1.\n"
    )
    assert (rows()[2].state, rows()[2].attempts) == (EventState.RECEIVED, 0)
    assert "Unavailable" in (rows()[2].error or "")
    work()
    assert (rows()[2].state, rows()[2].error) == (EventState.HANDLED, None)
    assert (
        run(shell, "inbox", "replay", "--failed", "--why", "After the mend")
        == "To be handled again by the worker: 0.\n"
    )


def test_what_was_given_up_is_told_apart_and_handled_again(
    shell: FlaskCliRunner, known: str, work: Callable[[], int]
) -> None:
    given_up = update(StripeEvent).where(StripeEvent.event_id == "evt_3")
    db.session.execute(given_up.values(try_at=None, attempts=claims.ATTEMPTS))
    db.session.commit()
    assert "given up  12 of 12" in run(shell, "inbox", "list", "--state", "failed")
    run(shell, "inbox", "replay", "evt_3", "--why", "After the mend")
    work()
    assert (rows()[2].state, rows()[2].attempts) == (EventState.HANDLED, 1)


def test_any_event_can_be_handled_again_and_fail_again(
    shop: Shop, shell: FlaskCliRunner, known: str, work: Callable[[], int]
) -> None:
    work()
    shop.sandbox.faults.set(Fault(FaultKind.API_ERROR, times=None))
    assert (
        run(shell, "inbox", "replay", "2", "evt_1", "--why", "After the mend")
        == "To be handled again by the worker: 2.\n"
    )
    work()
    assert states()[:2] == [EventState.IGNORED, EventState.FAILED]
    assert rows()[1].handled_at is None


def test_one_that_a_dead_worker_holds_need_not_wait(
    shell: FlaskCliRunner, known: str, work: Callable[[], int]
) -> None:
    db.session.execute(
        update(StripeEvent)
        .where(StripeEvent.event_id == "evt_4")
        .values(claimed_until=clock.wall() + timedelta(minutes=4))
    )
    db.session.commit()
    work()
    assert states()[3] is EventState.RECEIVED
    run(shell, "inbox", "replay", "4", "--why", "After the mend")
    work()
    assert states()[3] is EventState.HANDLED


def test_a_wrong_name_among_others_replays_nothing(
    shell: FlaskCliRunner, known: str, work: Callable[[], int]
) -> None:
    assert "nothing was replayed" in fails(
        shell, "inbox", "replay", "evt_1", "evt_99", "--why", "After the mend"
    )
    assert states()[0] is EventState.IGNORED


@ONE_DATABASE
@pytest.mark.parametrize("words", [(), ("evt_1", "--failed")])
def test_either_names_or_all_that_failed(shell: FlaskCliRunner, words: tuple[str, ...]) -> None:
    assert "Name the events" in fails(shell, "inbox", "replay", *words, "--why", "After the mend")
