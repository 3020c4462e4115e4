"""Which passwords we take: long enough, not among those that everybody tries first, not our own names."""

from pathlib import Path
from typing import Any

from flask import current_app
from flask_babel import gettext
from flask_security import PasswordUtil

from paywall.config import Settings

SHORTEST = 10
LONGEST = 128

# The long ones among those that head every published list of leaked passwords.
COMMON = frozenset(Path(__file__).with_name("common_passwords.txt").read_text().split())


def wrong_with(password: str, email: str) -> str | None:
    """What is wrong with a new password of this reader, in a sentence; None if nothing is.

    As NIST SP 800-63B asks: length and known-bad words, no rules about kinds of characters.
    """
    settings: Settings = current_app.extensions["settings"]
    if len(password) < SHORTEST:
        return str(gettext("Choose a password of %(count)s characters or more.", count=SHORTEST))
    if len(password) > LONGEST:
        return str(gettext("Choose a password of at most %(count)s characters.", count=LONGEST))
    plain = password.casefold()
    ours = {email, email.partition("@")[0], settings.site_name.casefold()}
    if plain in COMMON or plain in ours or len(set(plain)) < 4:
        return str(gettext("This password is among the first that others would try. Choose another one."))
    return None


class Passwords(PasswordUtil):
    """Our rule, where Flask-Security asks for one."""

    def validate(
        self,
        password: str,
        is_register: bool,  # noqa: FBT001  # the library's signature
        **context: Any,
    ) -> tuple[list[str] | None, str]:
        """What is wrong, if anything, and the password in its one Unicode form."""
        known = self.normalize(password)
        wrong = wrong_with(known, context["user"].email)
        return ([wrong] if wrong else None), known
