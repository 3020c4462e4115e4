"""The trail's page: what staff did, filtered, and as a file; nothing on it changes anything."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from flask import Blueprint, Response, render_template, request, stream_with_context
from sqlalchemy import select

from paywall import clock
from paywall.accounts import addresses, readers
from paywall.accounts.models import StaffRole
from paywall.accounts.routes import may_enter
from paywall.accounts.trail import StaffAct
from paywall.db import db, read_only, streamed
from paywall.errors import BadInput, NotFound, PaywallError
from paywall.office import acts, words
from paywall.office.acts import Asked
from paywall.reports import export
from paywall.reports.rollup import zone

ON_A_PAGE = 50
HEADER = ("number", "at", "who", "act", "about", "before", "after", "reason")
FIELDS = ("actor", "act", "reader", "since", "until")

trails = Blueprint("trails", __name__, url_prefix="/staff")


@dataclass(frozen=True, slots=True)
class Shown:
    """Lines of one page, and the number below which the next one begins."""

    lines: list[StaffAct]
    older: int | None


@trails.get("/trail")
@may_enter(StaffRole.OWNER)
def show() -> tuple[str, int]:
    """The newest lines, those of one person, act, reader or days if asked for."""
    _only_read()
    message, status, shown = "", 200, Shown([], None)
    try:
        shown = _page(_asked())
    except PaywallError as wrong:
        message, status = wrong.message, wrong.status
    page = render_template(
        "office/house/trail.html",
        shown=shown,
        message=message,
        given=_given(),
        acts=list(db.session.scalars(select(StaffAct.act).distinct().order_by(StaffAct.act))),
        changes=acts.changes,
        local=lambda instant: words.local(instant, zone()),
    )
    return page, status


@trails.get("/trail.csv")
@may_enter(StaffRole.OWNER)
def download() -> Response:
    """The same lines, all of them, for a spreadsheet."""
    _only_read()
    body = stream_with_context(export.rows(HEADER, _cells(_asked())))
    name = f"trail-{clock.now():%Y-%m-%d}.csv"
    return Response(
        body, mimetype="text/csv", headers={"Content-Disposition": f"attachment; filename={name}"}
    )


def _only_read() -> None:
    db.session.commit()
    read_only()


def _page(asked: Asked) -> Shown:
    query = acts.lines(asked).limit(ON_A_PAGE + 1)
    before = request.args.get("below", type=int)
    found = list(db.session.scalars(query.where(StaffAct.id < before) if before else query))
    return Shown(found[:ON_A_PAGE], found[ON_A_PAGE - 1].id if len(found) > ON_A_PAGE else None)


def _cells(asked: Asked) -> Iterator[tuple[object, ...]]:
    for (line,) in streamed(acts.lines(asked)):
        told = [
            "; ".join(f"{name}: {value}" for name, value in side.items())
            for side in (line.before, line.after)
        ]
        at = line.at.astimezone(zone())
        yield (line.id, f"{at:%Y-%m-%d %H:%M:%S}", line.actor, line.act, line.about, *told, line.reason)


def _given() -> dict[str, str]:
    """What the form says."""
    return {name: request.args.get(name, "").strip() for name in FIELDS}


def _asked() -> Asked:
    """Which lines are asked for; raises BadInput and NotFound."""
    given = _given()
    asked = Asked(actor=given["actor"] or None, act=given["act"] or None)
    asked = replace(asked, since=_day(given["since"]), before=_day(given["until"], days=1))
    return replace(asked, reader_id=_reader_id(given["reader"])) if given["reader"] else asked


def _day(text: str, *, days: int = 0) -> datetime | None:
    """When a day of ours begins, or the one so many days later."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text) + timedelta(days=days)
    except (ValueError, OverflowError):
        raise BadInput(f"{text!r} is no day: write it like 2026-10-31.") from None
    return datetime(day.year, day.month, day.day, tzinfo=zone())


def _reader_id(email: str) -> int:
    found = readers.find(addresses.normalise(email) or "")
    if found is None:
        raise NotFound(f"There is no reader {email}.")
    return found.id
