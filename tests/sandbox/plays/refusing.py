"""Calls that Stripe refuses; their answers are checked like any other."""

from collections.abc import Callable
from typing import Any

import pytest
import stripe


def refused(call: Callable[..., object], *args: Any) -> None:
    """Make the call, which must be refused."""
    with pytest.raises(stripe.StripeError):
        call(*args)
