"""The one thing that no call can show: an object that lacks what Stripe always fills is our own fault."""

import pytest

from paywall.sandbox import shapes


def test_a_field_that_stripe_always_fills_must_have_a_value() -> None:
    with pytest.raises(LookupError, match=r"Product\.created has no value"):
        shapes.complete({"object": "product", "id": "prod_1", "name": "x", "active": True, "type": "service"})
