"""Where the torture reaches into the product: what waits for nothing, and the places of the turnstile."""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
import stripe
import structlog
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session, SessionTransaction

from paywall import clock, mail
from paywall.billing.reconcile.pace import Pace
from paywall.sandbox import clock as sandbox_clock
from paywall.sandbox import deliveries as sandbox_deliveries
from paywall.sandbox.transport import SandboxClient
from tests.torture import turnstile

# Ahead of the real time, for a signature must not be old.
START = datetime(2040, 1, 15, 12, 0, tzinfo=UTC).timestamp()


def quicken(patch: pytest.MonkeyPatch, now: Callable[[], datetime]) -> None:
    """Let nobody wait, render no letter, and let time stand still at `now`."""
    put = patch.setattr
    put(stripe.HTTPClient, "INITIAL_DELAY", 0)
    put(stripe.HTTPClient, "MAX_DELAY", 0)
    put(Pace.__init__, "__defaults__", (lambda _seconds: None,))
    put(mail, "render_template", lambda name, **_: name)
    # An indent makes Python's JSON ten times slower.
    put(sandbox_deliveries, "json", SimpleNamespace(dumps=lambda doc, **_: json.dumps(doc)))
    put(sandbox_clock, "time", SimpleNamespace(time=lambda: START))
    # Back-off and claims follow the machine's clock: here that is the stand-in's.
    put(sandbox_deliveries, "time", SimpleNamespace(time=lambda: now().timestamp()))
    put(clock, "_wall", now)


def be_silent() -> None:
    """Log nothing: what goes wrong on purpose is no news."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)


def watch(engine: Engine) -> None:
    """Let a process die at any statement and just before any commit."""
    for name in ("before_cursor_execute", "commit"):
        event.listen(engine, name, lambda *_: turnstile.mortal())


class Line(SandboxClient):
    """The way to Stripe, with a turnstile before each question and before each answer."""

    def request(self, *args: Any, **kwargs: Any) -> Any:
        """Ask."""
        turnstile.passing()
        answer = super().request(*args, **kwargs)
        turnstile.passing()
        return answer


@event.listens_for(Session, "after_transaction_end")
def _transaction_over(_session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        turnstile.passing()
