"""The pages of every report: itself, its tables as CSV files, and the rows behind its figures."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any

from flask import Response, abort, render_template, request, stream_with_context
from flask.blueprints import BlueprintSetupState
from sqlalchemy import select

from paywall import clock
from paywall.accounts.routes import may_enter
from paywall.db import db, read_much
from paywall.errors import BadInput
from paywall.membership.models import Plan
from paywall.membership.rules import Source
from paywall.reports import export, page, shown
from paywall.reports.asked import Asked, Preset, preset, read
from paywall.reports.page import Behind, Column, Page, Row
from paywall.reports.rollup import zone

ON_A_PAGE, PAGES = 100, 100


def add(state: BlueprintSetupState) -> None:
    """Give each report routes of its own, so that each states who may enter it."""
    for one in page.all_of_them():
        for rule, endpoint, view in _views(one):
            state.add_url_rule(f"/reports/{one.name}{rule}", endpoint, may_enter(*one.roles)(view))


def day(instant: datetime) -> str:
    """The calendar day of an instant where the paper is made."""
    return f"{instant.astimezone(zone()):%Y-%m-%d}"


def usual(one: Page) -> Asked:
    """What a report shows to whoever asks for nothing else."""
    since, until = preset(one.usual, _today())
    return Asked(since, until, zone=zone())


def _views(one: Page) -> list[tuple[str, str, Any]]:
    def whole() -> tuple[str, int]:
        return _whole(one)

    def table(table: str) -> Response:
        return _table(one, table)

    def rows(which: str) -> str:
        return _rows(one, _found(one, which))

    def rows_csv(which: str) -> Response:
        found = _found(one, which)
        return _csv(f"{one.name}-{which}", _asked(one), found.columns, found.rows(_asked(one)))

    return [
        ("", one.name, whole),
        ("/<table>.csv", f"{one.name}_table", table),
        ("/rows/<which>", f"{one.name}_rows", rows),
        ("/rows/<which>.csv", f"{one.name}_rows_csv", rows_csv),
    ]


def _whole(one: Page) -> tuple[str, int]:
    _begin()
    asked, made, message = usual(one), None, ""
    try:
        asked = _asked(one)
        made = one.make(asked)
    except BadInput as wrong:
        message = wrong.message
    form = {"presets": _presets(asked), "plans": _plans(), "sources": list(Source)}
    said = {"page": one, "asked": asked, "report": made, "message": message}
    return render_template("reports/report.html", shown=shown, **said, **form), 400 if message else 200


def _table(one: Page, name: str) -> Response:
    _begin()
    asked = _asked(one)
    found = next((table for table in one.make(asked).tables if table.name == name), None) or abort(404)
    return _csv(f"{one.name}-{name}", asked, found.columns, found.rows)


def _rows(one: Page, found: Behind) -> str:
    _begin()
    asked = _asked(one)
    number = request.args.get("page", 1, type=int)
    if not 1 <= number <= PAGES:
        abort(404)
    first = (number - 1) * ON_A_PAGE
    read = list(islice(found.rows(asked), first, first + ON_A_PAGE + 1))
    said: dict[str, Any] = {"page": one, "behind": found, "asked": asked, "rows": read[:ON_A_PAGE]}
    has_more = len(read) > ON_A_PAGE and number < PAGES
    return render_template(
        "reports/rows.html", shown=shown, number=number, first=first, has_more=has_more, **said
    )


def _csv(name: str, asked: Asked, columns: tuple[Column, ...], rows: Iterable[Row]) -> Response:
    body = stream_with_context(export.rows(shown.header(columns), shown.lines(columns, rows)))
    file = f"{name}-{asked.since}-{asked.until}.csv"
    headers = {"Content-Disposition": f"attachment; filename={file}"}
    return Response(body, mimetype="text/csv", headers=headers)


def _begin() -> None:
    """Leave the transaction in which it was found out who asks, and begin one that holds nobody up."""
    db.session.commit()
    read_much()


def _found(one: Page, which: str) -> Behind:
    _begin()
    return one.lists.get(which) or abort(404)


def _asked(one: Page) -> Asked:
    found, order = read(request.args, usual(one), _plans(), one.narrows), request.args.get("order")
    if order and order not in one.orders:
        raise BadInput(f"This report is not sorted by {order!r}.")
    return replace(found, order=order or None)


def _plans() -> dict[str, str]:
    """The names of all plans, by slug."""
    query = select(Plan.slug, Plan.name).order_by(Plan.position, Plan.id)
    return {row.slug: row.name for row in db.session.execute(query)}


def _presets(asked: Asked) -> list[tuple[str, Asked, bool]]:
    """The stretches of days to choose from, and whether it is the one that is shown."""
    found = []
    for which in Preset:
        since, until = preset(which, _today())
        is_shown = (since, until) == (asked.since, asked.until)
        found.append((which.value, replace(asked, since=since, until=until), is_shown))
    return found


def _today() -> Any:
    return clock.now().astimezone(zone()).date()
