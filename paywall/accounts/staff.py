"""Staff: readers with a role."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from paywall.accounts import addresses, factors, letters, proofs, readers, reasons, trail
from paywall.accounts.models import Reader, Role, StaffRole
from paywall.db import db
from paywall.errors import BadInput, Conflict, NotFound

INVITED_FOR = timedelta(days=7)
LAST_OWNER = "This is the last owner: appoint another first, or nobody could appoint anyone."


@dataclass(frozen=True)
class Appointment:
    """What `appoint` did: whether the account is new, and whether the role is."""

    email: str
    role: StaffRole
    is_new_reader: bool
    is_new_role: bool


def appoint(email: str, role: StaffRole, reason: str) -> Appointment:
    """Give a role to the reader with this address, who is made if missing and gets a letter with a link.

    A role that is held already changes nothing and writes nothing. The caller commits. Raises BadInput, also
    without a reason.
    """
    why, address = reasons.check("role given", reason), addresses.normalise(email)
    if address is None:
        raise BadInput(f"{email} is not an e-mail address")
    is_new_reader = not readers.is_known(address)
    reader = readers.find_or_add(address)
    if role in reader.staff_roles:
        return Appointment(address, role, is_new_reader=False, is_new_role=False)
    before = ", ".join(sorted(reader.staff_roles))
    reader.roles.append(row(role))
    db.session.flush()
    after = ", ".join(sorted(reader.staff_roles))
    trail.note(
        "role given",
        address,
        reader_id=reader.id,
        before={"roles": before},
        after={"roles": after},
        reason=why,
    )
    begun = proofs.begin(address, link_for=INVITED_FOR, next_path="/account/factor/set-up")
    letters.with_proof("welcome_staff", address, begun, role=role.value)
    return Appointment(address, role, is_new_reader=is_new_reader, is_new_role=True)


def everyone() -> list[Reader]:
    """All who have a role, by address."""
    return list(db.session.scalars(select(Reader).where(Reader.roles.any()).order_by(Reader.email)))


def by_id(reader_id: int) -> Reader:
    """Someone who has a role; raises NotFound for readers without one, as for nobody."""
    found = db.session.get(Reader, reader_id)
    if found is None or not found.roles:
        raise NotFound("There is nobody of the staff with this number.")
    return found


def change_roles(reader: Reader, roles: Collection[StaffRole], reason: str) -> None:
    """Let someone of the staff have these roles and no others; without any they are no longer of the staff.

    Who leaves is signed out everywhere, and their second factor is forgotten. The caller commits. Raises
    Conflict if nobody would be owner, and BadInput without a reason.
    """
    act = "roles changed" if roles else "staff ended"
    why, before = reasons.check(act, reason), reader.staff_roles
    if StaffRole.OWNER in before and StaffRole.OWNER not in roles:
        _must_not_be_last(reader)
    reader.roles = [row(role) for role in StaffRole if role in roles]
    db.session.flush()
    trail.note(
        act,
        reader.email,
        reader_id=reader.id,
        before={"roles": ", ".join(sorted(before))},
        after={"roles": ", ".join(sorted(reader.staff_roles))},
        reason=why,
    )
    if not roles:
        readers.end_sessions(reader)
        factors.drop(reader)


def reset_factor(reader: Reader, reason: str) -> bool:
    """Let someone of the staff who lost phone and recovery codes set up anew, and sign them out everywhere.

    False if there was nothing to reset. The caller commits. Raises BadInput without a reason.
    """
    why = reasons.check("second factor reset", reason)
    readers.end_sessions(reader)
    return factors.forget(reader, why)


def row(role: StaffRole) -> Role:
    """The row of a role, made if missing."""
    found = db.session.scalar(select(Role).where(Role.name == role.value))
    if found is None:
        db.session.add(found := Role(name=role.value))
    return found


def _must_not_be_last(reader: Reader) -> None:
    # The role is locked: two owners who end each other at once would both find the other one there.
    db.session.scalars(select(Role.id).where(Role.name == StaffRole.OWNER).with_for_update()).one()
    others = select(Reader.id).where(
        Reader.roles.any(Role.name == StaffRole.OWNER), Reader.id != reader.id, Reader.active
    )
    if db.session.scalar(others.limit(1)) is None:
        raise Conflict(LAST_OWNER)
