"""Readers and their roles, as tables."""

import enum
from datetime import datetime

from flask_security import AsaList, RoleMixin, UserMixin
from sqlalchemy import Column, ForeignKey, Integer, String, Table, Text
from sqlalchemy.ext.mutable import MutableList
from sqlalchemy.orm import Mapped, mapped_column, relationship

from paywall.db import Id, Model, utcnow


class StaffRole(enum.StrEnum):
    """What a member of staff may do; each route names the roles that it lets in."""

    OWNER = "owner"
    MEMBERSHIP = "membership"
    EDITOR = "editor"
    BOOKKEEPER = "bookkeeper"


reader_role = Table(
    "reader_role",
    Model.metadata,
    Column("reader_id", Integer, ForeignKey("reader.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", Integer, ForeignKey("role.id", ondelete="CASCADE"), primary_key=True),
)


class Role(Model, RoleMixin):  # type: ignore[misc]  # the mixin is untyped
    """A staff role; the rows are the members of StaffRole."""

    __tablename__ = "role"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(40), unique=True)
    description: Mapped[str | None] = mapped_column(String(200))
    permissions: Mapped[list[str] | None] = mapped_column(MutableList.as_mutable(AsaList()))


class Reader(Model, UserMixin):  # type: ignore[misc]  # the mixin is untyped
    """A person with an account. `fs_uniquifier` names them in a session: a new one ends every session."""

    __tablename__ = "reader"

    id: Mapped[Id]
    email: Mapped[str] = mapped_column(String(320), unique=True)
    password: Mapped[str | None] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(default=True)
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    confirmed_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    us_totp_secrets: Mapped[str | None] = mapped_column(Text)
    us_phone_number: Mapped[str | None] = mapped_column(String(32), unique=True)

    roles: Mapped[list[Role]] = relationship(secondary=reader_role, lazy="selectin")

    @property
    def staff_roles(self) -> frozenset[str]:
        """The names of this reader's staff roles."""
        return frozenset(role.name for role in self.roles)
