"""The free reads of signed-in readers as rows: spent one by one, united with a visitor's, and forgotten."""

from datetime import datetime
from typing import Any

from flask import Flask, after_this_request, current_app, request
from flask_login import user_logged_out
from flask_security import user_authenticated
from sqlalchemy import Connection, case, delete, func, literal, select
from werkzeug.wrappers import Response

from paywall import clock, jobs
from paywall.access.meter import COOKIE, Allowance, Cookies, Read
from paywall.access.models import MeterRead
from paywall.accounts.models import Reader
from paywall.config import Settings
from paywall.db import UTCDateTime, db, insert


def allowed(settings: Settings) -> Allowance:
    """What the settings allow; whoever signs in never has less than before."""
    visitor = settings.meter_visitor_reads
    reader = max(visitor, settings.meter_reader_reads)
    return Allowance(visitor, reader, settings.meter_days, settings.timezone)


def spend(connection: Connection, reader_id: int, key: str, allowance: Allowance, now: datetime) -> bool:
    """Note a free read if one is left, in the transaction of `connection`; whether the page may be shown.

    The row of the reader is locked meanwhile, so that two tabs cannot spend the last one twice.
    """
    connection.execute(select(Reader.id).where(Reader.id == reader_id).with_for_update())
    mine = (MeterRead.reader_id == reader_id) & (MeterRead.read_at >= allowance.since(now))
    others = select(func.count()).where(mine, MeterRead.key != key).scalar_subquery()
    row = select(literal(reader_id), literal(key), literal(now, UTCDateTime())).where(
        others < allowance.reader
    )
    new = insert(MeterRead, connection.dialect.name).from_select(["reader_id", "key", "read_at"], row)
    return connection.execute(_newest(new).returning(MeterRead.key)).first() is not None


def init_app(app: Flask, cookies: Cookies, allowance: Allowance, *, secure: bool) -> None:
    """Carry the count over at sign-in and sign-out: neither begins it anew."""
    if not allowance.reader:
        return

    def unite(_app: Flask, user: Reader, **_facts: object) -> None:
        for read in cookies.read(request.cookies.get(COOKIE, "")) or ():
            if read.at >= allowance.since(clock.now()):
                new = insert(MeterRead).values(reader_id=user.id, key=read.key, read_at=read.at)
                db.session.execute(_newest(new))

    def part(_app: Flask, user: Reader, **_facts: object) -> None:
        now = clock.now()
        since = allowance.since(now)
        value = cookies.write(_of(user.id), since)

        @after_this_request
        def _give_back(response: Response) -> Response:
            response.set_cookie(
                COOKIE, value, max_age=allowance.longest, httponly=True, secure=secure, samesite="Lax"
            )
            return response

    # The signals hold them weakly, the app as long as it lives.
    app.extensions["free_reads"] = unite, part
    user_authenticated.connect(unite, app)
    user_logged_out.connect(part, app)


@jobs.every(minute="40", hour="4")
def forget() -> None:
    """Delete the reads of past periods: nobody needs to know any more who read what."""
    settings: Settings = current_app.extensions["settings"]
    since = allowed(settings).since(clock.now())
    db.session.execute(delete(MeterRead).where(MeterRead.read_at < since))
    db.session.commit()


def _newest(new: Any) -> Any:
    """The statement, made to keep the later of two readings of the same page."""
    given = new.excluded.read_at
    newest = case((MeterRead.read_at < given, given), else_=MeterRead.read_at)
    return new.on_conflict_do_update(index_elements=["reader_id", "key"], set_={"read_at": newest})


def _of(reader_id: int) -> list[Read]:
    mine = select(MeterRead.key, MeterRead.read_at).where(MeterRead.reader_id == reader_id)
    return [Read(*row) for row in db.session.execute(mine)]
