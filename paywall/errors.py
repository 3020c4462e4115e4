"""What can go wrong in words for a person: one small hierarchy, rendered in one place (app.py)."""


class PaywallError(Exception):
    """A refusal with an HTTP status; its message is fit to be shown to whoever caused it."""

    status = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class BadInput(PaywallError):
    """What was sent cannot be understood; the message says what to send instead."""

    status = 400


class Refused(PaywallError):
    """Understood, but not for this reader."""

    status = 403


class NotFound(PaywallError):
    """There is no such thing, or it is not this reader's."""

    status = 404


class Conflict(PaywallError):
    """It has already happened, or something else must happen first."""

    status = 409


class Unavailable(PaywallError):
    """A service that we need (Stripe, the mail server) does not answer; trying again later is right."""

    status = 503


class WrongSetting(PaywallError):
    """The start fails: a setting is missing or wrong. One line, naming the setting."""
