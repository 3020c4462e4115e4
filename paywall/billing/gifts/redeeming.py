"""Being given: a code is redeemed once, gifts follow one another, end by themselves, and say so before."""

from datetime import datetime, timedelta

import structlog
from flask_babel import gettext
from sqlalchemy import or_, select, update

from paywall import clock, jobs, mail
from paywall.accounts import trail
from paywall.accounts.letters import outside
from paywall.accounts.models import Reader
from paywall.billing.gateway import gateway
from paywall.billing.gifts import rules
from paywall.billing.gifts.models import Gift
from paywall.billing.gifts.rules import GiftState, Void
from paywall.db import db
from paywall.errors import Conflict, NotFound
from paywall.mail import Care
from paywall.membership import applied, record
from paywall.membership.rules import Facts, Interval, Source, Status
from paywall.money import Money

LATE = timedelta(days=2)
FIRST_REMINDER = timedelta(days=max(rules.REMINDERS))

log = structlog.get_logger()


class HasOwn(Conflict):
    """The reader pays for a membership of their own: they may want to keep the code for later."""


def redeem(reader: Reader, code_hash: str | None, *, anyway: bool = False) -> Gift:
    """Let a reader have the gift of this code's hash; the caller commits.

    Of two readers at once one gets it. Raises NotFound, in the same words whatever is wrong with the code,
    and HasOwn unless the reader wants it `anyway`.
    """
    # A code bought with a test key is worth nothing once real money moves.
    query = select(Gift).where(Gift.code_hash == code_hash, Gift.mode == gateway().mode)
    gift = db.session.scalar(query) if code_hash else None
    if gift is not None and gift.redeemer_id == reader.id and gift.state is GiftState.REDEEMED:
        return gift
    if gift is None or gift.state is not GiftState.PAID:
        raise _unknown()
    if not anyway and record.pays_on(reader.id):
        raise HasOwn(gettext("You have a membership already, and pay for it."))
    now = clock.now()
    mine = (
        update(Gift)
        .where(Gift.id == gift.id, Gift.state == GiftState.PAID)
        .values(state=GiftState.REDEEMED, redeemer_id=reader.id, redeemed_at=now)
        .returning(Gift.id)
    )
    if db.session.scalar(mine) is None:
        raise _unknown()
    db.session.refresh(gift)
    line_up(reader.id, now)
    return gift


def of(reader_id: int) -> list[Gift]:
    """The gifts that a reader has and has not used up, in the order in which they run."""
    query = select(Gift).where(Gift.redeemer_id == reader_id, Gift.state == GiftState.REDEEMED)
    return list(db.session.scalars(query.order_by(Gift.starts_at, Gift.id)))


def free_until(reader_id: int, plan_id: int) -> datetime | None:
    """Until when gifts pay for a membership in this plan begun now; None if it is charged at once."""
    ends = [gift.ends_at for gift in of(reader_id) if gift.plan_id == plan_id and gift.ends_at]
    return rules.trial_until(max(ends, default=None), clock.now())


def void(gift: Gift, *, reason: str = "") -> None:
    """Make a gift worth nothing: its code is dead, and if it runs it ends now; the caller commits."""
    was = gift.state
    gift.state, gift.void_why = GiftState.VOID, Void.STAFF
    trail.note(
        "gift voided",
        f"gift {gift.id}",
        reader_id=gift.redeemer_id,
        before={"state": was},
        after={"state": gift.state},
        reason=reason,
    )
    if gift.redeemed_at:
        follow(gift)


def follow(gift: Gift) -> None:
    """A redeemed gift was made void, or came back: let the books and those behind it follow."""
    if gift.begun_at:
        _record(gift)
    if gift.redeemer_id is None:
        return
    line_up(gift.redeemer_id, clock.now())
    if any(held.status is Status.TRIALING for held in record.billed(gift.redeemer_id)):
        # Whoever joined while it ran pays only at its end: whether to charge sooner is for staff to say.
        log.warning("trial_outlives_its_gift", gift=gift.id, reader=gift.redeemer_id)


def line_up(reader_id: int, now: datetime) -> None:
    """Let gifts that have not begun follow what the reader has paid for, or was given; the caller commits."""
    # Locked, so that two codes redeemed at the same moment follow one another.
    db.session.execute(select(Reader.id).where(Reader.id == reader_id).with_for_update())
    mine = of(reader_id)
    busy = [gift.ends_at for gift in mine if gift.begun_at and gift.ends_at]
    busy += [held.cancel_at for held in record.billed(reader_id) if held.cancel_at]
    waiting = sorted((gift for gift in mine if not gift.begun_at), key=lambda gift: gift.redeemed_at or now)
    spans = rules.line_up(max([now, *busy]), [gift.months for gift in waiting])
    for gift, (start, end) in zip(waiting, spans, strict=True):
        gift.starts_at, gift.ends_at = start, end
        if start <= now + rules.EARLY:
            _begin(gift, now)


@jobs.every(minute="23")
def keep_running() -> None:
    """Begin the gifts whose turn has come, end those that have run out, remind of those that soon do."""
    now = clock.now()
    starts, ends = Gift.starts_at <= now + rules.EARLY, Gift.ends_at <= now + FIRST_REMINDER
    due = select(Gift.id).where(Gift.state == GiftState.REDEEMED, or_(Gift.begun_at.is_(None) & starts, ends))
    waiting = db.session.scalars(due.order_by(Gift.starts_at, Gift.id)).all()
    db.session.commit()
    for gift_id in waiting:
        try:
            _move_on(db.session.get_one(Gift, gift_id, with_for_update=True, populate_existing=True), now)
            db.session.commit()
        except Exception:
            # One gift that cannot be moved must not keep the others from moving.
            db.session.rollback()
            log.exception("gift_not_moved", gift=gift_id)


def _move_on(gift: Gift, now: datetime) -> None:
    if gift.state is not GiftState.REDEEMED or gift.ends_at is None:
        return
    if gift.begun_at is None:
        _begin(gift, now)
    if gift.ends_at <= now:
        gift.state = GiftState.ENDED
        _record(gift)
        _write(gift, "gift_ended", f"gift_ended:{gift.id}")
        return
    _remind(gift, now)


def _unknown() -> NotFound:
    return NotFound(
        gettext(
            "This code cannot be redeemed. Look whether it is typed right; it may have been used already."
        )
    )


def _begin(gift: Gift, now: datetime) -> None:
    gift.begun_at = min(gift.starts_at or now, now)
    _record(gift)
    _write(gift, "gift_started", f"gift_started:{gift.id}")


def _record(gift: Gift) -> None:
    assert gift.begun_at is not None
    assert gift.redeemer is not None
    runs = gift.state is GiftState.REDEEMED
    facts = Facts(
        source=Source.GIFT,
        external_id=f"gift:{gift.id}",
        plan_id=gift.plan_id,
        status=Status.ACTIVE if runs else Status.CANCELED,
        price=Money(0, gift.currency),
        interval=Interval.MONTH if gift.months % 12 else Interval.YEAR,
        started_at=gift.begun_at,
        period_start=gift.begun_at,
        period_end=gift.ends_at,
        cancel_at=gift.ends_at,
        ended_at=None if runs else gift.ends_at if gift.state is GiftState.ENDED else clock.now(),
    )
    record.record(gift.redeemer, [facts], applied.in_force())


def _remind(gift: Gift, now: datetime) -> None:
    days = rules.reminder(gift.ends_at, now) if gift.ends_at else None
    if days and not _goes_on(gift):
        _write(gift, "gift_ending", f"gift_ending:{gift.id}:{days}")


def _goes_on(gift: Gift) -> bool:
    """Whether another gift or a membership of their own follows, so that nothing ends for the reader."""
    assert gift.redeemer_id is not None
    later = any(
        other.ends_at > gift.ends_at for other in of(gift.redeemer_id) if other.ends_at and gift.ends_at
    )
    return later or record.pays_on(gift.redeemer_id)


def _write(gift: Gift, kind: str, cause: str) -> None:
    assert gift.redeemer is not None
    if kind == "gift_ended" and _goes_on(gift):
        return
    mail.write(
        kind,
        gift.redeemer.email,
        cause=cause,
        about=gift.id,
        care=Care.ONCE,
        send_by=clock.now() + LATE,
        gift=gift,
        join_url=outside("billing.join"),
    )
