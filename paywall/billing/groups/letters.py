"""The letters of a group: to who is invited, to the owner, to the members; each only while it is true."""

from datetime import datetime

from sqlalchemy import select

from paywall import clock, jobs, mail
from paywall.accounts.letters import outside
from paywall.billing.groups import rules
from paywall.billing.groups.models import Group, Invitation, Seat
from paywall.db import db
from paywall.mail import Care, Letter
from paywall.membership import record
from paywall.membership.models import MembershipEvent, Subscription
from paywall.membership.notices import NEWS
from paywall.membership.rules import HOLDING, Change, Status


def invitation(one: Invitation, token: str) -> None:
    """The letter whose link opens a seat. The owner's words are not in it: it could be sent to anybody."""
    mail.write(
        "group_invitation",
        one.email,
        cause=_invited(one),
        about=one.id,
        care=Care.KEY,
        send_by=one.until,
        group=one.group,
        until=one.until,
        link=outside("groups.join", token=token),
    )


@mail.holds("group_invitation")
def still_invited(letter: Letter) -> bool:
    """Whether the invitation waits, and no later letter has made this one's link useless."""
    one = db.session.get(Invitation, letter.about)
    return one is not None and one.waits and letter.cause == _invited(one)


def joined(seat: Seat) -> None:
    """Tell the owner who has taken a seat, once."""
    mail.write(
        "group_joined",
        seat.group.owner.email,
        cause=f"group_joined:{seat.id}",
        about=seat.id,
        care=Care.ONCE,
        send_by=clock.now() + NEWS,
        seat=seat,
        link=outside("groups.show"),
    )


@mail.holds("group_joined")
def still_a_member(letter: Letter) -> bool:
    """Whether who joined has not left again."""
    seat = db.session.get(Seat, letter.about)
    return seat is not None and seat.left_at is None


def removed(seat: Seat) -> None:
    """Tell a member that the seat is theirs no more."""
    _to_member("group_removed", seat, cause=f"group_removed:{seat.id}", send_by=clock.now() + NEWS)


@mail.holds("group_removed")
def still_without(letter: Letter) -> bool:
    """Whether the member was given no other seat in the same group."""
    seat = db.session.get_one(Seat, letter.about)
    query = select(Seat.id).where(Seat.group_id == seat.group_id, Seat.reader_id == seat.reader_id)
    return db.session.scalar(query.where(Seat.left_at.is_(None))) is None


def surplus(group: Group, until: datetime, *, count: int) -> None:
    """Tell the owner that there are fewer seats than members, and until when they can choose."""
    mail.write(
        "group_surplus",
        group.owner.email,
        cause=_chosen_by(group, until),
        about=group.id,
        care=Care.NOTICE,
        send_by=until,
        group=group,
        until=until,
        count=count,
        link=outside("groups.show"),
    )


@mail.holds("group_surplus")
def still_too_many(letter: Letter) -> bool:
    """Whether the owner still has to choose, by that same day."""
    group = db.session.get_one(Group, letter.about)
    until = group.surplus_until
    return until is not None and letter.cause == _chosen_by(group, until)


def ending(seat: Seat, until: datetime) -> None:
    """Remind a member that their reading ends soon; once for each end."""
    _to_member("group_ending", seat, cause=_ends(seat, until), send_by=until, until=until)


@mail.holds("group_ending")
def still_ending(letter: Letter) -> bool:
    """Whether the seat still ends on that day."""
    seat = db.session.get_one(Seat, letter.about)
    end = _worth(seat).cancel_at
    return seat.left_at is None and end is not None and letter.cause == _ends(seat, end)


def changed(seat: Seat, lines: list[MembershipEvent]) -> None:
    """Tell a member what new lines of the ledger end: the owner's membership is over, or rests."""
    for line in lines:
        if line.change in (Change.ENDED, Change.PAUSED) and line.status not in HOLDING:
            paused = line.change is Change.PAUSED
            _to_member(
                "group_ended",
                seat,
                cause=f"group_ended:{line.id}",
                send_by=line.at + NEWS,
                is_paused=paused,
                until=_worth(seat).access_until,
                now=clock.now(),
            )


@mail.holds("group_ended")
def still_closed(letter: Letter) -> bool:
    """Whether the owner's membership has not gone on meanwhile."""
    return _worth(db.session.get_one(Seat, letter.about)).status not in HOLDING


@jobs.every(minute="47")
def announce_ends() -> None:
    """Remind the members whose reading ends within a week."""
    now = clock.now()
    query = (
        select(Seat, Subscription)
        .join(Subscription, Seat.is_of())
        .where(Seat.left_at.is_(None), Subscription.status == Status.ACTIVE)
        .where(Subscription.cancel_at > now, Subscription.cancel_at <= now + rules.REMINDED_BEFORE)
    )
    for seat, worth in db.session.execute(query.order_by(Seat.id)).all():
        if worth.cancel_at:
            ending(seat, worth.cancel_at)
    db.session.commit()


def _to_member(kind: str, seat: Seat, *, cause: str, send_by: datetime, **context: object) -> None:
    # Who pays for themselves has no door closed to them.
    if not record.pays_on(seat.reader_id):
        mail.write(
            kind,
            seat.reader.email,
            cause=cause,
            about=seat.id,
            care=Care.ONCE,
            send_by=send_by,
            seat=seat,
            join_url=outside("billing.join"),
            **context,
        )


def _worth(seat: Seat) -> Subscription:
    return db.session.scalars(select(Subscription).join(Seat, Seat.is_of()).where(Seat.id == seat.id)).one()


def _invited(one: Invitation) -> str:
    return f"group_invitation:{one.id}:{one.token_hash[:16]}"


def _chosen_by(group: Group, until: datetime) -> str:
    return f"group_surplus:{group.id}:{until:%Y-%m-%dT%H:%M:%S}"


def _ends(seat: Seat, until: datetime) -> str:
    return f"group_ending:{seat.id}:{until:%Y-%m-%d}"
