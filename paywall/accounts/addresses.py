"""E-mail addresses: one spelling for each, so that one person has one account."""

from email_validator import EmailNotValidError, validate_email
from flask import current_app

from paywall.config import Settings


def normalise(raw: str) -> str | None:
    """The address in lower case, its domain as people write it; None for what cannot be an address.

    No question is asked of the network. Demo mode also takes names kept for examples, like @courier.example.
    """
    settings: Settings = current_app.extensions["settings"]
    try:
        found = validate_email(
            raw.strip(), check_deliverability=False, globally_deliverable=not settings.sandbox
        )
    except EmailNotValidError:
        return None
    return found.normalized.lower()
