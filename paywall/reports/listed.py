"""How rows are shown of which there may be a million: page by page, and as a file; neither holds them all."""

from collections.abc import Iterable, Sequence
from itertools import islice

from flask import Response, abort, render_template, request, stream_with_context

from paywall.reports import export, shown
from paywall.reports.page import Column, Link, Row

ON_A_PAGE, PAGES = 100, 100


def page(
    title: str, columns: tuple[Column, ...], rows: Iterable[Row], *, above: Link, about: str, query: str
) -> str:
    """The rows of `?page=`, under what they are; `above`: what they stand behind. `query`: what was asked."""
    number = request.args.get("page", 1, type=int)
    if not 1 <= number <= PAGES:
        abort(404)
    first = (number - 1) * ON_A_PAGE
    read = list(islice(rows, first, first + ON_A_PAGE + 1))
    said = {"title": title, "columns": columns, "above": above, "about": about, "query": query}
    return render_template(
        "reports/rows.html",
        shown=shown,
        rows=read[:ON_A_PAGE],
        first=first,
        number=number,
        has_more=len(read) > ON_A_PAGE and number < PAGES,
        **said,
    )


def file(name: str, columns: tuple[Column, ...], rows: Iterable[Row]) -> Response:
    """All of them as CSV, streamed."""
    return csv(name, shown.header(columns), shown.lines(columns, rows))


def csv(name: str, header: Sequence[str], lines: Iterable[Sequence[object]]) -> Response:
    """The same of lines that are plain values already."""
    body = stream_with_context(export.rows(header, lines))
    headers = {"Content-Disposition": f"attachment; filename={name}.csv"}
    return Response(body, mimetype="text/csv", headers=headers)
