"""Staff: readers with a role."""

from dataclasses import dataclass
from datetime import timedelta

from paywall.accounts import addresses, factors, letters, proofs, readers, trail
from paywall.accounts.models import Role, StaffRole
from paywall.db import db
from paywall.errors import BadInput

INVITED_FOR = timedelta(days=7)


@dataclass(frozen=True)
class Appointment:
    """What `appoint` did: whether the account is new, and whether the role is."""

    email: str
    role: StaffRole
    is_new_reader: bool
    is_new_role: bool


def appoint(email: str, role: StaffRole) -> Appointment:
    """Give a role to the reader with this address, who is made if missing and gets a letter with a link.

    A role that is held already changes nothing and writes nothing. The caller commits. Raises BadInput.
    """
    address = addresses.normalise(email)
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
    trail.note("role given", address, reader_id=reader.id, before={"roles": before}, after={"roles": after})
    begun = proofs.begin(address, link_for=INVITED_FOR, next_path="/account/factor/set-up")
    letters.with_proof("welcome_staff", address, begun, role=role.value)
    return Appointment(address, role, is_new_reader=is_new_reader, is_new_role=True)


def reset_factor(email: str, reason: str) -> bool:
    """Let a member of staff who lost phone and recovery codes set up anew, and sign them out everywhere.

    False if there is nothing to reset. The caller commits. Raises BadInput.
    """
    reader = readers.find(addresses.normalise(email) or "")
    if reader is None:
        raise BadInput(f"There is no reader {email}.")
    if not reason.strip():
        raise BadInput("Say why: it is written into the trail.")
    readers.end_sessions(reader)
    return factors.forget(reader, reason)


def row(role: StaffRole) -> Role:
    """The row of a role, made if missing."""
    row = db.session.query(Role).filter_by(name=role.value).one_or_none()
    if row is None:
        db.session.add(row := Role(name=role.value))
    return row
