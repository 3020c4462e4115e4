"""Links given, counted against the month, taken back, and what came of each."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from flask_babel import gettext
from sqlalchemy import ColumnElement, and_, func, select

from paywall.access.gift_links.models import GiftArrival, GiftLink, PastGifts
from paywall.access.gift_links.rules import Terms
from paywall.accounts import trail
from paywall.accounts.models import Reader
from paywall.db import db
from paywall.errors import Conflict, NotFound
from paywall.membership.models import MembershipEvent
from paywall.membership.rules import Source

# Who brings money of their own; gifts and seats are paid for by somebody else.
PAID_BY_READER = (Source.STRIPE, Source.PATREON)


@dataclass(frozen=True, slots=True)
class Given:
    """A link and what came of it: how many signed up, and how many of these have paid since."""

    link: GiftLink
    signed_up: int
    paid: int


@dataclass(frozen=True, slots=True)
class Came:
    """What came of several links together."""

    links: int
    opened: int
    signed_up: int
    paid: int


def give(giver_id: int, key: str, terms: Terms, now: datetime, *, by_staff: bool) -> GiftLink:
    """The reader's link to an article: the one that is good still, else a new one. The caller commits.

    Raises Conflict if the month's links are given. Of several calls at once each sees what the others gave.
    """
    # On SQLite the transaction has the write lock from its start.
    db.session.execute(select(Reader.id).where(Reader.id == giver_id).with_for_update(key_share=True))
    if link := good(giver_id, key, now):
        return link
    if not by_staff and left(giver_id, terms, now) <= 0:
        raise Conflict(gettext("You have given all your articles of this month."))
    link = GiftLink(
        giver_id=giver_id, key=key, by_staff=by_staff, made_at=now, until=now + terms.good_for, opened=0
    )
    db.session.add(link)
    db.session.flush()
    return link


def good(giver_id: int, key: str, now: datetime) -> GiftLink | None:
    """The reader's link to this article that is good at `now`."""
    its = and_(GiftLink.giver_id == giver_id, GiftLink.key == key)
    query = select(GiftLink).where(its, GiftLink.revoked_at.is_(None), GiftLink.until > now)
    return db.session.scalars(query.order_by(GiftLink.id.desc()).limit(1)).first()


def left(giver_id: int, terms: Terms, now: datetime) -> int:
    """How many more a patron can give this month; one that was taken back has been given all the same."""
    counts = and_(GiftLink.giver_id == giver_id, GiftLink.by_staff.is_(False))
    query = select(func.count()).where(counts, GiftLink.made_at >= terms.month(now))
    return max(0, terms.a_month - (db.session.scalar(query) or 0))


def revoke(link_id: int, now: datetime, *, giver_id: int | None = None, reason: str = "") -> GiftLink:
    """Take a link back, for its giver or (None) for staff; the caller commits. Raises NotFound."""
    whose = [GiftLink.giver_id == giver_id] if giver_id is not None else []
    link = db.session.scalar(select(GiftLink).where(GiftLink.id == link_id, *whose))
    if link is None:
        raise NotFound(gettext("There is no such gift link."))
    if link.revoked_at is None:
        link.revoked_at = now
        if giver_id is None:
            about = f"gift link {link.id}"
            trail.note("gift link taken back", about, reader_id=link.giver_id, reason=reason)
    return link


def given(*which: ColumnElement[bool], most: int) -> Sequence[Given]:
    """The newest links of those that fit, with what came of each."""
    links = db.session.scalars(select(GiftLink).where(*which).order_by(GiftLink.id.desc()).limit(most)).all()
    return each(links)


def each(links: Sequence[GiftLink]) -> list[Given]:
    """What has come of each of these."""
    arrived = GiftArrival.gift_link_id.in_([link.id for link in links])
    query = select(GiftArrival.gift_link_id, func.count(), func.count().filter(_has_paid())).where(arrived)
    came = {row[0]: row[1:] for row in db.session.execute(query.group_by(GiftArrival.gift_link_id))}
    return [Given(link, *came.get(link.id, (0, 0))) for link in links]


def in_all(key: str | None = None) -> Came:
    """What has come of all links there ever were, or of those to the article with this key."""
    its = [GiftLink.key == key] if key else []
    was = [PastGifts.key == key] if key else []
    links = select(func.count(), func.sum(GiftLink.opened)).where(*its)
    arrived = select(func.count(), func.count().filter(_has_paid())).select_from(GiftArrival).join(GiftLink)
    past = select(*(func.sum(getattr(PastGifts, one.name)) for one in fields(Came))).where(*was)
    live = (*db.session.execute(links).one(), *db.session.execute(arrived.where(*its)).one())
    sums = zip(live, db.session.execute(past).one(), strict=True)
    return Came(*((now or 0) + (before or 0) for now, before in sums))


def _has_paid() -> ColumnElement[bool]:
    # Who arrived has joined by it, so whatever they have paid came after.
    return (
        select(MembershipEvent.id)
        .where(MembershipEvent.reader_id == GiftArrival.reader_id)
        .where(MembershipEvent.source.in_(PAID_BY_READER), MembershipEvent.monthly_delta > 0)
        .exists()
    )
