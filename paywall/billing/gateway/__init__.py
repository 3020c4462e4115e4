"""The only place that talks to Stripe: its JSON ends here, rooms get frozen facts."""

from collections.abc import Callable, Sequence

import stripe
from flask import Flask, current_app

from paywall.billing.gateway.books import Books
from paywall.billing.gateway.cashbook import CashBook
from paywall.billing.gateway.catalogue import Catalogue
from paywall.billing.gateway.discounts import Discounts
from paywall.billing.gateway.events import Events
from paywall.billing.gateway.gifts import Gifts
from paywall.billing.gateway.groups import Groups
from paywall.billing.gateway.pages import Pages
from paywall.billing.gateway.refunds import Refunds
from paywall.billing.gateway.selfcare import SelfCare
from paywall.billing.gateway.walks import Walks
from paywall.billing.remote import Mode
from paywall.config import Settings

stripe.enable_telemetry = False


class Gateway(Events, Books, CashBook, Pages, Catalogue, Discounts, Gifts, Groups, Refunds, SelfCare, Walks):
    """Everything that we ask of Stripe. Raises Unavailable when it does not answer, Gone for what it has not.

    No transaction may be open while it speaks: a slow answer would hold the database.
    """


def init_app(
    app: Flask,
    settings: Settings,
    *,
    api_key: str | None = None,
    http_client: stripe.HTTPClient | None = None,
    secrets: Callable[[], Sequence[str]] | None = None,
) -> None:
    """Make this app's gateway; a stand-in gives its own key, connection and secrets."""

    def client(*, tries: int, seconds: int) -> stripe.StripeClient:
        return stripe.StripeClient(
            api_key or settings.stripe_secret_key.get_secret_value(),
            max_network_retries=tries - 1,
            http_client=http_client or stripe.RequestsClient(timeout=(3, seconds)),
        )

    own = [secret.get_secret_value() for secret in settings.stripe_webhook_secrets]
    mode = Mode.SANDBOX if settings.sandbox else Mode.LIVE if settings.live else Mode.TEST
    app.extensions["gateway"] = Gateway(
        client(tries=3, seconds=15), mode, secrets or (lambda: own), hasty=client(tries=2, seconds=10)
    )


def gateway() -> Gateway:
    """The gateway of the present app."""
    found: Gateway = current_app.extensions["gateway"]
    return found
