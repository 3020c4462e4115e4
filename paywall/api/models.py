"""Tokens of the API, as a table."""

import enum
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from paywall.accounts.models import Reader
from paywall.db import Id, Model, utcnow


class Scope(enum.StrEnum):
    """What a token of the newsroom may do."""

    ARTICLES_READ = "articles:read"
    ARTICLES_WRITE = "articles:write"
    ACCESS_READ = "access:read"


class ApiToken(Model):
    """One token: of the newsroom, with scopes (a space between), or of one reader, who reads what they may.

    Of the secret only a hash is kept, and how it begins, so that people can tell tokens apart.
    """

    __tablename__ = "api_token"
    __table_args__ = (CheckConstraint("reader_id IS NULL OR scopes = ''", name="one_kind"),)

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(100))
    scopes: Mapped[str] = mapped_column(String(200), default="")
    reader_id: Mapped[int | None] = mapped_column(ForeignKey("reader.id", ondelete="CASCADE"), index=True)
    prefix: Mapped[str] = mapped_column(String(12))
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    made_by: Mapped[str] = mapped_column(String(320))
    made_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    used_on: Mapped[date | None]
    reader: Mapped[Reader | None] = relationship()
