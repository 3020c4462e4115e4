"""Inviting: letters with a link that gives a seat, one use each, never more of them than seats."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from flask_babel import gettext, ngettext
from sqlalchemy import delete, select

from paywall import clock, jobs
from paywall.accounts.models import Reader
from paywall.billing.groups import letters, rules, seats
from paywall.billing.groups.models import Group, Invitation, Seat
from paywall.db import db
from paywall.errors import Conflict, NotFound
from paywall.membership import record

# Who did not come was given to us by somebody else: we do not keep their address for long.
KEPT = timedelta(days=60)


class HasOwn(Conflict):
    """The reader pays for a membership of their own: they are told before they take a seat beside it."""


class OwnGroup(Conflict):
    """The reader is the owner, who has a seat already."""


@dataclass(frozen=True, slots=True)
class Room:
    """The seats of a group that are paid for: by the owner and members, by invitations that wait, free."""

    paid: int
    taken: int
    waiting: int

    @property
    def free(self) -> int:
        """How many more can be invited."""
        return max(self.paid - self.taken - self.waiting, 0)


def room(group: Group) -> Room:
    """How full a group is; the owner counts as one."""
    return Room(group.owned.seats, 1 + len(seats.taken(group.id)), len(waiting(group.id)))


def waiting(group_id: int) -> list[Invitation]:
    """The invitations that can still be accepted, oldest first."""
    query = select(Invitation).where(
        Invitation.group_id == group_id,
        Invitation.accepted_at.is_(None),
        Invitation.revoked_at.is_(None),
        Invitation.until > clock.now(),
    )
    return list(db.session.scalars(query.order_by(Invitation.id)))


def invite(group_id: int, addresses: Iterable[str]) -> list[str]:
    """Write to those of the normalised addresses that are neither members nor invited; who they are.

    The caller commits. Raises Conflict if there are not seats enough, or if one was written to too often;
    then nobody is written to.
    """
    group = seats.locked(group_id)
    _must_run(group)
    fresh = _fresh(group, addresses)
    free = room(group).free
    if len(fresh) > free:
        raise Conflict(
            ngettext(
                "There is only one free seat. Add seats, or take an invitation or a seat back.",
                "There are only %(num)d free seats. Add seats, or take an invitation or a seat back.",
                free,
            )
            if free
            else gettext("No seat is free. Add seats, or take an invitation or a seat back.")
        )
    known = {one.email: one for one in _to(group_id, fresh)}
    for address in fresh:
        _write(known.get(address) or Invitation(group=group, email=address, letters=0))
    return fresh


def resend(owner_id: int, invitation_id: int) -> str:
    """Write again, with a new link, to one who has not come; the old link is dead then. The address."""
    one = _owned(owner_id, invitation_id)
    _must_run(one.group)
    _write(one)
    return one.email


def revoke(owner_id: int, invitation_id: int) -> str:
    """Take an invitation back: its link is dead, its seat can be given again at once. The address."""
    one = _owned(owner_id, invitation_id)
    one.revoked_at = clock.now()
    return one.email


def find(token: str) -> Invitation:
    """The invitation whose link this is, if it waits; raises NotFound, whatever is wrong with it."""
    one = db.session.scalar(select(Invitation).where(Invitation.token_hash == _hashed(token)))
    if one is None or not one.waits:
        raise _unknown()
    return one


def accept(reader: Reader, token: str, *, anyway: bool = False) -> Seat:
    """Give a reader the seat that a link is for; the caller commits. The link is the key, not the address.

    Of many at the same instant no more get one than are paid for. Raises NotFound, OwnGroup, Conflict, and
    HasOwn unless the reader wants it `anyway`.
    """
    one = db.session.scalar(select(Invitation).where(Invitation.token_hash == _hashed(token)))
    if one is None:
        raise _unknown()
    group = seats.locked(one.group_id)
    db.session.refresh(one)
    seat = _seat_of(group.id, reader.id)
    if seat is not None and (one.accepted_by == reader.id or one.waits):
        # A second click; or a second invitation, which is left for who it was meant for.
        return seat
    if not one.waits:
        raise _unknown()
    _must_have_room(group, reader)
    if not anyway and record.pays_on(reader.id):
        raise HasOwn(gettext("You have a membership already, and pay for it."))
    one.accepted_at, one.accepted_by = clock.now(), reader.id
    seat = seats.give(group, reader)
    letters.joined(seat)
    return seat


@jobs.every(minute="53", hour="4")
def forget_invited() -> None:
    """Forget the addresses of those whose invitations are long over."""
    db.session.execute(delete(Invitation).where(Invitation.until < clock.now() - KEPT))
    db.session.commit()


def _fresh(group: Group, addresses: Iterable[str]) -> list[str]:
    members = {seat.reader.email for seat in seats.taken(group.id)} | {group.owner.email}
    known = members | {one.email for one in waiting(group.id)}
    return [address for address in dict.fromkeys(addresses) if address not in known]


def _to(group_id: int, addresses: list[str]) -> Iterable[Invitation]:
    query = select(Invitation).where(Invitation.group_id == group_id, Invitation.email.in_(addresses))
    return db.session.scalars(query)


def _write(one: Invitation) -> None:
    now = clock.now()
    if one.accepted_at:
        one.letters = 0
    if not rules.may_write(one.letters, one.sent_at, now):
        words = gettext("We have written to %(email)s a short while ago, or often enough.", email=one.email)
        raise Conflict(words)
    token = secrets.token_urlsafe(32)
    one.token_hash, one.until = _hashed(token), now + rules.INVITED_FOR
    one.letters, one.sent_at = one.letters + 1, now
    one.accepted_at = one.accepted_by = one.revoked_at = None
    db.session.add(one)
    db.session.flush()
    letters.invitation(one, token)


def _owned(owner_id: int, invitation_id: int) -> Invitation:
    """An invitation that waits in the group of this owner, with the group locked."""
    one = db.session.get(Invitation, invitation_id)
    if one is None or one.group.owner.id != owner_id:
        raise _gone()
    seats.locked(one.group_id)
    db.session.refresh(one)
    if not one.waits:
        raise _gone()
    return one


def _seat_of(group_id: int, reader_id: int) -> Seat | None:
    return next((seat for seat in seats.taken(group_id) if seat.reader_id == reader_id), None)


def _must_run(group: Group) -> None:
    until = group.owned.access_until
    if until is None or until <= clock.now():
        raise Conflict(gettext("This group is not paid for at the moment, so it takes nobody in."))


def _must_have_room(group: Group, reader: Reader) -> None:
    _must_run(group)
    if group.owner.id == reader.id:
        raise OwnGroup(gettext("This is your own group: you have a seat already."))
    if len(seats.taken(group.id)) >= group.owned.room:
        words = gettext("All seats of this group are taken. Please ask %(owner)s.", owner=group.owner.email)
        raise Conflict(words)


def _hashed(token: str) -> str:
    # Too long to be guessed from this: 256 random bits.
    return hashlib.sha256(token.encode()).hexdigest()


def _unknown() -> NotFound:
    return NotFound(
        gettext(
            "This invitation cannot be accepted: it was used, taken back, or is too old. Ask for a new one."
        )
    )


def _gone() -> NotFound:
    return NotFound(gettext("This invitation no longer waits."))
