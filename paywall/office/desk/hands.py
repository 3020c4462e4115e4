"""What staff do at Stripe: written down before it is asked, done, believed only when Stripe shows it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from paywall.accounts import trail
from paywall.billing.selfcare import owned
from paywall.db import db


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be done, about what, for which reader and why."""

    act: str
    about: str
    reader_id: int
    reason: str


def carry_out(
    customer_id: int,
    wish: Wish,
    act: Callable[[], object],
    is_done: Callable[[], bool],
    states: tuple[Mapping[str, object], Callable[[], Mapping[str, object]]],
) -> None:
    """Do something at Stripe and read the books again; commits. `states`: before, and how to tell after.

    Whoever asked is in the trail before Stripe hears of it: a process that is killed leaves no act without
    a name. Raises Unavailable if it is not done.
    """
    before, after = states
    _note(f"{wish.act} asked", wish, {}, {})
    db.session.commit()
    owned.carry_out(customer_id, act, is_done)
    _note(wish.act, wish, before, after())
    db.session.commit()


def _note(act: str, wish: Wish, before: Mapping[str, object], after: Mapping[str, object]) -> None:
    trail.note(act, wish.about, reader_id=wish.reader_id, before=before, after=after, reason=wish.reason)
