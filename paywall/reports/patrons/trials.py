"""What became of the trials, by the month in which they began."""

from paywall.reports import measures, page
from paywall.reports.asked import Asked
from paywall.reports.fold import Kind
from paywall.reports.page import Chart, Column, Figure, Report, Row, Shape, Table
from paywall.reports.patrons import lists
from paywall.reports.patrons.look import look
from paywall.reports.stretch import Stretch

BEGUN = "Trials that began in these days. Each membership counts, not each reader; seats of groups do not."
CONVERTED = "Of these, the trials that became a membership to be paid, at whatever time since."
ENDED = "Of these, the trials that ended before anything was to be paid."
OPEN = "Of these, the trials that are still going on."
SHARE = "Paid for, of those that are decided: still open ones are left away."
TODAY = "What became of a trial is as things stand now, also for those that began long ago."
NUMBERS = ("Begun", "Paid for", "Ended", "Still open")


@page.report("trials", "Trials")
def trials(asked: Asked) -> Report:
    """Begun, paid for, ended and open, in all and by month."""
    seen = look(asked)
    now, before = (measures.trials(span.whole()) for span in (seen.now, seen.before))
    figures = (
        Figure("Begun", now.begun, before.begun, BEGUN, "begun"),
        Figure("Paid for", now.converted, before.converted, CONVERTED, "converted"),
        Figure("Ended", now.ended, before.ended, ENDED, "ended"),
        Figure("Still open", now.still_open, before.still_open, OPEN, "open"),
        Figure("Conversion", now.conversion, before.conversion, SHARE),
    )
    columns = (
        Column("Month", page.Kind.MONTH),
        *(Column(name, page.Kind.NUMBER) for name in NUMBERS),
        Column("Conversion", page.Kind.SHARE),
    )
    rows = [_row(month) for month in seen.now.months()]
    chart = Chart(Shape.STACKED, NUMBERS[1:])
    table = Table("Trials by month", "By the month in which they began.", columns, rows, chart)
    return Report("Trials", figures, (table,), (TODAY, *seen.notes))


lists.moves("trials", "begun", "Trials that began", Kind.TRIAL_BEGUN)
lists.moves(
    "trials", "converted", "Trials that were paid for, by the day on which they began", Kind.TRIAL_CONVERTED
)
lists.moves("trials", "ended", "Trials that ended, by the day on which they began", Kind.TRIAL_ENDED)
lists.still_open("trials")


def _row(month: Stretch) -> Row:
    found = measures.trials(month)
    counts = (found.begun, found.converted, found.ended, found.still_open)
    return (month.since.replace(day=1), *counts, found.conversion)
