"""The letters about an account, with links built from our own address, never from the request's."""

from typing import Any
from urllib.parse import urlsplit

from flask import after_this_request, current_app
from flask_security import MailUtil
from flask_security.mail_util import EmailValidateException
from flask_security.utils import get_message
from werkzeug.wrappers import Response

from paywall import mail
from paywall.accounts import addresses
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
        """Write the letter and commit after the view: some of the library's views only send."""
        assert isinstance(recipient, str)
        mail.write(template, recipient, link=_reset_link(context.get("reset_token")))
        after_this_request(_commit)

    def normalize(self, email: str) -> str:
        """The address in our one spelling."""
        found = addresses.normalise(email)
        if found is None:
            raise EmailValidateException(get_message("INVALID_EMAIL_ADDRESS")[0])
        return found

    validate = normalize


def _reset_link(token: str | None) -> str:
    return outside("security.reset_password", token=token) if token else outside("security.forgot_password")


def _commit(response: Response) -> Response:
    db.session.commit()
    return response
