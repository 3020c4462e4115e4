"""Delivering the stand-in's events over HTTP, as Stripe does: by a job, and each minute what failed."""

from collections.abc import Mapping

import requests
from flask import current_app

from paywall import jobs
from paywall.sandbox.sandbox import Sandbox

TIMEOUT = 10.0


@jobs.job
def deliver() -> None:
    """Deliver what is due now."""
    stand_in: Sandbox | None = current_app.extensions.get("sandbox")
    if stand_in is not None:
        stand_in.deliveries.deliver_due(post)


@jobs.every(minute="*")
def deliver_again() -> None:
    """Deliver what failed before and is due again."""
    deliver()


def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """The status with which an endpoint answers; redirects are not followed. Raises OSError if none does."""
    return requests.post(
        url, data=body, headers=dict(headers), timeout=TIMEOUT, allow_redirects=False
    ).status_code
