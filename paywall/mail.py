"""Letters: stored with what caused them, sent by a job after the commit, at most once per cause."""

import enum
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit

import structlog
from flask import Flask, current_app, render_template
from sqlalchemy import Index, String, Text, and_, func, select, update
from sqlalchemy.orm import Mapped, mapped_column

from paywall import clock, jobs, post
from paywall.config import Settings
from paywall.db import Id, Model, db, insert, utcnow, words

CLAIM = timedelta(minutes=10)
# Between what a letter is for and why it was written once more; the kind of one that repeats another's words.
AGAIN, COPY = ":again:", "copy"
ATTEMPTS = 8

log = structlog.get_logger()


class Care(enum.StrEnum):
    """What a letter is worth, when it is in doubt whether it went out, and after it has.

    ONCE: rather never than twice. KEY: its reader waits for what it opens, so rather twice than never, and
    our copy is wiped. NOTICE: we owe it, so rather twice than never, and our copy is kept as the proof.
    """

    ONCE = "once"
    KEY = "key"
    NOTICE = "notice"


class Unsent(enum.StrEnum):
    """Why a letter was not sent and never will be."""

    LATE = "late"
    UNTRUE = "untrue"
    IN_DOUBT = "in_doubt"
    GIVEN_UP = "given_up"


def _new_message_id() -> str:
    """Made once and kept, so that of a letter that went out twice a mail program can drop the second."""
    settings: Settings = current_app.extensions["settings"]
    return f"<{secrets.token_hex(16)}@{urlsplit(settings.site_url).hostname or 'localhost'}>"


class Letter(Model):
    """One mail to one address. `cause` is unique: the same cause never writes a second letter.

    `about` is the row that it speaks of; of which table, the kind says. After `send_by` it is not sent.
    `handed_at`: when the mail server was last about to be given it; `sent_at`: when the server had taken it.
    """

    __tablename__ = "letter"
    __table_args__ = (Index("ix_letter_waiting", "sent_at", "try_at"),)

    id: Mapped[Id]
    cause: Mapped[str | None] = mapped_column(String(200), unique=True)
    kind: Mapped[str] = mapped_column(String(40))
    to: Mapped[str] = mapped_column("to_address", String(320), index=True)
    about: Mapped[int | None]
    care: Mapped[Care] = mapped_column(words(Care), default=Care.KEY)
    message_id: Mapped[str] = mapped_column(String(255), default=_new_message_id)
    subject: Mapped[str] = mapped_column(String(300))
    text: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    send_by: Mapped[datetime | None]
    try_at: Mapped[datetime | None] = mapped_column(default=clock.wall)
    handed_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    unsent: Mapped[Unsent | None] = mapped_column(words(Unsent))
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(Text)


# Never handed to anyone, because for the moment it was not true.
DROPPED = and_(func.coalesce(Letter.unsent, "") == Unsent.UNTRUE.value, Letter.handed_at.is_(None))
Check = Callable[[Letter], bool]
_checks: dict[str, Check] = {}


def holds(*kinds: str) -> Callable[[Check], Check]:
    """Declare what is asked just before a letter of these kinds is sent: whether it is still true."""

    def declare(check: Check) -> Check:
        _checks.update(dict.fromkeys(kinds, check))
        return check

    return declare


def write(
    kind: str,
    to: str,
    *,
    cause: str | None = None,
    about: int | None = None,
    care: Care = Care.KEY,
    send_by: datetime | None = None,
    **context: Any,
) -> int | None:
    """Render templates/email/<kind>.txt and .html and store the letter (its id); the commit then sends it.

    The first line of the text template is the subject. With a `cause` that has a letter already, nothing
    is written and None is returned, whoever else writes at the same instant; only one that was dropped as
    untrue, and has become true again, is written anew. What comes after `send_by` (aware UTC) is written
    down as not sent.
    """
    if cause and db.session.scalar(select(Letter.id).where(Letter.cause == cause, ~DROPPED)):
        return None
    subject, _, text = render_template(f"email/{kind}.txt", **context).strip().partition("\n")
    letter: dict[str, Any] = {"cause": cause, "kind": kind, "to": to, "about": about, "care": care}
    letter |= {"subject": subject, "text": text.strip() + "\n", "send_by": send_by}
    letter["html"] = render_template(f"email/{kind}.html", subject=subject, **context)
    if send_by and send_by < clock.now():
        letter |= {"unsent": Unsent.LATE, "try_at": None}
    letter_id = _store(letter)
    if letter_id is not None and "unsent" not in letter:
        jobs.later(send, letter_id)
    return letter_id


def copy(letter: Letter, to: str, key: str) -> int | None:
    """Send the words of a letter once more, as a letter of its own; the commit sends it.

    None if its words are wiped, or if the same `key` has done it.
    """
    if not letter.text:
        return None
    words = {"subject": letter.subject, "text": letter.text, "html": letter.html, "care": letter.care}
    first = letter.cause or f"{letter.kind}:{letter.id}"
    copied = _store({**words, "cause": again(first, key), "kind": COPY, "to": to, "about": letter.id})
    if copied is not None:
        jobs.later(send, copied)
    return copied


def again(cause: str, key: str) -> str:
    """The cause of a letter that is written once more, because somebody asked for it: once per `key`."""
    return f"{cause.partition(AGAIN)[0]}{AGAIN}{key}"


def first_cause(letter: Letter) -> str | None:
    """What a letter was written for, whether it is the first of its kind or was written again."""
    return letter.cause.partition(AGAIN)[0] if letter.cause else None


@jobs.job
def send(letter_id: int) -> None:
    """Send one letter if it still waits; a failure is kept on the row and tried again later."""
    _try(letter_id)


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
    """Choose the post; in demo mode letters keep their words, for they are read on the sandbox's page."""
    post.init_app(app, settings)
    app.extensions["keep_letters"] = settings.sandbox


def _store(letter: dict[str, Any]) -> int | None:
    named = {getattr(Letter, name): value for name, value in letter.items()}
    new = insert(Letter).values(named)
    again = {Letter.try_at: clock.wall(), Letter.unsent: None} | named
    stored = new.on_conflict_do_update(index_elements=["cause"], set_=again, where=DROPPED)
    return db.session.scalar(stored.returning(Letter.id))


def _try(letter_id: int) -> bool:
    """Whether it is worth while to go on with the next letter: not if the server cannot be reached."""
    letter = _claim(letter_id)
    if letter is None:
        return True
    try:
        why, message = _why_not(letter), _message(letter)
    except Exception as failure:
        # Whatever it was: the row must say so, and the tries must come to an end.
        _failed(letter, failure)
        return True
    if why:
        log.info("letter_dropped", letter=letter.id, kind=letter.kind, why=why)
        _note(letter, unsent=why, **_closed(letter))
        return True
    return _hand_over(letter, message)


def _claim(letter_id: int) -> Letter | None:
    """Take the letter for CLAIM from now, so that two workers never send it both."""
    now = clock.wall()
    mine = (
        update(Letter)
        .where(Letter.id == letter_id, Letter.sent_at.is_(None), Letter.try_at <= now)
        .values(try_at=now + CLAIM, attempts=Letter.attempts + 1)
    )
    taken = db.session.execute(mine).rowcount  # type: ignore[attr-defined]  # an UPDATE gives a CursorResult
    letter = db.session.get(Letter, letter_id, populate_existing=True) if taken else None
    if letter is not None:
        # Outside the session, so that no transaction is open, and no lock held, while the post is at work.
        db.session.expunge(letter)
    db.session.commit()
    return letter


def _why_not(letter: Letter) -> Unsent | None:
    if letter.handed_at and letter.care is Care.ONCE:
        # A worker was killed over it: perhaps before the server had it, perhaps after.
        return Unsent.IN_DOUBT
    if letter.send_by and letter.send_by < clock.now():
        return Unsent.LATE
    check = _checks.get(letter.kind)
    is_true = check is None or check(letter)
    db.session.commit()
    return None if is_true else Unsent.UNTRUE


def _hand_over(letter: Letter, message: EmailMessage) -> bool:
    """Send it, and write down how that ended; False if the server could not be reached at all."""
    is_reached = is_mine = False
    try:
        with current_app.extensions["post"]() as hand_over:
            is_reached = True
            # Before the first word, so that a kill from here on leaves a doubt that can be seen.
            is_mine = _note(letter, handed_at=clock.now())
            if is_mine:
                hand_over(message)
    except Exception as failure:
        _failed(letter, failure, is_in_doubt=is_mine and not isinstance(failure, post.REFUSALS))
    else:
        if is_mine:
            sent = {"sent_at": clock.now(), "error": None, "unsent": None}
            db.session.execute(update(Letter).where(Letter.id == letter.id).values(sent | _closed(letter)))
            db.session.commit()
    return is_reached


def _note(letter: Letter, **facts: Any) -> bool:
    """Write that down, if the letter is still ours: a worker that hung may have been thought dead."""
    mine = update(Letter).where(
        Letter.id == letter.id, Letter.attempts == letter.attempts, Letter.sent_at.is_(None)
    )
    is_mine = bool(db.session.execute(mine.values(facts)).rowcount)  # type: ignore[attr-defined]  # as above
    db.session.commit()
    return is_mine


def _failed(letter: Letter, failure: Exception, *, is_in_doubt: bool = False) -> None:
    facts: dict[str, Any] = {"error": f"{type(failure).__name__}: {failure}"[:1000]}
    if not is_in_doubt:
        facts["handed_at"] = None
    if is_in_doubt and letter.care is Care.ONCE:
        facts |= {"unsent": Unsent.IN_DOUBT, **_closed(letter)}
    elif letter.attempts >= ATTEMPTS:
        facts |= {"unsent": Unsent.GIVEN_UP, **_closed(letter)}
    else:
        facts["try_at"] = clock.wall() + timedelta(minutes=2**letter.attempts)
    _note(letter, **facts)
    final = "unsent" in facts
    log.warning("letter_not_sent", letter=letter.id, kind=letter.kind, attempts=letter.attempts, final=final)


def _closed(letter: Letter) -> dict[str, Any]:
    """What a letter that will not be tried again keeps."""
    if letter.care is Care.NOTICE or current_app.extensions["keep_letters"]:
        return {"try_at": None}
    # Links in letters are keys: once nobody waits for the letter, our copy of them is only a risk.
    return {"try_at": None, "text": "", "html": ""}


def _message(letter: Letter) -> EmailMessage:
    settings: Settings = current_app.extensions["settings"]
    message = EmailMessage()
    message["From"] = settings.mail_from
    message["To"] = Address(addr_spec=letter.to)
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(clock.wall())
    message["Message-ID"] = letter.message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    return message
