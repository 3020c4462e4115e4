"""The audit trail: what staff did, to what, and why. Lines are only ever added."""

import getpass
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import has_request_context
from flask_login import current_user
from sqlalchemy import JSON, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from paywall.accounts import reasons
from paywall.db import Id, Model, db, utcnow


class StaffAct(Model):
    """One line of the trail: the database refuses an UPDATE or DELETE.

    `reader_id` and `actor_id` name readers without a foreign key: a line outlives what it is about.
    """

    __tablename__ = "staff_act"
    __table_args__ = (Index("ix_staff_act_reader_id", "reader_id", "id"),)

    id: Mapped[Id]
    at: Mapped[datetime] = mapped_column(default=utcnow, index=True)
    actor: Mapped[str] = mapped_column(String(320), index=True)
    actor_id: Mapped[int | None]
    act: Mapped[str] = mapped_column(String(60), index=True)
    about: Mapped[str] = mapped_column(String(500))
    reader_id: Mapped[int | None]
    before: Mapped[dict[str, Any]] = mapped_column(JSON)
    after: Mapped[dict[str, Any]] = mapped_column(JSON)
    reason: Mapped[str] = mapped_column(Text, default="")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a reader with a role by address, or whoever has a shell on the server."""

    name: str
    reader_id: int | None = None


def note(
    act: str,
    about: str,
    *,
    reader_id: int | None = None,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    reason: str = "",
) -> None:
    """Write down that the one who acts now did `act` ("refund", "price changed"); the caller commits.

    Of `before` and `after` only what differs is kept; a value that JSON does not know is kept as its text.
    Raises BadInput for an act that needs a reason and has none.
    """
    why, who = reasons.check(act, reason), actor()
    was, became = dict(before or {}), dict(after or {})
    same = {name for name in was if name in became and was[name] == became[name]}
    db.session.add(
        StaffAct(
            actor=who.name,
            actor_id=who.reader_id,
            act=act,
            about=about[:500],
            reader_id=reader_id,
            before=_plain(was, but=same),
            after=_plain(became, but=same),
            reason=why,
        )
    )


def actor() -> Actor:
    """Who acts now: whoever is signed in, or in a shell the user of the operating system."""
    if has_request_context():
        if current_user.is_authenticated:
            return Actor(current_user.email, current_user.id)
        return Actor("a program with a token")
    return Actor(f"shell ({_user()})")


def _plain(values: Mapping[str, object], *, but: set[str]) -> dict[str, Any]:
    known = str | int | bool | None
    return {
        name: value if isinstance(value, known) else str(value)
        for name, value in values.items()
        if name not in but
    }


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that has no name.
        return "unknown"
