"""E-mail addresses: one spelling for each, so that one person has one account."""

from email_validator import EmailNotValidError, validate_email
from flask import current_app

from paywall.config import Settings


def normalise(raw: str) -> str | None:
    """The address in lower case, in ASCII; None for what cannot be an address.

    A domain in other letters is kept in its xn-- form, which every mail server understands. No question is
    asked of the network. Demo mode also takes the domains kept for examples, like @courier.example.
    """
    settings: Settings = current_app.extensions["settings"]
    try:
        found = validate_email(
            raw.strip(),
            check_deliverability=False,
            allow_smtputf8=False,
            globally_deliverable=not settings.sandbox,
        )
    except EmailNotValidError:
        return None
    return str(found.ascii_email).lower()
