"""Who came by a gift link and signed up: a note in the signed session, and a row at the sign-up."""

from datetime import datetime

import structlog
from flask import Flask, session
from flask_security import user_authenticated
from sqlalchemy import literal, select
from sqlalchemy.exc import SQLAlchemyError

from paywall import clock
from paywall.access.gift_links import rules
from paywall.access.gift_links.models import GiftArrival, GiftLink
from paywall.accounts.models import Reader
from paywall.accounts.sessions import CAME_BY
from paywall.config import Settings
from paywall.db import UTCDateTime, db, insert

log = structlog.get_logger()


def note(link_id: int, now: datetime) -> None:
    """Remember in this browser's session that it has opened a link; the last one counts."""
    session[CAME_BY] = [link_id, now.isoformat()]


def init_app(app: Flask, _settings: Settings) -> None:
    """Look at each sign-in whether it is the first of somebody who came by a link."""
    user_authenticated.connect(_signed_in, app)


def _signed_in(_app: Flask, *, user: Reader, **_facts: object) -> None:
    found = session.pop(CAME_BY, None)
    if found is None:
        return
    link_id, opened_at = found
    if not rules.came_by(datetime.fromisoformat(opened_at), user.created_at, clock.now()):
        return
    # None if the link is forgotten already.
    link = select(GiftLink.id, literal(user.id), literal(clock.now(), UTCDateTime())).where(
        GiftLink.id == link_id
    )
    row = insert(GiftArrival).from_select(["gift_link_id", "reader_id", "at"], link)
    try:
        # Part of the sign-in's own transaction, which must not fail for it.
        with db.session.begin_nested():
            db.session.execute(row.on_conflict_do_nothing(index_elements=["reader_id"]))
    except SQLAlchemyError:
        log.exception("arrival_not_written", link=link_id)
