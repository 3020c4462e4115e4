"""The line to Stripe: one client, no transaction while it speaks, and its errors in our words."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import stripe
import structlog
from flask_babel import gettext

from paywall.billing.remote import Busy, Gone, Mode
from paywall.db import db
from paywall.errors import Unavailable

log = structlog.get_logger()


class Line:
    """What every part of the gateway speaks through."""

    def __init__(self, client: stripe.StripeClient, mode: Mode, secrets: Callable[[], Sequence[str]]) -> None:
        self.client = client
        self.mode = mode
        self._secrets = secrets

    @contextmanager
    def talking(self) -> Iterator[None]:
        """While Stripe is asked: refuses inside a transaction; raises Gone or Unavailable for what fails."""
        if db.session().in_transaction():
            raise RuntimeError("commit first: no transaction is held while we talk to Stripe")
        try:
            yield
        except stripe.InvalidRequestError as error:
            if error.code == "resource_missing":
                words = gettext("Stripe no longer knows what we asked for. Please try again.")
                raise Gone(words, error.param) from error
            log.exception("stripe_refused", code=error.code, param=error.param)
            words = gettext("Stripe refused our request. We have been told; nothing was charged.")
            raise Unavailable(words) from error
        except stripe.RateLimitError as error:
            log.warning("stripe_busy")
            raise Busy(gettext("Stripe does not answer just now. Please try again in a minute.")) from error
        except stripe.StripeError as error:
            log.warning("stripe_unavailable", kind=type(error).__name__, status=error.http_status)
            words = gettext("Stripe does not answer just now. Please try again in a minute.")
            raise Unavailable(words) from error
