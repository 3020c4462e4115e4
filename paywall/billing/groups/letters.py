"""The letters of a group: to who is invited, to the owner, to the members."""

from datetime import datetime

from sqlalchemy import select

from paywall import clock, jobs, mail
from paywall.accounts.letters import outside
from paywall.billing.groups import rules
from paywall.billing.groups.models import Group, Invitation, Seat
from paywall.db import db
from paywall.membership import record
from paywall.membership.models import MembershipEvent, Subscription
from paywall.membership.rules import HOLDING, Change, Status


def invitation(one: Invitation, token: str) -> None:
    """The letter whose link opens a seat. The owner's words are not in it: it could be sent to anybody."""
    mail.write(
        "group_invitation",
        one.email,
        group=one.group,
        until=one.until,
        link=outside("groups.join", token=token),
    )


def joined(seat: Seat) -> None:
    """Tell the owner who has taken a seat, once."""
    mail.write(
        "group_joined",
        seat.group.owner.email,
        cause=f"group_joined:{seat.id}",
        seat=seat,
        link=outside("groups.show"),
    )


def removed(seat: Seat) -> None:
    """Tell a member that the seat is theirs no more."""
    _to_member("group_removed", seat, cause=f"group_removed:{seat.id}")


def surplus(group: Group, until: datetime, *, count: int) -> None:
    """Tell the owner that there are fewer seats than members, and until when they can choose."""
    mail.write(
        "group_surplus",
        group.owner.email,
        cause=f"group_surplus:{group.id}:{until:%Y-%m-%dT%H:%M:%S}",
        group=group,
        until=until,
        count=count,
        link=outside("groups.show"),
    )


def ending(seat: Seat, until: datetime) -> None:
    """Remind a member that their reading ends soon; once for each end."""
    _to_member("group_ending", seat, cause=f"group_ending:{seat.id}:{until:%Y-%m-%d}", until=until)


def changed(seat: Seat, lines: list[MembershipEvent]) -> None:
    """Tell a member what new lines of the ledger end: the owner's membership is over, or rests."""
    for line in lines:
        if line.change in (Change.ENDED, Change.PAUSED) and line.status not in HOLDING:
            paused = line.change is Change.PAUSED
            _to_member("group_ended", seat, cause=f"group_ended:{line.id}", is_paused=paused)


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


def _to_member(kind: str, seat: Seat, *, cause: str, **context: object) -> None:
    # Who pays for themselves has no door closed to them.
    if not record.pays_on(seat.reader_id):
        link = outside("billing.join")
        mail.write(kind, seat.reader.email, cause=cause, seat=seat, join_url=link, **context)
