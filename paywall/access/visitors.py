"""Who a signed session is, and what they hold now: one indexed query, none for who is not signed in."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, exists, select

from paywall.access.decision import Visitor
from paywall.accounts.models import Reader, reader_role
from paywall.db import UTCDateTime
from paywall.membership.models import Plan, Subscription
from paywall.membership.rules import Holding

NOBODY = Visitor()

_holds = (Subscription.reader_id == Reader.id) & (
    Subscription.access_until > bindparam("now", type_=UTCDateTime())
)
_query = (
    select(
        Reader.id,
        exists().where(reader_role.c.reader_id == Reader.id).label("is_staff"),
        Plan.slug,
        Subscription.access_until,
    )
    .select_from(Reader)
    .outerjoin(Subscription, _holds)
    .outerjoin(Plan, Plan.id == Subscription.plan_id)
    .where(Reader.fs_uniquifier == bindparam("uniquifier"), Reader.active)
)


def visitor(connection: Connection, uniquifier: str, now: datetime) -> Visitor:
    """The visitor whom a session names by `fs_uniquifier`; NOBODY for one no longer valid."""
    rows = connection.execute(_query, {"uniquifier": uniquifier, "now": now}).all()
    if not rows:
        return NOBODY
    holdings = tuple(Holding(row.slug, row.access_until) for row in rows if row.access_until is not None)
    return Visitor(reader_id=rows[0].id, holdings=holdings, is_staff=bool(rows[0].is_staff))
