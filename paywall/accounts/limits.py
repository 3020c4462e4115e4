"""How often one network address, and one person, may ask for letters or try a secret."""

import hashlib
import ipaddress
import math
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app, request
from flask_limiter import Limiter
from flask_login import current_user
from limits.errors import ConfigurationError

from paywall import clock
from paywall.accounts import addresses, sessions
from paywall.config import Settings
from paywall.errors import WrongSetting

View = TypeVar("View", bound=Callable[..., Any])

LETTERS_BY_CLIENT, LETTERS_BY_EMAIL = "30/hour", "5/15 minutes; 20/day"
SECRETS_BY_CLIENT, SECRETS_BY_EMAIL = "60/hour", "10/15 minutes; 50/day"


def client() -> str:
    """The network address of whoever asks; for IPv6 its /64, as one home holds billions of addresses."""
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else str(address)


def by_reader() -> str:
    """Who is signed in, wherever they sit."""
    return f"reader:{current_user.get_id()}"


limiter = Limiter(client, strategy="moving-window", in_memory_fallback_enabled=True)


def writes_letters(view: View) -> View:
    """Limit the POSTs of a view that sends mail: by client, and by the address that the mail goes to."""
    return _limited(view, "letters", LETTERS_BY_CLIENT, LETTERS_BY_EMAIL, _given)


def writes_again(view: View) -> View:
    """The same for a view that writes to the address that this browser waits for, whatever its form says."""
    return _limited(view, "letters", LETTERS_BY_CLIENT, LETTERS_BY_EMAIL, _waited_for)


def writes_to_owner(view: View) -> View:
    """The same for a view that writes to the address of who is signed in."""
    return _limited(view, "letters", LETTERS_BY_CLIENT, LETTERS_BY_EMAIL, _owner)


def checks_secret(view: View) -> View:
    """Limit the POSTs of a view that compares a password or a link: by client, and by whose secret it is."""
    return _limited(view, "secrets", SECRETS_BY_CLIENT, SECRETS_BY_EMAIL, _owner)


def checks_code(view: View) -> View:
    """The same for a view that compares the code that this browser waits for."""
    return _limited(view, "secrets", SECRETS_BY_CLIENT, SECRETS_BY_EMAIL, _waited_for)


def seconds_left() -> int:
    """How long whoever has just been refused must wait."""
    limit = limiter.current_limit
    return max(1, math.ceil(limit.reset_at - clock.wall().timestamp())) if limit else 1


def init_app(app: Flask, settings: Settings) -> None:
    """Count in the place that the settings name; raises WrongSetting if there is no such kind of place.

    While that place does not answer, each process counts for itself.
    """
    app.config["RATELIMIT_STORAGE_URI"] = settings.rate_limit_url
    try:
        limiter.init_app(app)
    except ConfigurationError as wrong:
        raise WrongSetting(f"PAYWALL_RATE_LIMIT_URL: {wrong}") from None


@limiter.request_filter
def _switched_off() -> bool:
    return not current_app.extensions["settings"].rate_limits


def _limited(view: View, name: str, by_client: str, by_email: str, whose: Callable[[], str]) -> View:
    def names_nobody() -> bool:
        return _is_reading() or not whose()

    def key() -> str:
        # Counted by a hash, so that a shared store of counters is no list of readers.
        return hashlib.sha256(whose().encode()).hexdigest()

    clients = limiter.shared_limit(by_client, f"{name}-client", key_func=client, exempt_when=_is_reading)
    people = limiter.shared_limit(by_email, f"{name}-email", key_func=key, exempt_when=names_nobody)
    return clients(people(view))  # type: ignore[return-value]  # Flask-Limiter keeps the view's shape


def _is_reading() -> bool:
    return request.method != "POST"


def _given() -> str:
    return addresses.normalise(request.form.get("email", "")) or ""


def _waited_for() -> str:
    waiting = sessions.waiting()
    return waiting["email"] if waiting else ""


def _owner() -> str:
    return str(current_user.email) if current_user.is_authenticated else _given()
