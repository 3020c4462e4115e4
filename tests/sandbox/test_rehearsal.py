"""Rehearsals: an account that does as the stand-in does agrees, one that does otherwise is caught."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import stripe
from flask import Flask

from paywall import create_app
from paywall.billing import gateway
from paywall.billing.setup import EVENTS
from paywall.sandbox import Fault, FaultKind, Sandbox
from paywall.sandbox.collection import AfterRetries, Dunning
from paywall.sandbox.rehearsal import Outcome, rehearse, report
from paywall.sandbox.scenarios import SCENARIOS, Scenario
from paywall.sandbox.stage import PATIENCE, Stage
from tests.conftest import dispose, make_settings


@pytest.fixture
def client(sandbox: Sandbox) -> stripe.StripeClient:
    """What plays the real account."""
    return stripe.StripeClient(sandbox.api_key, http_client=sandbox.http_client())


def chosen(*words: str) -> list[Scenario]:
    return [one for one in SCENARIOS if any(word in one.name for word in words)]


def rehearsed(client: stripe.StripeClient, *words: str) -> list[Outcome]:
    return list(rehearse(client, EVENTS, scenarios=chosen(*words) or SCENARIOS, wait=lambda _: None))


def test_an_account_like_the_stand_in_agrees_in_every_scenario(client: stripe.StripeClient) -> None:
    outcomes = rehearsed(client)
    assert [one.scenario for one in outcomes] == [one.name for one in SCENARIOS]
    assert [one.differences for one in outcomes] == [()] * len(SCENARIOS)
    assert all(one.agrees and one.steps >= 2 for one in outcomes)


def test_nothing_is_left_in_the_account(client: stripe.StripeClient) -> None:
    rehearsed(client, "joins", "trial")
    assert client.v1.customers.list().data == []
    assert [product.active for product in client.v1.products.list().data] == [False]


def test_an_account_that_retries_otherwise_is_told_but_not_counted(
    client: stripe.StripeClient, sandbox: Sandbox
) -> None:
    sandbox.dunning = Dunning(end=AfterRetries.UNPAID)
    (outcome,) = rehearsed(client, "for good")
    assert outcome.agrees
    assert "your account decides this" in report(outcome)
    assert "subscription 1: status: Stripe unpaid, stand-in canceled" in report(outcome)


def is_older(stage: Stage) -> bool:
    """Whether this is the account that has sold something before."""
    return len(stage.client.v1.products.list().data) > 1


def test_a_difference_is_named_with_its_step(client: stripe.StripeClient) -> None:
    def slow(stage: Stage) -> None:
        stage.join(trial_period_days=5 if is_older(stage) else 4)
        stage.look("joined")

    client.v1.products.create({"name": "Mug"})
    (outcome,) = rehearse(client, EVENTS, scenarios=[Scenario("slow", slow)], wait=lambda _: None)
    assert not outcome.agrees
    assert [(one.step, one.what, one.stripe, one.stand_in) for one in outcome.differences] == [
        ("joined", "subscription 1: period end", 120, 96),
        ("joined", "subscription 1: trial end", 120, 96),
    ]
    assert "differs  slow" in report(outcome)


def test_a_scenario_that_breaks_off_in_one_account_differs(client: stripe.StripeClient) -> None:
    def picky(stage: Stage) -> None:
        if is_older(stage):
            stage.prices["none"] = "price_none"
            stage.join("none")

    client.v1.products.create({"name": "Mug"})
    (outcome,) = rehearse(client, EVENTS, scenarios=[Scenario("picky", picky)], wait=lambda _: None)
    assert [(one.step, one.stripe, one.stand_in) for one in outcome.differences] == [
        ("events", "nothing", "played"),
        ("broken off", "played", "nothing"),
    ]


def test_a_clock_that_never_arrives_is_given_up(client: stripe.StripeClient, sandbox: Sandbox) -> None:
    waited: list[float] = []
    sandbox._follow_test_clock = lambda: None  # type: ignore[method-assign]
    patient = Scenario("patient", lambda stage: stage.advance(days=1))
    (outcome,) = rehearse(client, EVENTS, scenarios=[patient], wait=waited.append)
    assert [one.step for one in outcome.differences] == ["events", "broken off"]
    assert len(waited) >= PATIENCE


@pytest.fixture
def newsroom(tmp_path: Path, sandbox: Sandbox) -> Iterator[Flask]:
    """The product with a test key, its line to Stripe led to the stand-in."""
    settings = make_settings(
        data_dir=tmp_path,
        sandbox=False,
        stripe_secret_key="sk_test_123",
        smtp_url="smtp://127.0.0.1:1",
    )
    app = create_app(settings)
    gateway.init_app(app, settings, api_key=sandbox.api_key, http_client=sandbox.http_client())
    yield app
    dispose(app)


def test_the_command_says_what_agrees(newsroom: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paywall.sandbox.stage.LAG", 0)
    result = newsroom.test_cli_runner().invoke(args=["paywall", "rehearse", "--only", "refunded"])
    assert (result.exit_code, result.output) == (0, "agrees   is refunded (2 steps)\n")


def test_the_command_speaks_json(newsroom: Flask, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paywall.sandbox.stage.LAG", 0)
    sandbox.dunning = Dunning(end=AfterRetries.UNPAID)
    asked = ["paywall", "rehearse", "--json", "--only", "fails for good"]
    result = newsroom.test_cli_runner().invoke(args=asked)
    said: Mapping[str, object] = json.loads(result.output)
    assert result.exit_code == 0
    assert said["scenario"] == "a renewal fails for good"
    assert said["differences"]


def test_the_command_ends_with_1_for_a_difference(
    newsroom: Flask, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paywall.sandbox.stage.LAG", 0)
    sandbox.faults.set(Fault(FaultKind.API_ERROR, match="/v1/refunds", status=400))
    result = newsroom.test_cli_runner().invoke(args=["paywall", "rehearse", "--only", "refunded"])
    assert result.exit_code == 1
    assert "broken off" in result.output


def test_the_command_refuses_a_name_that_no_scenario_has(newsroom: Flask) -> None:
    result = newsroom.test_cli_runner().invoke(args=["paywall", "rehearse", "--only", "opera"])
    assert result.exit_code == 1
    assert "joins and renews twice" in result.output


@pytest.mark.parametrize("given", [{"sandbox": True}, {"stripe_secret_key": "sk_live_123"}])
def test_the_command_refuses_any_but_a_test_key(tmp_path: Path, given: dict[str, object]) -> None:
    usual = {"data_dir": tmp_path, "sandbox": False, "smtp_url": "smtp://127.0.0.1:1"}
    app = create_app(make_settings(**(usual | given)))
    result = app.test_cli_runner().invoke(args=["paywall", "rehearse"])
    assert result.exit_code == 1
    assert "need a test key" in result.output
    dispose(app)
