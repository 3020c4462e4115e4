"""How often one network address, and one e-mail address, may ask for letters or try a secret."""

import hashlib
import ipaddress
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app, request
from flask_limiter import Limiter

from paywall.config import Settings

View = TypeVar("View", bound=Callable[..., Any])

LETTERS = {"address": "30/hour", "email": "5/15 minutes; 20/day"}
SECRETS = {"address": "60/hour", "email": "10/15 minutes; 50/day"}


def client() -> str:
    """The network address of whoever asks; for IPv6 its /64, as one home holds billions of addresses."""
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else str(address)


limiter = Limiter(client, strategy="moving-window", in_memory_fallback_enabled=True)


def writes_letters(view: View) -> View:
    """Limit the POSTs of a view that sends mail to an address of the asker's choice."""
    return _limited(view, "letters", LETTERS)


def checks_secret(view: View) -> View:
    """Limit the POSTs of a view that compares a password or a code."""
    return _limited(view, "secrets", SECRETS)


def init_app(app: Flask, settings: Settings) -> None:
    """Count in the place that the settings name."""
    app.config["RATELIMIT_STORAGE_URI"] = settings.rate_limit_url
    limiter.init_app(app)


@limiter.request_filter
def _switched_off() -> bool:
    return not current_app.extensions["settings"].rate_limits


def _limited(view: View, name: str, limits: dict[str, str]) -> View:
    by_client = limiter.shared_limit(limits["address"], f"{name}-client", key_func=client, exempt_when=_is_reading)
    by_email = limiter.shared_limit(limits["email"], f"{name}-email", key_func=_email, exempt_when=_names_nobody)
    return by_client(by_email(view))


def _is_reading() -> bool:
    return request.method != "POST"


def _names_nobody() -> bool:
    return _is_reading() or not request.form.get("email", "").strip()


def _email() -> str:
    # Counted by a hash, so that a shared store of counters is no list of readers.
    return hashlib.sha256(request.form["email"].strip().lower().encode()).hexdigest()
