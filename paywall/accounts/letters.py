"""The letters about an account, with links built from our own address, never from the request's."""

from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from flask_security import MailUtil
from flask_security.mail_util import EmailValidateException
from flask_security.recoverable import generate_reset_password_token
from flask_security.utils import get_message

from paywall import jobs, mail
from paywall.accounts import addresses, readers
from paywall.accounts.proofs import Begun
from paywall.config import Settings
from paywall.db import db


def with_proof(kind: str, to: str, begun: Begun, endpoint: str = "accounts.link", **context: Any) -> None:
    """Write a letter with a link, and a code for the kinds that print one."""
    link = outside(endpoint, token=begun.token)
    mail.write(kind, to, link=link, code=f"{begun.code[:3]} {begun.code[3:]}", **context)


def outside(endpoint: str, **values: str) -> str:
    """The public address of one of our pages; works in jobs and commands too."""
    settings: Settings = current_app.extensions["settings"]
    where = urlsplit(settings.site_url)
    adapter = current_app.url_map.bind(where.netloc, url_scheme=where.scheme)
    return adapter.build(endpoint, values, force_external=True)


@jobs.job
def reset(email: str) -> None:
    """Write to a reader who forgot the password; to an address without an account nothing is written.

    A job, so that the form answers as quickly for an address that has an account as for one that has none.
    """
    reader = readers.find(email)
    if reader is not None and reader.active:
        token = generate_reset_password_token(reader)  # type: ignore[no-untyped-call]  # the library's
        mail.write("reset", reader.email, link=outside("security.reset_password", token=token))
    db.session.commit()


class AccountMail(MailUtil):
    """Flask-Security's letters, written by us: its template names are our kinds of letter."""

    def send_mail(
        self,
        template: str,
        subject: str,
        recipient: str | tuple[str, str],
        sender: str | tuple[str, str],
        body: str | None,
        html: str | None,
        **context: Any,
    ) -> None:
        """Write the letter; the library's view commits."""
        assert isinstance(recipient, str)
        mail.write(template, recipient, link=outside("security.forgot_password"))

    def normalize(self, email: str) -> str:
        """The address in our one spelling."""
        found = addresses.normalise(email)
        if found is None:
            raise EmailValidateException(get_message("INVALID_EMAIL_ADDRESS")[0])
        return found

    validate = normalize
