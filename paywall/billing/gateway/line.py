"""The line to Stripe: one client, no transaction while it speaks, and its errors in our words."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import BoundedSemaphore

import stripe
import structlog
from flask import g, has_request_context
from flask_babel import gettext

from paywall.billing.remote import Busy, Gone, Mode
from paywall.db import db
from paywall.errors import Unavailable

# So many requests of one process may wait for Stripe at once, so that its other threads read on; one more
# waits so many seconds for its turn.
PLACES = 4
PATIENCE = 2.0

log = structlog.get_logger()


class Line:
    """What every part of the gateway speaks through: jobs by `client`, requests by a `hasty` one if given."""

    def __init__(
        self,
        client: stripe.StripeClient,
        mode: Mode,
        secrets: Callable[[], Sequence[str]],
        hasty: stripe.StripeClient | None = None,
    ) -> None:
        self.mode = mode
        self._secrets = secrets
        self._clients = (client, hasty or client)
        self._places = BoundedSemaphore(PLACES)

    @property
    def client(self) -> stripe.StripeClient:
        """Stripe's client; somebody waits for what a request asks, so it gives up sooner."""
        return self._clients[has_request_context()]

    @contextmanager
    def talking(self) -> Iterator[None]:
        """While Stripe is asked: refuses inside a transaction; raises Gone or Unavailable for what fails."""
        if db.session().in_transaction():
            raise RuntimeError("commit first: no transaction is held while we talk to Stripe")
        try:
            with self._place():
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

    @contextmanager
    def _place(self) -> Iterator[None]:
        """One of the places for requests that wait; jobs, and who has one already, need none."""
        if not has_request_context() or g.get("speaks_to_stripe"):
            yield
            return
        if not self._places.acquire(timeout=PATIENCE):
            log.warning("stripe_crowded")
            raise Unavailable(gettext("Stripe does not answer just now. Please try again in a minute."))
        g.speaks_to_stripe = True
        try:
            yield
        finally:
            g.speaks_to_stripe = False
            self._places.release()
