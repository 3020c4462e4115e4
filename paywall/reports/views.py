"""The membership report: staff's first page, and the list of patrons as CSV."""

from collections.abc import Iterator
from datetime import datetime

from flask import Blueprint, Response, render_template, stream_with_context

from paywall import clock
from paywall.accounts.models import StaffRole
from paywall.accounts.routes import may_enter
from paywall.db import db, read_only
from paywall.membership import applied, policy_words
from paywall.reports import (
    export,
    leaving,  # noqa: F401  # nobody calls it: it declares a report
    libraries,  # noqa: F401  # likewise
    patrons,  # noqa: F401  # likewise
    queries,
    routes,
    shown,
)
from paywall.reports.asked import Asked, Preset, preset
from paywall.reports.journey import articles, path  # noqa: F401  # likewise
from paywall.reports.overview import figures
from paywall.reports.page import READS
from paywall.reports.patrons.look import look
from paywall.reports.rollup import zone

reports = Blueprint("reports", __name__, url_prefix="/staff")
reports.record(routes.add)

HEADER = (
    "e-mail",
    "plan",
    "status",
    "source",
    "currency",
    "price",
    "interval",
    "monthly",
    "patron since",
    "paid until",
    "ends",
    "seats",
)


@reports.get("")
@may_enter(*READS)
def overview() -> str:
    """Active patrons, new and ended this month, what they bring a month by currency; and a month ago."""
    db.session.commit()
    read_only()
    today = clock.now().astimezone(zone()).date()
    asked = Asked(*preset(Preset.THIS_MONTH, today), zone=zone())
    seen = look(asked)
    return render_template(
        "reports/overview.html",
        figures=list(figures(seen)),
        asked=asked,
        shown=shown,
        now=clock.now(),
        notes=seen.notes,
        twice=queries.twice(),
    )


@reports.get("/policy")
@may_enter(*StaffRole)
def policy() -> str:
    """The rules by which access ends, as they are set now."""
    return render_template("reports/policy.html", rows=policy_words.rows(applied.in_force()))


@reports.get("/patrons.csv")
@may_enter(*READS)
def patrons_csv() -> Response:
    """Everyone who holds a subscription now."""
    db.session.commit()
    read_only()
    body = stream_with_context(export.rows(HEADER, _cells()))
    name = f"patrons-{clock.now():%Y-%m-%d}.csv"
    return Response(
        body,
        mimetype="text/csv",
        headers={"Content-Disposition": f"attachment; filename={name}"},
    )


def _cells() -> Iterator[tuple[object, ...]]:
    for row in queries.patrons():
        yield (
            row.email,
            row.plan,
            str(row.status),
            str(row.source),
            row.price.currency.upper(),
            row.price.major(),
            row.interval,
            row.monthly.major(),
            _day(row.started_at),
            _day(row.period_end),
            _day(row.cancel_at),
            row.seats,
        )


def _day(instant: datetime | None) -> str | None:
    return routes.day(instant) if instant else None
