"""The mail server: how a message is handed over to it, and which of its failures leave no doubt."""

import contextlib
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from flask import Flask

from paywall.config import Settings

HandOver = Callable[[EmailMessage], object]
Post = Callable[[], AbstractContextManager[HandOver]]
# The server said no, or was never told: it has not taken the message. Whatever else breaks a hand-over, it
# may have, and only its answer was lost.
REFUSALS = (
    smtplib.SMTPResponseException,
    smtplib.SMTPRecipientsRefused,
    smtplib.SMTPNotSupportedError,
)


def init_app(app: Flask, settings: Settings) -> None:
    """Choose the post: SMTP, or in demo mode the sandbox's page, which shows the rows themselves."""
    app.extensions["post"] = _kept if settings.sandbox else _smtp(settings)


@contextmanager
def _kept() -> Iterator[HandOver]:
    yield lambda _message: None


def _smtp(settings: Settings) -> Post:
    where = urlsplit(settings.smtp_url.get_secret_value())

    @contextmanager
    def post() -> Iterator[HandOver]:
        smtp = _connect(where.scheme, where.hostname or "", where.port)
        try:
            if where.username:
                _must_be_private(smtp, where.hostname or "")
                smtp.login(unquote(where.username), unquote(where.password or ""))
            yield smtp.send_message
        finally:
            # The letter is out or refused by now: how the server says good-bye must not send it twice.
            with contextlib.suppress(smtplib.SMTPException, OSError):
                smtp.quit()

    return post


def _connect(scheme: str, host: str, port: int | None) -> smtplib.SMTP:
    if scheme == "smtps":
        return smtplib.SMTP_SSL(host, port or 465, timeout=20, context=ssl.create_default_context())
    smtp = smtplib.SMTP(host, port or 587, timeout=20)
    smtp.ehlo()
    if smtp.has_extn("starttls"):
        smtp.starttls(context=ssl.create_default_context())
    return smtp


def _must_be_private(smtp: smtplib.SMTP, host: str) -> None:
    """Who stands between us and the server can hide that it knows TLS, and would be told the password."""
    on_this_machine = host in {"localhost", "127.0.0.1", "::1"}
    if not on_this_machine and not isinstance(smtp.sock, ssl.SSLSocket):
        raise smtplib.SMTPException("the server offers no TLS: the password is not sent to it")
