"""Readers by their address: found, added, confirmed, moved to another, joined, signed out everywhere."""

from blinker import Signal
from flask import current_app
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from paywall import clock
from paywall.accounts import proofs
from paywall.accounts.models import FormerAddress, Reader, new_uniquifier
from paywall.db import db

# Sent with `reader`, in the transaction in which an address is proven for the first time.
account_made = Signal()


def is_known(email: str) -> bool:
    """Whether this normalised address has an account; the same work is done in both cases."""
    return db.session.scalar(select(Reader.id).where(Reader.email == email)) is not None


def find(email: str) -> Reader | None:
    """The reader with this normalised address."""
    return db.session.scalar(select(Reader).where(Reader.email == email))


def by_id(reader_id: int) -> Reader:
    """The reader with this id, who must exist."""
    return db.session.get_one(Reader, reader_id)


def find_or_add(email: str) -> Reader:
    """The reader with this normalised address; a new one, not yet confirmed, if there is none."""
    if reader := find(email):
        return reader
    try:
        with db.session.begin_nested():
            db.session.add(reader := Reader(email=email))
    except IntegrityError:
        # Two tabs proved the same new address at the same moment: the other one's row is as good.
        return db.session.scalars(select(Reader).where(Reader.email == email)).one()
    return reader


def confirm(reader: Reader, *, password: str | None = None) -> None:
    """The reader has proven the address; a password hash is taken only by who has none."""
    is_new = reader.confirmed_at is None
    reader.confirmed_at = reader.confirmed_at or clock.now()
    reader.password = reader.password or password
    proofs.void(reader.email)
    if is_new:
        app = current_app._get_current_object()  # type: ignore[attr-defined]  # it is a proxy
        account_made.send(app, reader=reader)


def end_sessions(reader: Reader) -> None:
    """Sign this reader out in every browser."""
    reader.fs_uniquifier = new_uniquifier()


def move(reader: Reader, email: str) -> bool:
    """Give the reader another address; False if it has become somebody else's meanwhile."""
    before = reader.email
    try:
        with db.session.begin_nested():
            reader.email = email
    except IntegrityError:
        return False
    db.session.add(FormerAddress(reader_id=reader.id, email=before, until=clock.now()))
    proofs.void(before)
    proofs.void(email)
    end_sessions(reader)
    return True


def hold(*reader_ids: int) -> None:
    """Keep whoever else holds one of these readers waiting until the commit: clicks follow one another."""
    rows = select(Reader.id).where(Reader.id.in_(reader_ids)).order_by(Reader.id)
    db.session.execute(rows.with_for_update(key_share=True)).all()


def survivor(reader: Reader) -> Reader:
    """The reader, or the one to whose account theirs was joined."""
    return reader if reader.merged_into_id is None else by_id(reader.merged_into_id)


def family(reader_id: int) -> list[int]:
    """A reader's id and those of the accounts that were joined to theirs: what is past stands there."""
    query = select(Reader.id).where(Reader.merged_into_id == reader_id).order_by(Reader.id)
    return [reader_id, *db.session.scalars(query)]
