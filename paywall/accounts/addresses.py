"""E-mail addresses: one spelling for each, so that one person has one account."""

from email_validator import EmailNotValidError, validate_email


def normalise(raw: str) -> str | None:
    """The address in lower case, in ASCII; None for what cannot be an address.

    A domain in other letters is kept in its xn-- form, which every mail server understands. No question is
    asked of the network.
    """
    try:
        found = validate_email(raw.strip(), check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        return None
    return str(found.ascii_email).lower()
