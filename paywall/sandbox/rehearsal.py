"""Rehearsing against a real test account: the same scenarios there and in a stand-in, compared."""

import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import stripe

from paywall.sandbox.sandbox import Sandbox
from paywall.sandbox.scenarios import SCENARIOS, Scenario
from paywall.sandbox.stage import Seen, Stage

Steps = list[tuple[str, Seen]]
PRICES = {"month": 900, "dear": 1500}
MISSING = "nothing"


@dataclass(frozen=True)
class Difference:
    """One thing that Stripe shows otherwise than the stand-in."""

    step: str
    what: str
    stripe: object
    stand_in: object


@dataclass(frozen=True)
class Outcome:
    """How a scenario went in both; with `depends_on` its differences are the account's choice."""

    scenario: str
    steps: int
    differences: tuple[Difference, ...]
    depends_on: str

    @property
    def agrees(self) -> bool:
        """Whether nothing differs, but for what is the account's own choice."""
        return not self.differences or bool(self.depends_on)


def rehearse(
    client: stripe.StripeClient,
    types: Collection[str],
    *,
    scenarios: Sequence[Scenario] = SCENARIOS,
    wait: Callable[[float], None] = time.sleep,
) -> Iterator[Outcome]:
    """Play each scenario in the account behind `client` (a test key) and in an empty stand-in.

    `types` are the events to listen for. What was made in the account is taken away again: customers with
    their test clock; the product is archived, because Stripe keeps products that were sold.
    """
    with tempfile.TemporaryDirectory() as folder:
        stand_in = Sandbox(Path(folder) / "stripe.db", public_url="http://127.0.0.1:8000")
        ours = stripe.StripeClient(stand_in.api_key, http_client=stand_in.http_client())
        with _Shop(client) as theirs, _Shop(ours) as own:
            for scenario in scenarios:
                there = _play(scenario, Stage(client, theirs.prices, types, wait), time.time())
                here = _play(scenario, Stage(ours, own.prices, types, _at_once), stand_in.now().timestamp())
                found = tuple(_compare(there, here))
                yield Outcome(scenario.name, len(here), found, scenario.depends_on)


def report(outcome: Outcome) -> str:
    """An outcome in words, for a shell."""
    if not outcome.differences:
        return f"agrees   {outcome.scenario} ({outcome.steps} steps)"
    head = f"differs  {outcome.scenario}"
    if outcome.depends_on:
        head += f" (your account decides this: {outcome.depends_on})"
    return "\n".join([head, *(f"         {_line(one)}" for one in outcome.differences)])


def _line(one: Difference) -> str:
    return f"{one.step}: {one.what}: Stripe {one.stripe}, stand-in {one.stand_in}"


class _Shop:
    """A product with its prices, archived at the end."""

    def __init__(self, client: stripe.StripeClient) -> None:
        self.v1: Any = client.v1
        self.prices: dict[str, str] = {}

    def __enter__(self) -> "_Shop":
        self.product = self.v1.products.create({"name": "Rehearsal of paywall"}).id
        for name, amount in PRICES.items():
            made = self.v1.prices.create(
                {
                    "product": self.product,
                    "currency": "eur",
                    "unit_amount": amount,
                    "recurring": {"interval": "month"},
                }
            )
            self.prices[name] = made.id
        return self

    def __exit__(self, *_: object) -> None:
        self.v1.products.update(self.product, {"active": False})


def _at_once(_: float) -> None:
    return None


def _play(scenario: Scenario, stage: Stage, now: float) -> Steps:
    try:
        stage.open(scenario.name, now)
        scenario.play(stage)
        stage.end()
    except (stripe.InvalidRequestError, stripe.CardError, TimeoutError) as failure:
        stage.seen.append(("broken off", {"why": f"{type(failure).__name__}: {failure}"}))
    finally:
        stage.close()
    return stage.seen


def _compare(there: Steps, here: Steps) -> Iterator[Difference]:
    for step in dict.fromkeys([name for name, _ in here] + [name for name, _ in there]):
        theirs, ours = dict(there).get(step), dict(here).get(step)
        if theirs is None or ours is None:
            yield Difference(step, "the step", *("played" if seen else MISSING for seen in (theirs, ours)))
            continue
        for what in sorted(theirs.keys() | ours.keys()):
            if theirs.get(what, MISSING) != ours.get(what, MISSING):
                yield Difference(step, what, theirs.get(what, MISSING), ours.get(what, MISSING))
