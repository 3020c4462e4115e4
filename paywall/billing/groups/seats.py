"""The seats of a group: given, freed, and always worth what the owner's membership is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from flask_babel import gettext
from sqlalchemy import or_, select
from sqlalchemy.orm import aliased, joinedload

from paywall import clock, jobs
from paywall.accounts.models import Reader
from paywall.billing.groups import letters, rules
from paywall.billing.groups.models import Group, Seat
from paywall.billing.groups.rules import Left, SeatState
from paywall.db import db
from paywall.errors import NotFound
from paywall.membership import record
from paywall.membership.models import MembershipEvent, Subscription
from paywall.membership.policy import Policy
from paywall.membership.rules import LIVE, Facts, Source, Status
from paywall.money import Money

# The owner's date has grace and slack in it already.
AS_STATED = Policy(grace=timedelta(0), slack=timedelta(0))

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Held:
    """What a reader has to do with groups: the one that they own, how many are in it, their own seats."""

    own: Group | None
    members: int
    seats: Sequence[tuple[Seat, Subscription]]


def follow(reader_id: int) -> None:
    """Let the seats of a reader's groups follow what the reader holds now; the caller commits.

    It is part of the sync's own transaction: no member reads longer than the owner, or less long.
    """
    for group_id in _groups_of(reader_id):
        agree(locked(group_id))


def agree(group: Group) -> None:
    """Write what each seat of a locked group is worth now; those too many lose theirs when the time is up."""
    now = clock.now()
    kept, extra = rules.divide(taken(group.id), group.owned.room)
    _give_time(group, len(extra), now)
    if extra and group.surplus_until and group.surplus_until <= now:
        for seat in extra:
            _free(seat, Left.SURPLUS, group.surplus_until)
            letters.removed(seat)
        extra, group.surplus_until = [], None
    worth = {seat.id: rules.state(group.owned) for seat in kept}
    worth |= {seat.id: rules.state(group.owned, group.surplus_until) for seat in extra}
    known = _subscriptions(group.id)
    for seat in (*kept, *extra):
        facts = _facts(seat, worth[seat.id])
        if not _says(known.get(seat.external_id), facts):
            letters.changed(seat, _record(seat, facts))


def give(group: Group, reader: Reader) -> Seat:
    """A seat of a locked group for a reader, who has none in it; the caller has looked for room."""
    seat = Seat(group=group, reader=reader)
    db.session.add(seat)
    db.session.flush()
    _record(seat, _facts(seat, rules.state(group.owned)))
    return seat


def remove(owner_id: int, seat_id: int) -> Seat:
    """Take a seat back; it can be given again at once. Raises NotFound for one of another's group."""
    seat = _end(seat_id, Left.REMOVED, Subscription.reader_id == owner_id)
    letters.removed(seat)
    return seat


def leave(reader_id: int, seat_id: int) -> Seat:
    """Give a seat back; it can be given again at once. Raises NotFound for another's."""
    return _end(seat_id, Left.WENT, Seat.reader_id == reader_id)


@jobs.every(minute="*/5")
def put_right() -> None:
    """Free the seats that were too many for longer than the owner had time to choose, and let seats follow.

    An owner's date can move without a sync, when the policy was changed.
    """
    for group_id in _astray():
        try:
            agree(locked(group_id))
            db.session.commit()
        except Exception:
            # One group that cannot be put right must not keep the others from it.
            db.session.rollback()
            log.exception("group_not_put_right", group=group_id)


def locked(group_id: int) -> Group:
    """The group, held until the commit: whoever gives or frees seats waits for one another."""
    group = db.session.get_one(Group, group_id, with_for_update=True, populate_existing=True)
    db.session.refresh(group.subscription)
    return group


def taken(group_id: int) -> list[Seat]:
    """The seats that members have, in the order in which they took them."""
    query = select(Seat).where(Seat.group_id == group_id, Seat.left_at.is_(None))
    query = query.options(joinedload(Seat.reader)).order_by(Seat.joined_at, Seat.id)
    return list(db.session.scalars(query))


def owned(reader_id: int) -> Group | None:
    """The group that a reader owns and that still exists."""
    query = (
        select(Group)
        .join(Subscription)
        .where(Subscription.reader_id == reader_id, Subscription.status.in_(LIVE))
    )
    return db.session.scalar(query.order_by(Group.id.desc()).limit(1))


def held(reader_id: int) -> Held:
    """What a reader has to do with groups."""
    own = owned(reader_id)
    mine = select(Seat, Subscription).join(Subscription, Seat.is_of())
    mine = mine.where(Seat.reader_id == reader_id, Seat.left_at.is_(None), Subscription.status.in_(LIVE))
    pairs = [(seat, worth) for seat, worth in db.session.execute(mine.order_by(Seat.id))]
    return Held(own, len(taken(own.id)) if own else 0, pairs)


def _astray() -> list[int]:
    """The groups whose surplus is over, or of whose seats one has not the owner's date."""
    owner = aliased(Subscription)
    behind = (
        select(Seat.group_id)
        .join(Subscription, Seat.is_of())
        .join(Group, Group.id == Seat.group_id)
        .join(owner, owner.id == Group.subscription_id)
        .where(Seat.left_at.is_(None), Subscription.period_end.is_distinct_from(owner.access_until))
    )
    over = select(Group.id).where(or_(Group.surplus_until <= clock.now(), Group.id.in_(behind)))
    found = list(db.session.scalars(over.order_by(Group.id)))
    db.session.commit()
    return found


def _groups_of(reader_id: int) -> list[int]:
    """The groups of a reader's subscriptions with seats; a new subscription gets its own."""
    query = (
        select(Subscription.id, Group.id)
        .outerjoin(Group, Group.subscription_id == Subscription.id)
        .where(Subscription.reader_id == reader_id, Subscription.source == Source.STRIPE)
        .where(or_(Subscription.seats > 1, Group.id.is_not(None)))
        .order_by(Subscription.id)
    )
    return [row[1] or _new(row[0]) for row in db.session.execute(query).all()]


def _new(subscription_id: int) -> int:
    group = Group(subscription_id=subscription_id)
    db.session.add(group)
    db.session.flush()
    return group.id


def _give_time(group: Group, count: int, now: datetime) -> None:
    """Begin the owner's time to choose when there are too many, and end it when there are no longer."""
    if not count or group.subscription.status not in LIVE:
        group.surplus_until = None
    elif group.surplus_until is None:
        group.surplus_until = rules.choice_until(group.owned.period_end, now)
        letters.surplus(group, group.surplus_until, count=count)


def _end(seat_id: int, why: Left, *mine: object) -> Seat:
    query = select(Seat.group_id).join(Group, Group.id == Seat.group_id).join(Subscription)
    group_id = db.session.scalar(query.where(Seat.id == seat_id, *mine))  # type: ignore[arg-type]  # conditions
    if group_id is None:
        raise NotFound(gettext("There is no such seat."))
    group = locked(group_id)
    seat = db.session.get_one(Seat, seat_id, populate_existing=True)
    if seat.left_at is not None:
        raise NotFound(gettext("There is no such seat."))
    _free(seat, why, clock.now())
    agree(group)
    return seat


def _free(seat: Seat, why: Left, at: datetime) -> None:
    seat.left_at, seat.why = at, why
    db.session.flush()
    _record(seat, _facts(seat, SeatState(Status.CANCELED, None, None, at)))


def _record(seat: Seat, facts: Facts) -> list[MembershipEvent]:
    return record.record(seat.reader, [facts], AS_STATED)


def _facts(seat: Seat, worth: SeatState) -> Facts:
    paid = seat.group.subscription
    return Facts(
        source=Source.GROUP,
        external_id=seat.external_id,
        plan_id=paid.plan_id,
        status=worth.status,
        price=Money(0, paid.currency),
        interval=paid.interval,
        started_at=seat.joined_at,
        period_end=worth.until,
        cancel_at=worth.cancel_at,
        ended_at=worth.ended_at,
        # Whether the owner reads on while the membership rests is in `until` already.
        wanted_break=worth.status is Status.PAUSED,
        unpaid_since=worth.until if worth.status is Status.UNPAID else None,
    )


def _subscriptions(group_id: int) -> dict[str, Subscription]:
    query = select(Subscription).join(Seat, Seat.is_of())
    taken_ones = query.where(Seat.group_id == group_id, Seat.left_at.is_(None))
    return {row.external_id: row for row in db.session.scalars(taken_ones)}


_WRITTEN = ("plan_id", "status", "interval", "period_end", "cancel_at", "ended_at")


def _says(row: Subscription | None, facts: Facts) -> bool:
    """Whether a row says so already: most syncs change nothing for a hundred members."""
    return (
        row is not None
        and row.currency == facts.price.currency
        and all(getattr(row, name) == getattr(facts, name) for name in _WRITTEN)
    )
