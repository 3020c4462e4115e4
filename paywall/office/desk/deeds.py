"""What staff can do with a membership as it stands: pure."""

import enum
from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from paywall.membership.rules import HOLDING, LIVE, Source, Status


class Deed(enum.StrEnum):
    """What the desk does with one membership."""

    CANCEL = "cancel"
    KEEP = "keep"
    GRACE = "grace"
    MOVE_END = "move_end"


class Standing(Protocol):
    """What it depends on."""

    @property
    def source(self) -> Source: ...
    @property
    def status(self) -> Status: ...
    @property
    def cancel_at(self) -> datetime | None: ...


def deeds(held: Standing) -> frozenset[Deed]:
    """What can be done now; of gifts and seats others decide."""
    return frozenset(_deeds(held))


def _deeds(held: Standing) -> Iterator[Deed]:
    if held.source is Source.COMP and held.status in HOLDING:
        yield Deed.MOVE_END
    if held.source is not Source.STRIPE or held.status not in LIVE:
        return
    yield Deed.CANCEL
    if held.cancel_at:
        yield Deed.KEEP
    if held.status in (Status.PAST_DUE, Status.UNPAID):
        yield Deed.GRACE
