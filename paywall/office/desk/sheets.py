"""How an act goes: a form, a word on what will happen where it matters, the act, and what became of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from paywall.accounts.models import Reader
from paywall.office.desk.forms import ActForm
from paywall.reports.rollup import zone

AGAIN = "Nothing was left to do: it had been done already."


@dataclass(frozen=True, slots=True)
class Sheet:
    """The page of one act. `hints` stand over its form; `will` says of a filled one what will happen."""

    title: str
    button: str
    done: str
    hints: Sequence[str] = ()
    will: Callable[[], Sequence[str]] | None = None
    is_grave: bool = False


def run(reader: Reader, sheet: Sheet, form: ActForm, do: Callable[[], bool]) -> ResponseReturnValue:
    """Show the form, or what it will do, or do it; a second time nothing is done, and that is said."""
    reader_id = reader.id
    if not form.validate_on_submit():
        return render_template("office/desk/act.html", reader=reader, sheet=sheet, form=form)
    if sheet.will and not form.is_confirmed:
        will = sheet.will()
        if not form.errors:
            return render_template(
                "office/desk/confirm.html", reader=reader, sheet=sheet, form=form, will=will
            )
        return render_template("office/desk/act.html", reader=reader, sheet=sheet, form=form)
    if do():
        flash(sheet.done, "success")
    else:
        flash(AGAIN, "info")
    return back(reader_id)


def at(instant: datetime | None) -> str:
    """An instant in the time of the site, to the minute."""
    return f"{instant.astimezone(zone()):%Y-%m-%d %H:%M}" if instant else "-"


def back(reader_id: int) -> Response:
    """To the reader's page."""
    return redirect(url_for("desk.show", reader_id=reader_id), 303)
