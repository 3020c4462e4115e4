"""How long a request waits for Stripe, and how many may wait: those who only read are not held up."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from flask import Flask, has_request_context

from paywall.billing.gateway import gateway, line
from paywall.errors import Unavailable

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def crowd(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As many requests as may wait for Stripe, each in its thread."""
    monkeypatch.setattr(line, "PATIENCE", 0.01)
    all_wait, answered = threading.Barrier(line.PLACES + 1), threading.Event()

    def ask() -> None:
        with app.test_request_context(), gateway().talking():
            all_wait.wait(10)
            answered.wait(10)

    threads = [threading.Thread(target=ask) for _ in range(line.PLACES)]
    for thread in threads:
        thread.start()
    all_wait.wait(10)
    yield
    answered.set()
    for thread in threads:
        thread.join()
    with app.test_request_context(), gateway().talking():
        pass


@pytest.mark.usefixtures("crowd")
def test_one_more_is_told_to_come_back(app: Flask) -> None:
    refused = pytest.raises(Unavailable, match="does not answer")
    with app.test_request_context(), refused, gateway().talking():
        pytest.fail("it must not speak")


@pytest.mark.usefixtures("crowd")
def test_a_job_waits_for_nobody(app: Flask) -> None:
    with app.app_context(), gateway().talking():
        assert not has_request_context()


def test_a_request_that_has_a_place_needs_no_second(app: Flask) -> None:
    with app.test_request_context(), ExitStack() as stack:
        for _ in range(line.PLACES + 1):
            stack.enter_context(gateway().talking())


def test_what_a_request_asks_is_given_up_sooner(app: Flask) -> None:
    with app.test_request_context():
        hasty = gateway().client
    with app.app_context():
        patient = gateway().client
    tries = [one._requestor._options.max_network_retries for one in (hasty, patient)]
    assert tries == [1, 2]
