"""How fast Stripe may be asked: so many questions a second, and longer pauses while it says no."""

import time
from collections.abc import Callable
from typing import TypeVar

from paywall.billing.remote import Gone
from paywall.errors import Unavailable

T = TypeVar("T")
TRIES = 8
LONGEST = 60.0


class Pace:
    """Keeps the questions of one walk apart; `calls` counts them."""

    def __init__(self, per_second: float, wait: Callable[[float], None] = time.sleep) -> None:
        self.calls = 0
        self._gap = 1 / per_second
        self._wait = wait
        self._next = 0.0

    def ask(self, question: Callable[[], T], *, calls: int = 1) -> T:
        """Ask when it is time, and again after longer pauses while Stripe is silent; Unavailable at last."""
        for attempt in range(1, TRIES + 1):
            self._step(calls)
            try:
                return question()
            except Gone:
                raise
            except Unavailable:
                if attempt == TRIES:
                    raise
                self._wait(min(LONGEST, 2.0 ** (attempt - 1)))
        raise AssertionError("the last try returns or raises")

    def _step(self, calls: int) -> None:
        self.calls += calls
        now = time.monotonic()
        if self._next > now:
            self._wait(self._next - now)
        self._next = max(now, self._next) + calls * self._gap
