"""What the door keeps of readers, as tables."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from paywall.db import Model


class MeterRead(Model):
    """The newest free read of a page by a signed-in reader; those of past periods are deleted each day."""

    __tablename__ = "meter_read"

    reader_id: Mapped[int] = mapped_column(ForeignKey("reader.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    read_at: Mapped[datetime] = mapped_column(index=True)
