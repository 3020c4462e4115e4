"""Letters: stored with what caused them, sent by a job after the commit, at most once per cause."""

import contextlib
import smtplib
import ssl
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog
from flask import Flask, current_app, render_template
from sqlalchemy import Index, String, Text, select, update
from sqlalchemy.orm import Mapped, mapped_column

from paywall import clock, jobs
from paywall.config import Settings
from paywall.db import Id, Model, db, utcnow

CLAIM = timedelta(minutes=10)
ATTEMPTS = 8
UNREACHABLE = (
    "TimeoutError",
    "ConnectionRefusedError",
    "gaierror",
    "SMTPConnectError",
    "SMTPServerDisconnected",
)

log = structlog.get_logger()


class Letter(Model):
    """One mail to one address. `cause` is unique: the same cause never writes a second letter."""

    __tablename__ = "letter"
    __table_args__ = (Index("ix_letter_waiting", "sent_at", "try_at"),)

    id: Mapped[Id]
    cause: Mapped[str | None] = mapped_column(String(200), unique=True)
    kind: Mapped[str] = mapped_column(String(40))
    to: Mapped[str] = mapped_column("to_address", String(320), index=True)
    subject: Mapped[str] = mapped_column(String(300))
    text: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    try_at: Mapped[datetime | None] = mapped_column(default=clock.wall)
    sent_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(Text)


Post = Callable[[Letter], None]


def write(kind: str, to: str, *, cause: str | None = None, **context: Any) -> Letter | None:
    """Render templates/email/<kind>.txt and .html and store the letter; the commit then sends it.

    The first line of the text template is the subject. With a `cause` that has a letter already, nothing
    is written and None is returned.
    """
    if cause and db.session.scalar(select(Letter.id).where(Letter.cause == cause)):
        return None
    subject, _, text = render_template(f"email/{kind}.txt", **context).strip().partition("\n")
    html = render_template(f"email/{kind}.html", subject=subject, **context)
    letter = Letter(cause=cause, kind=kind, to=to, subject=subject, text=text.strip() + "\n", html=html)
    db.session.add(letter)
    db.session.flush()
    jobs.later(send, letter.id)
    return letter


@jobs.job
def send(letter_id: int) -> None:
    """Send one letter if it still waits; a failure is kept on the row and tried again later."""
    _try(letter_id)


def _try(letter_id: int) -> bool:
    """Whether it is worth while to go on with the next letter: not if the server cannot be reached."""
    letter = _claim(letter_id)
    if letter is None:
        return True
    try:
        current_app.extensions["post"](letter)
    except Exception as failure:
        # Whatever it was: the row must say so, and the tries must come to an end.
        _failed(letter, failure)
    else:
        letter.sent_at, letter.try_at, letter.error = clock.now(), None, None
        if not current_app.extensions["keep_letters"]:
            # Links in letters are keys: once the letter is out, our copy of them is only a risk.
            letter.text = letter.html = ""
    goes_on = not (letter.error or "").startswith(UNREACHABLE)
    db.session.add(letter)
    db.session.commit()
    return goes_on


@jobs.every(minute="*")
def send_waiting() -> None:
    """Send the letters whose job was lost or whose time to be tried again has come."""
    due = select(Letter.id).where(Letter.sent_at.is_(None), Letter.try_at <= clock.wall()).limit(500)
    waiting = db.session.scalars(due).all()
    db.session.commit()
    for letter_id in waiting:
        if not _try(letter_id):
            return


def newest(most: int = 200) -> Sequence[Letter]:
    """The letters written last, newest first."""
    return db.session.scalars(select(Letter).order_by(Letter.id.desc()).limit(most)).all()


def init_app(app: Flask, settings: Settings) -> None:
    """Choose the post: SMTP, or in demo mode the sandbox's page, which shows the rows themselves."""
    app.extensions["post"] = _kept if settings.sandbox else _smtp(settings)
    app.extensions["keep_letters"] = settings.sandbox


def _claim(letter_id: int) -> Letter | None:
    """Take the letter for CLAIM from now, so that two workers never send it both."""
    now = clock.wall()
    mine = (
        update(Letter)
        .where(Letter.id == letter_id, Letter.sent_at.is_(None), Letter.try_at <= now)
        .values(try_at=now + CLAIM, attempts=Letter.attempts + 1)
    )
    taken = db.session.execute(mine).rowcount  # type: ignore[attr-defined]  # an UPDATE gives a CursorResult
    letter = db.session.get(Letter, letter_id) if taken else None
    if letter is not None:
        # Outside the session, so that no transaction is open, and no lock held, while the post is at work.
        db.session.expunge(letter)
    db.session.commit()
    return letter


def _failed(letter: Letter, failure: Exception) -> None:
    letter.error = f"{type(failure).__name__}: {failure}"[:1000]
    final = letter.attempts >= ATTEMPTS
    letter.try_at = None if final else clock.wall() + timedelta(minutes=2**letter.attempts)
    log.warning("letter_not_sent", letter=letter.id, kind=letter.kind, attempts=letter.attempts, final=final)


def _kept(_letter: Letter) -> None:
    return None


def _smtp(settings: Settings) -> Post:
    where = urlsplit(settings.smtp_url.get_secret_value())

    def post(letter: Letter) -> None:
        smtp = _connect(where.scheme, where.hostname or "", where.port)
        try:
            if where.username:
                _must_be_private(smtp, where.hostname or "")
                smtp.login(unquote(where.username), unquote(where.password or ""))
            smtp.send_message(_message(letter, settings))
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


def _message(letter: Letter, settings: Settings) -> EmailMessage:
    host = urlsplit(settings.site_url).hostname or "localhost"
    message = EmailMessage()
    message["From"] = settings.mail_from
    message["To"] = Address(addr_spec=letter.to)
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(clock.wall())
    message["Message-ID"] = f"<letter-{letter.id}@{host}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    return message
