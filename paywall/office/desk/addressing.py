"""What a reader is called and where letters reach them, changed at the desk."""

from datetime import timedelta

from paywall import mail
from paywall.accounts import letters, names, proofs, readers, trail
from paywall.accounts.models import Reader
from paywall.db import db
from paywall.errors import BadInput, Conflict

CONFIRM_FOR = timedelta(days=1)


def rename(reader: Reader, name: str | None, reason: str) -> bool:
    """Call a reader so; False if they are called so. The caller commits."""
    readers.hold(reader.id)
    db.session.refresh(reader)
    before = reader.name
    if before == ((name or "").strip() or None):
        return False
    names.give(reader, name)
    after = {"name": reader.name}
    trail.note(
        "name changed", reader.email, reader_id=reader.id, before={"name": before}, after=after, reason=reason
    )
    return True


def move(reader: Reader, email: str, reason: str) -> bool:
    """Give a reader another address; False if it is theirs already. The caller commits, and then syncs.

    Nobody has proven it: it counts as proven when the link in the letter to it is opened. The address
    before is told, and every browser is signed out. Raises Conflict if the address has an account.
    """
    readers.hold(reader.id)
    db.session.refresh(reader)
    before = reader.email
    if before == email:
        return False
    if not reader.active:
        raise BadInput("This account is closed: its address stays as it is.")
    if not readers.move(reader, email):
        raise Conflict(f"{email} has an account already. Join the two accounts instead.")
    reader.confirmed_at = None
    mail.write("email_changed_notice", before, new=email)
    begun = proofs.begin(email, link_for=CONFIRM_FOR)
    letters.with_proof("confirm", email, begun, "accounts.confirm")
    was, now = {"e-mail": before}, {"e-mail": email, "proven": False}
    trail.note(
        "e-mail changed", f"{before} to {email}", reader_id=reader.id, before=was, after=now, reason=reason
    )
    return True


def sign_out(reader: Reader, seen: str, reason: str) -> bool:
    """Sign a reader out everywhere; False if that was done since the form was made (`seen`: session_mark)."""
    readers.hold(reader.id)
    db.session.refresh(reader)
    if session_mark(reader) != seen:
        return False
    readers.end_sessions(reader)
    trail.note("signed out", reader.email, reader_id=reader.id, reason=reason)
    return True


def session_mark(reader: Reader) -> str:
    """Changes whenever all sessions of a reader end; tells nothing of what is in them."""
    return reader.fs_uniquifier[:8]
