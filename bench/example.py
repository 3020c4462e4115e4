"""A real event to send: the stand-in's own `customer.subscription.updated`, of a patron who has cancelled."""

import json
from pathlib import Path
from typing import Any

import flask_migrate
from sqlalchemy import select

from bench.reconcile import newsroom
from bench.sender import CUSTOMER, EVENT
from paywall import clock
from paywall.billing.models import StripeCustomer
from paywall.db import db
from paywall.demo.seed import seed
from paywall.membership.models import Subscription
from paywall.membership.rules import Source


def updated_subscription(folder: Path) -> str:
    """The event's body as Stripe would send it, with EVENT and CUSTOMER in the places of those two ids."""
    app = newsroom(folder, "")
    try:
        with app.app_context():
            flask_migrate.upgrade()
            seed()
            held = select(Subscription.external_id).where(Subscription.source == Source.STRIPE)
            ours = db.session.execute(select(StripeCustomer.stripe_id, held.scalar_subquery())).one()
            event = _cancelled(app.extensions["sandbox"], ours[1])
    finally:
        clock.use(None)
    # Stripe indents what it sends.
    return json.dumps(event, indent=2).replace(event["id"], EVENT).replace(ours[0], CUSTOMER)


def _cancelled(sandbox: Any, subscription: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {sandbox.api_key}"}
    sandbox.handle("POST", f"/v1/subscriptions/{subscription}", "cancel_at_period_end=true", headers)
    wanted = "types[]=customer.subscription.updated&limit=1"
    event: dict[str, Any] = json.loads(sandbox.handle("GET", "/v1/events", wanted, headers).body)["data"][0]
    return event
