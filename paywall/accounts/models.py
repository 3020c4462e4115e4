"""Readers, what they are called and were, their roles, and the proofs under way, as tables."""

import enum
import uuid
from datetime import datetime

from flask_security import AsaList, RoleMixin, UserMixin
from sqlalchemy import BigInteger, Column, Computed, ForeignKey, Index, Integer, String, Table
from sqlalchemy.ext.mutable import MutableList
from sqlalchemy.orm import Mapped, mapped_column, relationship

from paywall.db import Id, Model, utcnow, words


class StaffRole(enum.StrEnum):
    """What a member of staff may do; each route names the roles that it lets in."""

    OWNER = "owner"
    MEMBERSHIP = "membership"
    EDITOR = "editor"
    BOOKKEEPER = "bookkeeper"


class Purpose(enum.StrEnum):
    """What a proven address is good for."""

    ENTER = "enter"
    CHANGE = "change"


reader_role = Table(
    "reader_role",
    Model.metadata,
    Column("reader_id", Integer, ForeignKey("reader.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", Integer, ForeignKey("role.id", ondelete="CASCADE"), primary_key=True),
)


class Role(Model, RoleMixin):
    """A staff role; the rows are the members of StaffRole."""

    __tablename__ = "role"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(40), unique=True)
    description: Mapped[str | None] = mapped_column(String(200))
    permissions: Mapped[list[str] | None] = mapped_column(MutableList.as_mutable(AsaList()))


def new_uniquifier() -> str:
    """A name for a reader in sessions: a new one ends every session that holds the old."""
    return uuid.uuid4().hex


# What follows the first @, in words that both databases know.
DOMAIN = "replace(email, rtrim(email, replace(email, '@', '')), '')"


def beginnings(name: str, *columns: str) -> Index:
    """An index that finds what begins with a text; PostgreSQL's usual one sorts as people do, and cannot."""
    return Index(name, *columns, postgresql_ops={columns[0]: "text_pattern_ops"})


class Reader(Model, UserMixin):
    """A person with an account. `email` is normalised; a reader has a password only after proving it.

    `name` is written by accounts/names only. An account that was joined to another is closed, and says which.
    """

    __tablename__ = "reader"
    __table_args__ = (
        beginnings("ix_reader_email_beginnings", "email"),
        beginnings("ix_reader_domain", "domain"),
    )

    id: Mapped[Id]
    email: Mapped[str] = mapped_column(String(320), unique=True)
    password: Mapped[str | None] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(default=True)
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True, default=new_uniquifier)
    confirmed_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    name: Mapped[str | None] = mapped_column(String(100))
    domain: Mapped[str] = mapped_column(String(320), Computed(DOMAIN, persisted=True))
    merged_into_id: Mapped[int | None] = mapped_column(index=True)

    roles: Mapped[list[Role]] = relationship(  # type: ignore[assignment]  # the mixin says list[RoleMixin]
        secondary=reader_role, lazy="selectin"
    )

    @property
    def staff_roles(self) -> frozenset[str]:
        """The names of this reader's staff roles."""
        return frozenset(role.name for role in self.roles)


class NameWord(Model):
    """One word of a reader's name, as it is looked for: in small letters, without accents."""

    __tablename__ = "name_word"
    __table_args__ = (beginnings("ix_name_word_word", "word", "reader_id"),)

    reader_id: Mapped[int] = mapped_column(ForeignKey("reader.id", ondelete="CASCADE"), primary_key=True)
    word: Mapped[str] = mapped_column(String(100), primary_key=True)


class FormerAddress(Model):
    """An address that a reader had until an instant: what was written to it then was written to them."""

    __tablename__ = "former_address"

    id: Mapped[Id]
    reader_id: Mapped[int] = mapped_column(ForeignKey("reader.id", ondelete="CASCADE"), index=True)
    email: Mapped[str] = mapped_column(String(320), index=True)
    until: Mapped[datetime]


class Proof(Model):
    """One letter with a code and a link on its way to one address; spent, it is gone.

    `password` is the hash chosen at sign-up. It waits here, so that no unproven address has a password.
    """

    __tablename__ = "proof"

    id: Mapped[Id]
    purpose: Mapped[Purpose] = mapped_column(words(Purpose))
    email: Mapped[str] = mapped_column(String(320), index=True)
    reader_id: Mapped[int | None] = mapped_column(ForeignKey("reader.id", ondelete="CASCADE"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    password: Mapped[str | None] = mapped_column(String(255))
    next: Mapped[str | None] = mapped_column(String(1000))
    tries: Mapped[int] = mapped_column(default=0)
    code_until: Mapped[datetime]
    link_until: Mapped[datetime] = mapped_column(index=True)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class Factor(Model):
    """The second factor of a member of staff: an app that shows six digits (TOTP).

    The secret that the app holds is made of `salt` and our key, and is no column: who copies the table has no
    code. `last_step` is the half-minute of the newest code that was used, so that none is good twice.
    """

    __tablename__ = "factor"

    id: Mapped[Id]
    reader_id: Mapped[int] = mapped_column(ForeignKey("reader.id", ondelete="CASCADE"), unique=True)
    salt: Mapped[str] = mapped_column(String(64))
    last_step: Mapped[int] = mapped_column(BigInteger)
    made_at: Mapped[datetime] = mapped_column(default=utcnow)


class RecoveryCode(Model):
    """A code on paper for a lost phone, kept as a hash and good once."""

    __tablename__ = "recovery_code"

    id: Mapped[Id]
    factor_id: Mapped[int] = mapped_column(ForeignKey("factor.id", ondelete="CASCADE"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64))
