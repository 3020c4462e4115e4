"""Who gave which article, and who came by it, is forgotten in time; what came of it stays as numbers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from datetime import timedelta
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import ColumnElement, and_, delete, or_, select

from paywall import clock, jobs
from paywall.access.gift_links import giving
from paywall.access.gift_links.giving import Came, Given
from paywall.access.gift_links.models import GiftArrival, GiftLink, PastGifts
from paywall.config import Settings
from paywall.db import db, insert

AT_ONCE = 500


@jobs.every(minute="50")
def forget() -> None:
    """Delete the links that have ended so long ago as the setting says; their numbers stay."""
    while _forget_some():
        db.session.commit()
    db.session.commit()


def _forget_some() -> bool:
    """Forget so many as one transaction should; whether there were any.

    Whoever arrives by one of them meanwhile waits for its row, and so does a second worker.
    """
    due = select(GiftLink).where(_is_over()).order_by(GiftLink.id).limit(AT_ONCE).with_for_update()
    links = db.session.scalars(due).all()
    if links:
        _keep(giving.each(links))
        ids = [link.id for link in links]
        db.session.execute(delete(GiftArrival).where(GiftArrival.gift_link_id.in_(ids)))
        db.session.execute(delete(GiftLink).where(GiftLink.id.in_(ids)))
    return bool(links)


def _is_over() -> ColumnElement[bool]:
    """Ended for as long as reading may be known of anybody, and no longer counted against a month."""
    settings: Settings = current_app.extensions["settings"]
    now = clock.now()
    last = now - timedelta(days=settings.journey_days)
    has_ended = or_(GiftLink.until <= last, GiftLink.revoked_at <= last)
    return and_(has_ended, GiftLink.made_at < clock.month_start(now, ZoneInfo(settings.timezone)))


def _keep(given: Sequence[Given]) -> None:
    sums: dict[str, Counter[str]] = {}
    for one in given:
        more = {"links": 1, "opened": one.link.opened, "signed_up": one.signed_up, "paid": one.paid}
        sums.setdefault(one.link.key, Counter(dict.fromkeys(more, 0))).update(more)
    new = insert(PastGifts)
    added = {one.name: getattr(PastGifts, one.name) + new.excluded[one.name] for one in fields(Came)}
    rows = [{"key": key, **counts} for key, counts in sorted(sums.items())]
    db.session.execute(new.on_conflict_do_update(index_elements=["key"], set_=added), rows)
