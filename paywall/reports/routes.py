"""The pages of every report: itself, its figures and tables as CSV files, and the rows behind its figures."""

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask import Response, abort, render_template, request
from flask.blueprints import BlueprintSetupState
from sqlalchemy import select

from paywall import clock
from paywall.accounts.routes import may_enter
from paywall.db import db, read_much
from paywall.errors import BadInput
from paywall.membership.models import Plan
from paywall.membership.rules import Source
from paywall.reports import listed, page, shown
from paywall.reports.asked import Asked, Preset, preset, read
from paywall.reports.page import Behind, Link, Page
from paywall.reports.rollup import zone

CURRENCY = re.compile("[a-z]{3}")


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

    def figures() -> Response:
        return _figures(one)

    def table(table: str) -> Response:
        return _table(one, table)

    def rows(which: str) -> str:
        return _rows(one, which)

    def rows_csv(which: str) -> Response:
        return _rows_csv(one, which)

    return [
        ("", one.name, whole),
        ("/figures.csv", f"{one.name}_figures", figures),
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


def currency(*, is_needed: bool = False) -> str:
    """What `?currency=` says, or "" if it may; raises BadInput for what is none."""
    given = request.args.get("currency", "")
    if (given or is_needed) and not CURRENCY.fullmatch(given):
        raise BadInput(f"{given!r} is no currency: write it like eur.")
    return given


def _figures(one: Page) -> Response:
    _begin()
    asked = _asked(one)
    lines = shown.figures(one.make(asked).figures)
    return listed.csv(_file(one, "figures", asked), shown.FIGURES, lines)


def _table(one: Page, name: str) -> Response:
    _begin()
    asked = _asked(one)
    found = next((table for table in one.make(asked).tables if table.name == name), None) or abort(404)
    return listed.file(_file(one, name, asked), found.columns, found.rows)


def _rows(one: Page, which: str) -> str:
    found, asked = _behind(one, which)
    above = Link(one.title, f"{one.path}?{asked.of(None).query}")
    rows = found.told(asked)
    return listed.page(found.title, found.columns, rows, above=above, about=_about(asked), query=asked.query)


def _rows_csv(one: Page, which: str) -> Response:
    found, asked = _behind(one, which)
    name = _file(one, f"{which}-{asked.currency}" if asked.currency else which, asked)
    return listed.file(name, found.columns, found.told(asked))


def _file(one: Page, what: str, asked: Asked) -> str:
    return f"{one.name}-{what}-{asked.since}-{asked.until}"


def _about(asked: Asked) -> str:
    """What was asked for, in a sentence."""
    days = f"{shown.words(asked.since)} to {shown.words(asked.until)}"
    plan = f"plan {asked.plan} only" if asked.plan else ""
    source = f"{asked.source} only" if asked.source else ""
    currency = f"{asked.currency.upper()} only" if asked.currency else ""
    return f"{', '.join(filter(None, (days, plan, source, currency)))}."


def _begin() -> None:
    """Leave the transaction in which it was found out who asks, and begin one that holds nobody up."""
    db.session.commit()
    read_much()


def _behind(one: Page, which: str) -> tuple[Behind, Asked]:
    """A list of rows, and what of it is asked for."""
    _begin()
    found = one.lists.get(which) or abort(404)
    return found, _asked(one).of(currency() or None)


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
